"""Proxies that serve the same load in turns, and how ours stands beside the better peer."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from rig import setting
from rig.load import Wrk
from rig.proxies import Forwarder, Haproxy, NginxProxy, Origin, RoundhouseProxy
from rig.server import Server
from rig.table import Row
from proxied.scale import Scale

CLIENTS = 64


@dataclass
class Figures:
    """Per counted run: requests a second, latencies in ms, CPU microseconds of all processes of the
    server per request."""
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


Measure = Callable[[Figures], list[float]]


@dataclass
class Contest:
    """`floor` takes part where it can be compared."""
    ours: RoundhouseProxy
    peers: list[Server]
    floor: Forwarder | None = None
    figures: dict[Server, Figures] = field(default_factory=dict)

    @property
    def servers(self) -> list[Server]:
        return [self.ours, *self.peers, *([self.floor] if self.floor else [])]

    def run(self, origin: Origin, scale: Scale, close: bool = False, path: str = "/") -> None:
        """Every server once, then every one again: what the machine does meanwhile hits all."""
        with ExitStack() as stack:
            for server in (origin, *self.servers):
                stack.enter_context(server)
                self.figures[server] = Figures()
            for server in self.servers:
                self._load(server, 1, close, path)  # warm
            for _ in range(scale.rounds):
                for server in self.servers:
                    self._counted_run(server, scale, close, path)

    def _counted_run(self, server: Server, scale: Scale, close: bool, path: str) -> None:
        before = server.cpu_seconds()
        report = self._load(server, scale.seconds, close, path)
        cpu = server.cpu_seconds() - before
        if report.errors:
            raise RuntimeError(f"{server.name}: {report.errors} in a quiet run")
        figures = self.figures[server]
        figures.rates.append(report.per_second)
        figures.p50.append(report.latency["p50"])
        figures.p99.append(report.latency["p99"])
        figures.cpu.append(cpu * 1e6 / report.requests)

    @staticmethod
    def _load(server: Server, seconds: int, close: bool, path: str):
        with Wrk(server.port, CLIENTS, seconds, close, threads=1, path=path,
                 scheme=server.scheme) as wrk:
            return wrk.finish()

    def ratio(self, measure: Measure, other: Server) -> float:
        """Ours to the other's: the median over neighbouring runs."""
        return median(a / b for a, b in zip(measure(self.figures[self.ours]),
                                            measure(self.figures[other])))

    def better(self, measure: Measure, most: bool = False) -> Server:
        """The peer with the least of it, or the most."""
        return (max if most else min)(self.peers, key=lambda s: median(measure(self.figures[s])))

    def at_most(self, what: str, measure: Measure, unit: str, limit: float | None = None,
                scale_by: float = 1.0) -> Row:
        return self._row(what, measure, unit, limit, False, scale_by)

    def at_least(self, what: str, measure: Measure, unit: str, limit: float | None = None) -> Row:
        return self._row(what, measure, unit, limit, True, 1.0)

    def _row(self, what: str, measure: Measure, unit: str, limit: float | None, most: bool,
             scale_by: float) -> Row:
        """Ours beside each peer; judged beside the better one, unless there is no limit."""
        def text(server: Server) -> str:
            return _number(median(measure(self.figures[server])) * scale_by)
        ratio = self.ratio(measure, self.better(measure, most))
        others = [server for server in self.servers if server is not self.ours]
        row = Row(what, f"{text(self.ours)} {unit}".rstrip(),
                  ", ".join(f"{server.name} {text(server)}" for server in others), f"{ratio:.2f}")
        if limit is not None:
            row.target = f"{'≥' if most else '≤'} {limit} × the better peer"
            row.met = ratio >= limit if most else ratio <= limit
        return row


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def http_contest(origin: Origin, with_floor: bool = False, policy: str = "rr",
                 access_log: bool = False) -> Contest:
    """`access_log`: one line a request, by each in the way that is usual for it."""
    log = {"access": {"format": "combined", "to": str(setting.folder() / "ours.log")}}
    return Contest(RoundhouseProxy([origin], policy=policy, log=log if access_log else None),
                   [NginxProxy([origin], access_log), Haproxy([origin], access_log=access_log)],
                   Forwarder(origin) if with_floor else None)


def cpu(figures: Figures) -> list[float]:
    return figures.cpu


def rates(figures: Figures) -> list[float]:
    return figures.rates


def p50(figures: Figures) -> list[float]:
    return figures.p50


def p99(figures: Figures) -> list[float]:
    return figures.p99
