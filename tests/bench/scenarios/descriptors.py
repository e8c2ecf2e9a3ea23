"""6: no descriptors left, in the edge, in the workers, in both from the start."""

import os
import pwd
import resource
import time
from collections.abc import Callable

from rig import proc
from rig.load import Load, run_load
from rig.roundhouse import Roundhouse
from rig.table import Row, Table
from scenarios.scale import Scale

NOFILE = 64
IDLE = 500
HOLD = 4.0  # s
CPU_PERCENT = 20
FULL_SERVICE_MS = 1000


def in_the_edge(table: Table, scale: Scale) -> None:
    _exhaust(table, "in the edge", lambda server: _limit([server.edge_pid]))


def in_the_workers(table: Table, scale: Scale) -> None:
    _exhaust(table, "in the workers", lambda server: _limit(server.worker_pids()))


def from_the_start(table: Table, scale: Scale) -> None:
    _exhaust(table, "everywhere from the start", lambda server: None, nofile=NOFILE)


def _limit(pids: list[int]) -> None:
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (NOFILE, NOFILE))


def _exhaust(table: Table, where: str, limit: Callable[[Roundhouse], None],
             nofile: int | None = None) -> None:
    server = Roundhouse(2)
    # Only a process of our own user may be limited from outside.
    server.configuration["user"] = pwd.getpwuid(os.geteuid()).pw_name
    server.start(nofile=nofile)
    try:
        limit(server)
        time.sleep(0.3)  # a worker looks at its limit with each heartbeat
        with Load(server.port, mode="hold", hold=HOLD, clients=IDLE, requests=IDLE,
                  timeout=30) as idle:
            time.sleep(1)
            lines, cpu = len(server.log_lines()), proc.cpu_seconds(server.edge_pid)
            scraped = server.metrics().sum("listener_accepted_total")
            time.sleep(HOLD - 2)
            cpu = (proc.cpu_seconds(server.edge_pid) - cpu) / (HOLD - 2) * 100
            lines = (len(server.log_lines()) - lines) / (HOLD - 2)
            report = idle.finish()
        after = run_load(server.port, clients=32, rate=1000, seconds=1)
    finally:
        server.stop()
    table.add(
        Row(f"6: {NOFILE} descriptors {where}, {IDLE} clients who hold: edge while full",
            f"CPU {cpu:.1f} %, {lines:.1f} log lines/s, metrics {'answer' if scraped else 'fail'}",
            target=f"< {CPU_PERCENT} %, ≤ 1/s, answer",
            met=cpu < CPU_PERCENT and lines <= 1 and scraped > 0),
        Row("6: all served when they let go", f"{report.answered} of {IDLE}",
            f"failed: {report.kinds()}", target="all", met=report.answered == IDLE),
        Row("6: load after that", f"slowest {after.latency['max']:.0f} ms of {after.answered:,}",
            f"failed: {after.kinds()}", target=f"≤ {FULL_SERVICE_MS} ms, none",
            met=after.latency["max"] <= FULL_SERVICE_MS and after.failed == 0))
