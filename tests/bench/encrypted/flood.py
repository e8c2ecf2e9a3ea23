"""What other clients notice of one that takes back its requests as fast as it makes them."""

import time

from rig import setting
from rig.encrypted_load import h2load
from rig.load import Served
from rig.proxies import Origin
from rig.reset_flood import ResetFlood
from rig.server import Server
from rig.table import Row, Table
from rig.tls import Tls
from encrypted.contestants import tls_contest
from encrypted.scale import Scale

TO_QUIET = 2.0
CLIENTS = 8
RATE = 100  # requests a second of each
BEFORE_IT_COUNTS = 0.5  # seconds


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    contest = tls_contest(origin, Tls())
    with origin:
        for server in contest.servers:
            table.add(_row(server, scale.flood_seconds, server is contest.ours))


def _row(server: Server, seconds: int, judged: bool) -> Row:
    with server:
        _others(server, 1)  # warm
        quiet = _others(server, seconds)
        with ResetFlood(server.port) as flood:
            time.sleep(BEFORE_IT_COUNTS)
            before = server.cpu_seconds(), flood.streams
            flooded = _others(server, seconds)
            cpu = (server.cpu_seconds() - before[0]) / seconds
            streams = (flood.streams - before[1]) / seconds
    ratio = flooded.latency["p99"] / quiet.latency["p99"]
    return Row(f"HTTP/2 reset flood: p99 of {CLIENTS * RATE} other requests a second: {server.name}",
               f"{flooded.latency['p99']:.2f} ms, without it {quiet.latency['p99']:.2f} ms"
               + (f", {flooded.errors}" if flooded.errors else ""),
               f"{streams:,.0f} streams sent a second on {flood.connections} connections, "
               f"{cpu:.0%} of a CPU", f"{ratio:.2f}",
               f"≤ {TO_QUIET} × without it" if judged else "",
               ratio <= TO_QUIET and not flooded.errors if judged else None)


def _others(server: Server, seconds: int) -> Served:
    log = setting.folder() / f"h2load-{server.port}.log"
    return h2load(server.port, Tls(), CLIENTS, 1, seconds, RATE, log)
