"""What thousands of idle connections cost in memory, and large bodies on their way through."""

import socket
import time
from collections.abc import Callable

from rig import proc
from rig.load import Load
from rig.proxies import Origin
from rig.server import Server
from rig.table import Row, Table
from proxied.contest import http_contest
from proxied.scale import Scale

IDLE_TO_PEER = 0.6
FLOW_KIB = 1024
OPENED_PER_SECOND = 2000
PIECE = 1 << 20


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    contest = http_contest(origin)
    with origin:
        idle = {server: _idle_kib(server, scale.idle) for server in contest.servers}
        flows = [_flow_row(server, scale, server is contest.ours) for server in contest.servers]
    best = min(idle[peer] for peer in contest.peers)
    ratio = idle[contest.ours] / best
    beside = ", ".join(f"{peer.name} {idle[peer]:,}" for peer in contest.peers)
    table.add(Row(f"{scale.idle:,} idle connections: RssAnon of all processes",
                  f"{idle[contest.ours]:,} KiB", beside, f"{ratio:.2f}",
                  f"≤ {IDLE_TO_PEER} × the better peer", ratio <= IDLE_TO_PEER), *flows)


def _idle_kib(server: Server, connections: int) -> int:
    """With the connections open, each after one request."""
    opened_after = connections / OPENED_PER_SECOND
    with server:
        with Load(server.port, mode="hold", clients=connections, requests=connections,
                  rate=OPENED_PER_SECOND, hold=opened_after + 4, timeout=30) as load:
            time.sleep(opened_after + 2)
            held = proc.open_sockets(server.worker_pid)
            kib = sum(proc.rss_anon_kib(pid) for pid in server.pids())
            report = load.finish()
    if report.failed or held < connections:
        raise RuntimeError(f"{server.name}: {held} connections open, failed: {report.kinds()}")
    return kib


def _flow_row(server: Server, scale: Scale, judged: bool) -> Row:
    with server:
        down = _growth(server, lambda watch: _download(server.port, scale.flow_bytes, watch))
        up = _growth(server, lambda watch: _upload(server.port, scale.flow_bytes, watch))
    return Row(f"{scale.flow_bytes >> 20:,} MiB down, then up: memory of the worker, {server.name}",
               f"+{down} KiB, +{up} KiB", target=f"< {FLOW_KIB:,} KiB" if judged else "",
               met=max(down, up) < FLOW_KIB if judged else None)


def _growth(server: Server, work: Callable[[Callable[[], None]], None]) -> int:
    """At its most, from before the work; looked at by the work now and then."""
    before = most = proc.rss_anon_kib(server.worker_pid)

    def watch() -> None:
        nonlocal most
        most = max(most, proc.rss_anon_kib(server.worker_pid))
    work(watch)
    return most - before


def _download(port: int, size: int, watch: Callable[[], None]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET /{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        got = 0
        while part := connection.recv(PIECE):
            got += len(part)
            if got % (16 * PIECE) < len(part):
                watch()
    if got < size:
        raise RuntimeError(f"{got} bytes of {size}")


def _upload(port: int, size: int, watch: Callable[[], None]) -> None:
    piece = bytes(PIECE)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        for i in range(size // PIECE):
            connection.sendall(piece)
            if i % 16 == 0:
                watch()
        if not connection.recv(PIECE).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("the upload was not answered with 200")
