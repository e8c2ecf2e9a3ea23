"""The worker half of a Node cluster program, unmodified, under Roundhouse and under Node's own primary."""

import time
from dataclasses import replace
from statistics import median

from rig import proc
from rig.load import Wrk
from rig.peers import PEERS, NodeCluster
from rig.roundhouse import Roundhouse
from rig.table import Row, Table, jain
from measure.cost import CLIENTS, Cost, alternate
from measure.faults import storm, summary
from measure.scale import Scale

WORKERS = 2
RATE = 1.25
RATE_KERNEL = 1.8
RATE_PROXIED = 2.5
EDGE_CPU = 0.45
KEEP_ALIVE = 1.0
FAIRNESS = 0.999
FAIR_WORKERS = 4
KILLS = 30


def program(workers: int, policy: str = "rr", listener: dict[str, object] | None = None,
            **more: object) -> Roundhouse:
    server = Roundhouse(workers, policy, pool={"type": "node", **more}, listener=listener)
    server.name = "roundhouse with Node workers"
    port = str(server.port) if policy == "rr_kernel" else "3000"  # there the program must know it
    server.configuration["pools"][server.pool]["command"] = [
        "node", str(PEERS / "node_cluster.js"), port, str(workers), policy]
    return server


def proxied(workers: int, socket: str) -> Roundhouse:
    return program(workers, listener={"via": "proxy"}, socket=socket)


def measure(table: Table, scale: Scale) -> None:
    ours, one_by_one = program(WORKERS), program(WORKERS, handoff={"depth": 1})
    kernel = program(WORKERS, "rr_kernel")
    by_path, by_port = proxied(WORKERS, "unix"), proxied(WORKERS, "tcp")
    node = NodeCluster(WORKERS, "rr")
    costs = alternate([ours, one_by_one, kernel, by_path, by_port, node], scale.cost_rounds,
                      lambda _: scale.connections // 2)
    table.add(_rate_row("rr, connections a second", costs[ours], costs[node], RATE),
              _rate_row("rr, the same, handoff.depth 1", costs[one_by_one], costs[node], None),
              _rate_row("rr_kernel, the same", costs[kernel], costs[node], RATE_KERNEL),
              _rate_row("proxied, the same, unix sockets", costs[by_path], costs[node],
                        RATE_PROXIED),
              _rate_row("proxied, the same, TCP sockets", costs[by_port], costs[node], None),
              _cpu_row("proxied, unix sockets, CPU of all processes per connection",
                       costs[by_path].whole, costs[node].whole, None),
              _cpu_row("rr_kernel, CPU of all processes per connection", costs[kernel].whole,
                       costs[node].whole, None),
              _cpu_row("rr, edge CPU per connection", costs[ours].edge, costs[node].edge, EDGE_CPU),
              _cpu_row("rr, CPU of all processes per connection", costs[ours].whole,
                       costs[node].whole, None),
              _keep_alive_row(scale))
    for row in _fairness_rows(scale.fairness_rounds) + _kill_rows(scale):
        table.add(row)


def _rate_row(what: str, ours: Cost, node: Cost, least: float | None) -> Row:
    ratio = median(a / b for a, b in zip(ours.rates, node.rates))
    return Row(f"Node workers, {what}", ours.pace(), node.pace(), f"{ratio:.2f}",
               f"≥ {least}" if least else "", ratio >= least if least else None)


def _cpu_row(what: str, ours: list[float], node: list[float], most: float | None) -> Row:
    ratio = median(a / b for a, b in zip(ours, node))
    return Row(f"Node workers, {what}", f"{median(ours):.1f} µs", f"{median(node):.1f} µs",
               f"{ratio:.2f}", f"≤ {most}" if most else "", ratio <= most if most else None)


def _keep_alive_row(scale: Scale) -> Row:
    seconds = 5 if scale.connections >= 10_000 else 1
    rates: list[list[float]] = [[], []]
    with program(WORKERS) as ours, NodeCluster(WORKERS, "rr") as node:
        for _ in range(3):
            for server, seen in zip((ours, node), rates):
                with Wrk(server.port, CLIENTS, seconds) as wrk:
                    seen.append(wrk.finish().per_second)
    ratio = median(a / b for a, b in zip(*rates))
    return Row("Node workers, rr, kept-alive requests a second", f"{median(rates[0]):,.0f}",
               f"{median(rates[1]):,.0f}", f"{ratio:.2f}", f"≥ {KEEP_ALIVE}", ratio >= KEEP_ALIVE)


def _wait_for_all(server: Roundhouse) -> None:
    deadline = time.monotonic() + 30
    while server.ready(server.pool) < FAIR_WORKERS and time.monotonic() < deadline:
        time.sleep(0.05)


def _fairness_rows(rounds: int) -> list[Row]:
    indexes = []
    with program(FAIR_WORKERS) as server:
        _wait_for_all(server)  # one is enough to serve, and those that boot still get nothing
        for _ in range(rounds):
            before = server.metrics().by("worker", "worker_connections_total")
            with Wrk(server.port, CLIENTS, seconds=1) as wrk:
                wrk.finish()
            after = server.metrics().by("worker", "worker_connections_total")
            indexes.append(jain([after[worker] - before[worker] for worker in after]))
    theirs = []
    with NodeCluster(FAIR_WORKERS, "rr") as node:
        idle = {pid: proc.open_sockets(pid) for pid in node.worker_pids()}
        for _ in range(rounds):
            with Wrk(node.port, CLIENTS, seconds=1) as wrk:
                time.sleep(0.6)
                during = {pid: proc.open_sockets(pid) for pid in idle}
                wrk.finish()
            time.sleep(0.2)  # until the last connections are closed
            theirs.append(jain([during[pid] - idle[pid] for pid in idle]))
    return [Row(f"Jain's index, {CLIENTS} kept-alive connections, {FAIR_WORKERS} Node workers, rr",
                f"{min(indexes):.4f} at least", f"{min(theirs):.4f} at least",
                target=f"≥ {FAIRNESS} in {rounds} of {rounds} runs",
                met=min(indexes) >= FAIRNESS)]


def _kill_rows(scale: Scale) -> list[Row]:
    """What a killed worker had accepted is lost with it, unless proxies can ask another."""
    scale = replace(scale, kills=KILLS)
    reports = []
    for server in (program(FAIR_WORKERS), proxied(FAIR_WORKERS, "unix"),
                   NodeCluster(FAIR_WORKERS, "rr")):
        with server:
            reports.append(storm(server, scale))
    (direct, killed), (behind, also_killed), (node, node_killed) = reports
    return [Row(f"{killed} × kill -9 under load, rr", summary(direct, killed),
                summary(node, node_killed), target="0 refused, no more failed than under Node",
                met=direct.refusals == 0 and direct.failed / killed <= node.failed / node_killed),
            Row(f"{also_killed} × kill -9 under load, proxied", summary(behind, also_killed),
                summary(node, node_killed), target="none failed", met=behind.failed == 0)]
