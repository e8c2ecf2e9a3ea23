"""How evenly 64 kept-alive connections are spread over four workers."""

import time

from rig import proc
from rig.load import Wrk
from rig.peers import Nginx, NodeCluster
from rig.roundhouse import Roundhouse
from rig.server import Server
from rig.table import Row, Table, jain
from measure.scale import Scale

WORKERS = 4
CLIENTS = 64
TARGET = 0.999
# Else a worker closes after 1,000 requests, and the 64 connections become hundreds.
ENDLESS = {"limits": {"requests_per_connection": 1_000_000_000}}


def measure(table: Table, scale: Scale) -> None:
    ours = [_index_by_metrics(scale.fairness_rounds), *(
        _index_by_kernel(server, scale.fairness_rounds) for server in (
            Roundhouse(WORKERS, "none", listener=ENDLESS), NodeCluster(WORKERS, "rr"),
            NodeCluster(WORKERS, "none"), Nginx(WORKERS), Nginx(WORKERS, reuseport=True)))]
    for row in ours:
        table.add(row)


def _index_by_metrics(rounds: int) -> Row:
    """Ours, rr: by what the workers count; the kernel must see the same."""
    indexes = []
    seen = []
    with Roundhouse(WORKERS, "rr", listener=ENDLESS) as server:
        idle = _sockets(server)
        for _ in range(rounds):
            before = server.metrics().by("worker", "worker_connections_total")
            seen.append(_round(server, idle))
            after = server.metrics().by("worker", "worker_connections_total")
            indexes.append(jain([after[worker] - before[worker] for worker in after]))
    return Row(f"Jain's index, {CLIENTS} kept-alive connections, {WORKERS} workers: {server.name}",
               _spread(indexes), beside=f"as the kernel sees it {min(seen):.4f} at least",
               target=f"≥ {TARGET} in {rounds} of {rounds} runs", met=min(indexes) >= TARGET)


def _index_by_kernel(server: Server, rounds: int) -> Row:
    with server:
        idle = _sockets(server)
        indexes = [_round(server, idle) for _ in range(rounds)]
    return Row(f"the same: {server.name}", _spread(indexes))


def _sockets(server: Server) -> dict[int, int]:
    return {pid: proc.open_sockets(pid) for pid in server.worker_pids()}


def _round(server: Server, idle: dict[int, int]) -> float:
    """While wrk runs: how many sockets more each worker has than when it is idle."""
    with Wrk(server.port, CLIENTS, seconds=1) as wrk:
        time.sleep(0.6)
        during = _sockets(server)
        wrk.finish()
    time.sleep(0.2)  # until the last connections are closed
    return jain([during[pid] - idle[pid] for pid in idle])


def _spread(indexes: list[float]) -> str:
    ordered = sorted(indexes)
    return f"{ordered[0]:.4f} - {ordered[-1]:.4f}, median {ordered[len(ordered) // 2]:.4f}"
