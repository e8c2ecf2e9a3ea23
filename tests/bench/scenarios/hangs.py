"""4: one of two workers is stopped, loops for ever, or blocks."""

import os
import signal
import threading
import time
from collections.abc import Callable

from rig import proc
from rig.load import Load, run_load
from rig.process import wait_until
from rig.roundhouse import ExitWatch, Roundhouse
from rig.server import ask
from rig.table import Row, Table
from scenarios.scale import Scale

REPLACED = 3.0  # s
SLOWEST_MS = 1000
# Connections a second. Not 3 to 1: with two workers in strict turn each load would then meet the
# same worker again and again.
BACKGROUND_RATE = 1310
PROBE_RATE = 690


def stopped(table: Table, scale: Scale) -> None:
    _hang(table, scale, "stopped", lambda server, pid: os.kill(pid, signal.SIGSTOP))


def looping(table: Table, scale: Scale) -> None:
    _hang(table, scale, "in an endless loop", _spin(600))


def blocked(table: Table, scale: Scale) -> None:
    _hang(table, scale, f"blocked for {scale.hang:.0f} s", _spin(scale.hang))


def _spin(seconds: float) -> Callable[[Roundhouse, int], None]:
    def send(server: Roundhouse, _: int) -> None:
        path = f"/spin?ms={seconds * 1000:.0f}"
        threading.Thread(target=ask, args=(server.port, path, 15), daemon=True).start()
    return send


def _hang(table: Table, scale: Scale, what: str, begin: Callable[[Roundhouse, int], None]) -> None:
    with Roundhouse(2) as server, ExitWatch(server) as exits:
        before = set(server.worker_pids())
        connections = server.metrics().sum("worker_connections_total")
        with Load(server.port, clients=64, rate=BACKGROUND_RATE, seconds=3600) as whole:
            time.sleep(0.5)
            begin(server, min(before))
            first = run_load(server.port, clients=32, rate=PROBE_RATE, seconds=1)
            later = Load(server.port, clients=32, rate=PROBE_RATE, seconds=scale.hang - 1)
            replaced = wait_until(lambda: len(set(server.worker_pids()) & before) == 1
                                  and len(server.worker_pids()) == 2, 10)
            rest = later.finish()
            for pid in before:
                if proc.state(pid) == "T":
                    os.kill(pid, signal.SIGCONT)
            time.sleep(0.3)
            report = whole.finish(stop=True)
        connections = server.metrics().sum("worker_connections_total") - connections
        uncounted = server.taken_uncounted()
    made = first.connections + rest.connections + report.connections + (what != "stopped")
    lost = first.failed + rest.failed + report.failed
    taken = exits.sum("connections_active")
    table.add(
        Row(f"4: one of 2 {what}: connections made in the first second",
            f"slowest {first.latency['max']:.0f} ms, failed: {first.kinds()}",
            target=f"≤ {SLOWEST_MS} ms, none",
            met=first.latency["max"] <= SLOWEST_MS and first.failed == 0),
        Row("4: later ones", f"slowest {rest.latency['max']:.0f} ms, failed: {rest.kinds()}",
            target=f"≤ {SLOWEST_MS} ms, none",
            met=rest.latency["max"] <= SLOWEST_MS and rest.failed == 0),
        Row("4: replaced", "never" if replaced is None else f"{replaced + 1:.1f} s",
            target=f"≤ {REPLACED:.0f} s", met=replaced is not None and replaced + 1 <= REPLACED),
        Row("4: lost with it, and served twice",
            f"{lost} lost, {connections + uncounted - made:.0f} twice",
            f"{taken} connections that it had taken", target="≤, 0",
            met=lost <= taken and connections + uncounted <= made))
