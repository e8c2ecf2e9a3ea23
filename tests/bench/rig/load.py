"""Load: our own client, which names every failure, and wrk."""

import json
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rig.setting import bench_program

# What a client would call "the server was not there".
REFUSALS = ("refused", "connect_timeout", "connect_failed")
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass
class Report:
    """What bench_load printed. Latencies in milliseconds."""
    answered: int
    per_second: float
    connections: int
    failures: dict[str, int]
    latency: dict[str, float]
    slowest_begun: float
    answers_by_worker: dict[int, int]
    first_failures: list[tuple[str, float, float]]

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def refusals(self) -> int:
        return sum(self.failures[kind] for kind in REFUSALS)

    @property
    def share_failed(self) -> float:
        return self.failed / max(1, self.failed + self.answered)

    def kinds(self) -> str:
        """"3 reset, 1 closed" or "none"."""
        return ", ".join(f"{n} {kind}" for kind, n in self.failures.items() if n) or "none"

    @classmethod
    def parse(cls, text: str) -> "Report":
        raw = json.loads(text)
        return cls(
            answered=raw["answered"], per_second=raw["per_second"],
            connections=raw["connections"], failures=raw["failures"],
            latency={name: value / 1000 for name, value in raw["latency_us"].items()},
            slowest_begun=raw["slowest_begun"],
            answers_by_worker={int(k): v for k, v in raw["answers_by_worker"].items()},
            first_failures=[tuple(row) for row in raw["first_failures"]])

    def __add__(self, other: "Report") -> "Report":
        """Both at once; of the latencies the worse."""
        return Report(
            self.answered + other.answered, self.per_second + other.per_second,
            self.connections + other.connections,
            {k: self.failures[k] + other.failures[k] for k in self.failures},
            {k: max(self.latency[k], other.latency[k]) for k in self.latency},
            max(self.slowest_begun, other.slowest_begun),
            self.answers_by_worker | other.answers_by_worker,
            self.first_failures + other.first_failures)


class Load:
    """bench_load in the background. The flags are its own, without dashes."""

    def __init__(self, port: int, expect: str = "hello world", **flags: object):
        command = [bench_program("bench_load"), "--port", str(port), "--expect", expect]
        for name, value in flags.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def finish(self, stop: bool = False) -> Report:
        """Waits for its end; `stop`: it begins no more requests from now on."""
        if stop:
            self._process.send_signal(signal.SIGTERM)
        text, _ = self._process.communicate(timeout=300)
        return Report.parse(text)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def run_load(port: int, **flags: object) -> Report:
    with Load(port, **flags) as load:
        return load.finish()


@dataclass
class Served:
    """What a load counted that is not ours. Latencies in milliseconds, where it tells them."""
    requests: int
    per_second: float
    errors: str  # in its own words; empty: none
    latency: dict[str, float]


class Wrk:
    """wrk in the background."""

    def __init__(self, port: int, clients: int, seconds: int, close: bool = False, threads: int = 2,
                 path: str = "/", scheme: str = "http", env: dict[str, str] | None = None):
        command = ["wrk", "--latency", f"-t{threads}", f"-c{clients}", f"-d{seconds}"]
        if close:
            command += ["-H", "Connection: close"]
        self._process = subprocess.Popen([*command, f"{scheme}://127.0.0.1:{port}{path}"],
                                         stdout=subprocess.PIPE, text=True, env=env)

    def finish(self) -> Served:
        text, _ = self._process.communicate(timeout=120)
        requests = re.search(r"(\d+) requests in", text)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
        errors = re.search(r"(Socket errors: .*|Non-2xx .*)", text)
        latency = {f"p{share}": float(value) * _MILLISECONDS[unit] for share, value, unit
                   in re.findall(r"^\s+(\d+)%\s+([\d.]+)([a-z]+)\s*$", text, re.MULTILINE)}
        if requests is None or rate is None or "p99" not in latency:
            raise RuntimeError(f"wrk said: {text}")
        return Served(int(requests[1]), float(rate[1]), errors[1] if errors else "", latency)

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
