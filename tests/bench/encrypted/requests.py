"""What a request of 1 KiB costs on kept connections: HTTP/1.1, and HTTP/2 with 100 streams."""

from rig.encrypted_load import h2load
from rig.table import Table
from rig.tls import Tls
from proxied.contest import cpu, p50, p99, rates, wrk_load
from encrypted.contestants import run_tls_contest
from encrypted.scale import Scale

CPU_TO_PEER = 0.9
CONNECTIONS = 8
STREAMS = 100


def measure(table: Table, scale: Scale) -> None:
    tls = Tls()
    kept = run_tls_contest(tls, scale, wrk_load(env=tls.environment()))
    what = "TLS, HTTP/1.1, 1 KiB, kept connections"
    table.add(kept.at_most(f"{what}: CPU per request", cpu, "µs", CPU_TO_PEER),
              kept.at_least(f"{what}: requests a second", rates, ""),
              kept.at_most(f"{what}: p50", p50, "ms"),
              kept.at_most(f"{what}: p99", p99, "ms"))
    streams = run_tls_contest(tls, scale, lambda server, seconds: h2load(
        server.port, tls, CONNECTIONS, STREAMS, seconds))
    what = f"TLS, HTTP/2, 1 KiB, {CONNECTIONS} connections with {STREAMS} streams"
    table.add(streams.at_most(f"{what}: CPU per request", cpu, "µs", CPU_TO_PEER),
              streams.at_least(f"{what}: requests a second", rates, ""))
