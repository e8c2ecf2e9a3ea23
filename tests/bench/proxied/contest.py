"""Proxies that serve the same load in turns, and how ours stands beside the better peer."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from rig import setting
from rig.load import Served, Wrk
from rig.proxies import Forwarder, Haproxy, NginxProxy, Origin, RoundhouseProxy
from rig.server import Server
from rig.table import Row
from proxied.scale import Scale

CLIENTS = 64


@dataclass
class Figures:
    """Per counted run: requests a second, latencies in ms where the load tells them, CPU
    microseconds of all processes of the server per request."""
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


LoadOf = Callable[[Server, int], Served]  # so many seconds of it


def wrk_load(close: bool = False, path: str = "/", env: dict[str, str] | None = None) -> LoadOf:
    def load(server: Server, seconds: int) -> Served:
        with Wrk(server.port, CLIENTS, seconds, close, threads=1, path=path, scheme=server.scheme,
                 env=env) as wrk:
            return wrk.finish()
    return load


Measure = Callable[[Figures], list[float]]


@dataclass
class Contest:
    """`floor` takes part where it can be compared; `also` are others of ours, for seen_by()."""
    ours: RoundhouseProxy
    peers: list[Server]
    floor: Forwarder | None = None
    also: list[RoundhouseProxy] = field(default_factory=list)
    figures: dict[Server, Figures] = field(default_factory=dict)

    @property
    def servers(self) -> list[Server]:
        return [self.ours, *self.also, *self.peers, *([self.floor] if self.floor else [])]

    def seen_by(self, ours: RoundhouseProxy) -> "Contest":
        """The same runs, with another of ours to be judged."""
        return Contest(ours, self.peers, self.floor, figures=self.figures)

    def run(self, origin: Origin, scale: Scale, close: bool = False, path: str = "/") -> None:
        self.run_load(origin, scale, wrk_load(close, path))

    def run_load(self, origin: Origin, scale: Scale, load: LoadOf,
                 check: Callable[[Server], None] | None = None) -> None:
        """Every server once, then every one again: what the machine does meanwhile hits all.
        `check`: raises where a server that runs cannot be compared."""
        with ExitStack() as stack:
            for server in (origin, *self.servers):
                stack.enter_context(server)
                self.figures[server] = Figures()
            for server in self.servers:
                if check:
                    check(server)
                load(server, 1)  # warm
            for _ in range(scale.rounds):
                for server in self.servers:
                    self._counted_run(server, scale.seconds, load)

    def _counted_run(self, server: Server, seconds: int, load: LoadOf) -> None:
        before = server.cpu_seconds()
        served = load(server, seconds)
        cpu = server.cpu_seconds() - before
        if served.errors:
            raise RuntimeError(f"{server.name}: {served.errors} in a quiet run")
        figures = self.figures[server]
        figures.rates.append(served.per_second)
        figures.p50.append(served.latency.get("p50", 0.0))
        figures.p99.append(served.latency.get("p99", 0.0))
        figures.cpu.append(cpu * 1e6 / served.requests)

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
        """Ours beside each peer; judged beside the best one, unless there is no limit."""
        def text(server: Server) -> str:
            return _number(median(measure(self.figures[server])) * scale_by)
        ratio = self.ratio(measure, self.better(measure, most))
        others = [*self.peers, *([self.floor] if self.floor else [])]
        row = Row(what, f"{text(self.ours)} {unit}".rstrip(),
                  ", ".join(f"{server.name} {text(server)}" for server in others), f"{ratio:.2f}")
        if limit is not None:
            which = "best" if len(self.peers) > 2 else "better"
            row.target = f"{'≥' if most else '≤'} {limit} × the {which} peer"
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


def per_cpu_second(figures: Figures) -> list[float]:
    return [1e6 / microseconds for microseconds in figures.cpu]


def rates(figures: Figures) -> list[float]:
    return figures.rates


def p50(figures: Figures) -> list[float]:
    return figures.p50


def p99(figures: Figures) -> list[float]:
    return figures.p99
