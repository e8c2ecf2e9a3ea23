"""What a connection costs: one request each, 64 clients, two workers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from rig import proc
from rig.load import Wrk, run_load
from rig.peers import Floor, Nginx, NodeCluster
from rig.roundhouse import Roundhouse
from rig.server import Server
from rig.system_calls import count_system_calls, listed
from rig.table import Row, Table
from measure.scale import Scale

WORKERS = 2
CLIENTS = 64
EDGE_TO_NODE = 0.33
EDGE_TO_FLOOR = 1.15
RR_TO_NONE = 0.9
RR_TO_NONE_CPU = 1.35
NODE_SHARE = 0.4  # of the connections: Node is that much slower, and a run need not last longer


@dataclass
class Cost:
    """Per counted run: connections a second, latencies in ms, CPU microseconds per connection."""
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    edge: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def pace(self) -> str:
        return (f"{median(self.rates):,.0f} (p50 {median(self.p50):.1f} ms, "
                f"p99 {median(self.p99):.1f} ms)")


def measure(table: Table, scale: Scale) -> None:
    rr, none = Roundhouse(WORKERS, "rr"), Roundhouse(WORKERS, "none")
    node, nginx = NodeCluster(WORKERS, "rr"), Nginx(WORKERS)
    floor, floor_batched = Floor(WORKERS, 1), Floor(WORKERS, 8)
    servers: list[Server] = [rr, none, node, nginx, floor, floor_batched]
    costs = alternate(servers, scale.cost_rounds, lambda server: int(
        scale.connections * (NODE_SHARE if server is node else 1)))
    table.add(*_edge_rows(costs, rr, node, floor, floor_batched))
    table.add(*_pool_rows(costs, rr, none, node, nginx))
    table.add(_system_calls(rr, scale), _system_calls(floor, scale))
    table.add(*_wrk_rows(scale))


def alternate(servers: list[Server], rounds: int,
              connections: Callable[[Server], int]) -> dict[Server, Cost]:
    """Every server once, then every one again: what the machine does meanwhile hits all."""
    costs = {server: Cost() for server in servers}
    for server in servers:
        server.start()
    try:
        for server in servers:
            run_load(server.port, clients=CLIENTS, requests=1000)  # warm
        for _ in range(rounds):
            for server in servers:
                _counted_run(server, costs[server], connections(server))
    finally:
        for server in servers:
            server.stop()
    return costs


def _counted_run(server: Server, cost: Cost, connections: int) -> None:
    edge, whole = proc.cpu_seconds(server.edge_pid), server.cpu_seconds()
    report = run_load(server.port, clients=CLIENTS, requests=connections)
    edge, whole = proc.cpu_seconds(server.edge_pid) - edge, server.cpu_seconds() - whole
    if report.failed:
        raise RuntimeError(f"{server.name}: {report.kinds()} in a quiet run")
    cost.rates.append(report.per_second)
    cost.p50.append(report.latency["p50"])
    cost.p99.append(report.latency["p99"])
    cost.edge.append(edge * 1e6 / report.answered)
    cost.whole.append(whole * 1e6 / report.answered)


def _edge_rows(costs: dict[Server, Cost], rr: Server, node: Server, floor: Server,
               floor_batched: Server) -> list[Row]:
    ours = median(costs[rr].edge)
    rows = []
    for other, limit, what in (
            (node, EDGE_TO_NODE, "Node's primary"), (floor, EDGE_TO_FLOOR, floor.name),
            (floor_batched, None, floor_batched.name)):
        theirs = median(costs[other].edge)
        ratio = median(a / b for a, b in zip(costs[rr].edge, costs[other].edge))
        rows.append(Row(f"edge CPU per connection, beside {what}", f"{ours:.1f} µs",
                        f"{theirs:.1f} µs", f"{ratio:.2f}", f"≤ {limit}" if limit else "",
                        ratio <= limit if limit else None))
    return rows


def _pool_rows(costs: dict[Server, Cost], rr: Server, none: Server, node: Server,
               nginx: Server) -> list[Row]:
    rate = median(a / b for a, b in zip(costs[rr].rates, costs[none].rates))
    cpu = median(a / b for a, b in zip(costs[rr].whole, costs[none].whole))
    rows = [
        Row("connections a second, rr beside none", costs[rr].pace(), costs[none].pace(),
            f"{rate:.2f}", f"≥ {RR_TO_NONE}", rate >= RR_TO_NONE),
        Row("CPU of all processes per connection, rr beside none",
            f"{median(costs[rr].whole):.1f} µs", f"{median(costs[none].whole):.1f} µs",
            f"{cpu:.2f}", f"≤ {RR_TO_NONE_CPU}", cpu <= RR_TO_NONE_CPU)]
    for peer in (node, nginx):
        faster = median(a / b for a, b in zip(costs[rr].rates, costs[peer].rates))
        cheaper = median(a / b for a, b in zip(costs[rr].whole, costs[peer].whole))
        rows.append(Row(f"connections a second, rr beside {peer.name}", costs[rr].pace(),
                        costs[peer].pace(), f"{faster:.2f}"))
        rows.append(Row(f"CPU of all processes per connection, rr beside {peer.name}",
                        f"{median(costs[rr].whole):.1f} µs", f"{median(costs[peer].whole):.1f} µs",
                        f"{cheaper:.2f}"))
    return rows


def _system_calls(server: Server, scale: Scale) -> Row:
    with server:
        calls = count_system_calls(server.edge_pid, lambda: run_load(
            server.port, clients=CLIENTS, requests=scale.connections // 4).answered)
    return Row(f"system calls per connection in the edge: {server.name}", listed(calls))


def _wrk_rows(scale: Scale) -> list[Row]:
    seconds = 5 if scale.connections >= 10_000 else 1
    rows = []
    for close in (False, True):
        with Roundhouse(WORKERS) as server, Wrk(server.port, CLIENTS, seconds, close) as wrk:
            report = wrk.finish()
        kind = "Connection: close" if close else "keep-alive"
        rows.append(Row(f"wrk -t2 -c{CLIENTS}, {kind}: errors", report.errors or "none",
                        f"{report.per_second:,.0f} requests/s", target="none",
                        met=not report.errors))
    return rows
