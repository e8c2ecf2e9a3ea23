"""What idle connections cost in memory, each after one request."""

import socket
import ssl
import time
from contextlib import ExitStack

from rig import proc
from rig.proxies import Origin
from rig.server import Server
from rig.table import Row, Table
from rig.tls import Tls
from encrypted.contestants import tls_contest
from encrypted.scale import Scale

TO_PEER = 1.0
WARM = 50  # connections that come and go before
SETTLED_AFTER = 2.0  # seconds
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    contest = tls_contest(origin, Tls())
    with origin:
        kib = {server: _kib_per_connection(server, scale.idle) for server in contest.servers}
    best = min(kib[peer] for peer in contest.peers)
    ratio = kib[contest.ours] / best
    table.add(Row(f"{scale.idle:,} idle TLS connections: memory of each (PSS of all processes)",
                  f"{kib[contest.ours]:.1f} KiB",
                  ", ".join(f"{peer.name} {kib[peer]:.1f}" for peer in contest.peers),
                  f"{ratio:.2f}", f"≤ {TO_PEER} × the best peer", ratio <= TO_PEER))


def _kib_per_connection(server: Server, connections: int) -> float:
    with server:
        with ExitStack() as stack:
            for _ in range(WARM):
                _ask(stack, server.port)
        before = _settled_kib(server)
        with ExitStack() as stack:
            for _ in range(connections):
                _ask(stack, server.port)
            after = _settled_kib(server)
            held = proc.open_sockets(server.worker_pid)
            if held < connections:
                raise RuntimeError(f"{server.name} holds {held} sockets of {connections}")
    return (after - before) / connections


def _ask(stack: ExitStack, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    connection = stack.enter_context(context.wrap_socket(plain))
    connection.sendall(REQUEST)
    received = b""
    while b"\r\n\r\n" not in received or len(received.split(b"\r\n\r\n", 1)[1]) < 1024:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError(f"port {port} closed a connection")
        received += piece


def _settled_kib(server: Server) -> int:
    time.sleep(SETTLED_AFTER)
    return sum(proc.pss_kib(pid) for pid in server.pids())
