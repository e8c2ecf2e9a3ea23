"""How fast it starts and fills a dead worker's place, and what a million connections leave behind."""

import os
import signal
import time
from statistics import median

from rig import proc
from rig.load import Load
from rig.process import Process
from rig.roundhouse import Roundhouse
from rig.server import ask
from rig.table import Row, Table
from measure.scale import Scale

START_MS = 100
RESPAWN_MS = 50
RSS_KIB = 4096
GROWTH_KIB = 128  # from the first tenth of the connections to the last: nothing per connection


def measure(table: Table, scale: Scale) -> None:
    table.add(_start(scale), _respawn(scale), _soak(scale))


def _start(scale: Scale) -> Row:
    took = []
    for _ in range(scale.starts):
        server = Roundhouse(4)
        begin = time.monotonic()
        server.process = Process(server._command(), server.log)
        while not ask(server.port):
            if time.monotonic() > begin + 5:
                raise RuntimeError(f"no answer 5 s after the start:\n{server.log.read_text()}")
            time.sleep(0.0005)
        took.append((time.monotonic() - begin) * 1000)
        server.stop()
    return Row(f"edge start to first answer, 4 workers, {scale.starts} starts",
               f"median {median(took):.0f} ms, slowest {max(took):.0f} ms",
               ratio=f"{max(took) / START_MS:.2f}", target=f"≤ {START_MS} ms",
               met=max(took) <= START_MS)


def _respawn(scale: Scale) -> Row:
    took = []
    with Roundhouse(2) as server:
        known = set(server.worker_pids())
        for _ in range(scale.starts):
            time.sleep(0.3)
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            killed = time.monotonic()
            while not (answered := _who_answers(server)) or answered in known:
                if time.monotonic() > killed + 5:
                    raise RuntimeError("no replacement in 5 s")
            took.append((time.monotonic() - killed) * 1000)
            known.add(answered)
    return Row(f"kill -9 of a worker to an answer of its replacement, {scale.starts} kills",
               f"median {median(took):.0f} ms, slowest {max(took):.0f} ms",
               ratio=f"{max(took) / RESPAWN_MS:.2f}", target=f"≤ {RESPAWN_MS} ms",
               met=max(took) <= RESPAWN_MS)


def _who_answers(server: Roundhouse) -> int:
    return int(ask(server.port).get("worker-pid", 0))


def _soak(scale: Scale) -> Row:
    """RssAnon of the edge after a tenth of the connections and after all."""
    count = scale.soak_connections
    with Roundhouse(2) as server:
        for part in (count // 10, count - count // 10):
            with Load(server.port, clients=64, requests=part) as load:
                report = load.finish()
            if report.failed:
                raise RuntimeError(f"{report.kinds()} in a quiet run")
            if part == count // 10:
                early = proc.rss_anon_kib(server.edge_pid)
        late = proc.rss_anon_kib(server.edge_pid)
    return Row(f"edge RssAnon after {count:,} connections", f"{late:,} KiB",
               f"{early:,} KiB after {count // 10:,}", f"{late / RSS_KIB:.2f}",
               f"≤ {RSS_KIB:,} KiB and flat", late <= RSS_KIB and late - early <= GROWTH_KIB)
