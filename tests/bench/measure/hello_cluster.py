"""docs/examples/hello_cluster.cc beside the same program under Node: requests, CPU, memory."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from measure.scale import Scale
from rig import proc, setting
from rig.load import Wrk
from rig.peers import PEERS
from rig.server import Server
from rig.table import Row, Table

CLIENTS = 64
PER_CPU_SECOND = 2.0  # times Node's
MEMORY = 0.1  # of Node's
EXAMPLE = setting.HERE.parent.parent / "docs" / "examples" / "hello_cluster.cc"


class NodeHello(Server):
    name = "Node"

    def _command(self) -> list[str]:
        return ["node", str(PEERS / "hello_cluster.js"), str(self.port)]


class LibraryHello(Server):
    """The example, built against the static library; only its port is another."""

    name = "library"

    def _command(self) -> list[str]:
        source = setting.folder() / f"hello_cluster-{self.port}.cc"
        source.write_text(EXAMPLE.read_text().replace("listen(8000)", f"listen({self.port})"))
        program = source.with_suffix("")
        sources = setting.HERE.parent.parent / "src"
        built = Path(os.environ["ROUNDHOUSE_BUILD"]) / "src"
        subprocess.run(["g++", "-std=c++23", "-O2", f"-I{sources / 'cluster' / 'public'}", str(source),
                        str(built / "libroundhouse-cluster.a"), "-levent_core", "-lspdlog", "-lfmt",
                        "-o", str(program)], check=True)
        return [str(program)]


@dataclass
class Runs:
    per_second: list[float] = field(default_factory=list)
    per_cpu_second: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def told(self) -> str:
        return (f"{median(self.per_second):,.0f}/s, {median(self.per_cpu_second):,.0f} per CPU-second "
                f"(p99 {median(self.p99):.1f} ms)")


def pss_kib(server: Server) -> int:
    """Of all its processes; what they share counts once."""
    total = 0
    for pid in server.pids():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def measure(table: Table, scale: Scale) -> None:
    cpus = len(os.sched_getaffinity(0))
    ours, node = LibraryHello(cpus), NodeHello(cpus)
    with ours, node:
        idle = pss_kib(ours), pss_kib(node)
        for close in (False, True):
            runs = _alternate([ours, node], scale, close)
            table.add(_requests(runs[ours], runs[node], close))
        table.add(_memory("before the first request", *idle),
                  _memory("after the load", pss_kib(ours), pss_kib(node)))


def _alternate(servers: list[Server], scale: Scale, close: bool) -> dict[Server, Runs]:
    """Every server once, then every one again: what the machine does meanwhile hits both."""
    seconds = 5 if scale.connections >= 10_000 else 1
    runs = {server: Runs() for server in servers}
    for server in servers:
        with Wrk(server.port, CLIENTS, 1, close) as warm:
            warm.finish()
    for _ in range(scale.cost_rounds):
        for server in servers:
            before = server.cpu_seconds()
            with Wrk(server.port, CLIENTS, seconds, close, threads=1) as wrk:
                report = wrk.finish()
            if report.errors:
                raise RuntimeError(f"{server.name}: {report.errors}")
            runs[server].per_second.append(report.per_second)
            runs[server].per_cpu_second.append(report.requests / (server.cpu_seconds() - before))
            runs[server].p99.append(report.latency["p99"])
    return runs


def _requests(ours: Runs, node: Runs, close: bool) -> Row:
    ratio = median(a / b for a, b in zip(ours.per_cpu_second, node.per_cpu_second))
    kind = "Connection: close" if close else "keep-alive"
    return Row(f"requests, {kind}, {CLIENTS} clients", ours.told(), node.told(),
               f"{ratio:.2f} per CPU-second", f"≥ {PER_CPU_SECOND}", ratio >= PER_CPU_SECOND)


def _memory(when: str, ours: int, node: int) -> Row:
    ratio = ours / node
    return Row(f"memory of the whole cluster {when} (PSS)", f"{ours / 1024:.1f} MiB",
               f"{node / 1024:.1f} MiB", f"{ratio:.2f}", f"≤ {MEMORY}", ratio <= MEMORY)
