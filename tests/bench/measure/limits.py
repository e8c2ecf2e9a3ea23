"""What happens when there are no descriptors left, and when nobody takes."""

import os
import signal
import time

from rig import proc
from rig.load import Load
from rig.peers import NodeCluster
from rig.roundhouse import Roundhouse
from rig.server import Server
from rig.table import Row, Table
from measure.scale import Scale

NOFILE = 64
CLIENTS = 500
CPU_PERCENT = 5  # of one core, all processes, while full
STUCK = 2000
STUCK_FDS = 160  # two workers' handoff.depth, and some
STUCK_KIB = 1024


def measure(table: Table, scale: Scale) -> None:
    table.add(_few_descriptors())
    for server in (Roundhouse(2), NodeCluster(2, "rr")):
        table.add(_nobody_takes(server))


def _few_descriptors() -> Row:
    server = Roundhouse(2)
    server.start(nofile=NOFILE)
    try:
        with Load(server.port, mode="hold", hold=4, clients=CLIENTS, requests=CLIENTS,
                  timeout=30) as load:
            time.sleep(1.5)
            before = server.cpu_seconds()
            time.sleep(2)
            cpu = (server.cpu_seconds() - before) / 2 * 100
            report = load.finish()
    finally:
        code = server.stop()
    return Row(f"ulimit -n {NOFILE}, {CLIENTS} clients: CPU while full", f"{cpu:.1f} %",
               f"{report.answered} of {CLIENTS} answered in the end, failed: {report.kinds()}, "
               f"exit code {code}",
               target=f"≤ {CPU_PERCENT} %, all, 0",
               met=cpu <= CPU_PERCENT and report.answered == CLIENTS and code == 0)


def _nobody_takes(server: Server) -> Row:
    with server:
        fds, kib = proc.open_fds(server.edge_pid), proc.rss_anon_kib(server.edge_pid)
        workers = server.worker_pids()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        with Load(server.port, clients=STUCK, requests=STUCK, timeout=30) as load:
            time.sleep(1)
            fds = proc.open_fds(server.edge_pid) - fds
            kib = proc.rss_anon_kib(server.edge_pid) - kib
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            report = load.finish()
    what = f"{STUCK:,} connects while every worker is stopped: {server.name}"
    measured = f"{fds:+} descriptors, {kib:+,} KiB in the edge"
    beside = f"{report.answered:,} answered in the end, failed: {report.kinds()}"
    if not isinstance(server, Roundhouse):
        return Row(what, measured, beside)
    return Row(what, measured, beside, target=f"≤ {STUCK_FDS}, ≤ {STUCK_KIB:,} KiB, all answered",
               met=fds <= STUCK_FDS and kib <= STUCK_KIB and report.answered == STUCK)
