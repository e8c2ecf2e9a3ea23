"""Reloads, rolling restarts and scaling under load: what clients notice, and what is left behind.

Two loads at once: clients that keep their connections and never pause, and clients that connect anew
for each request. Each server is told to reload so often that some workers of the one before drain
still; the next reload comes when the one before has been carried out.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from rig import proc
from rig.load import Load, Report
from rig.peers import Nginx
from rig.process import wait_until
from rig.proxies import Haproxy, NginxProxy, Origin, RoundhouseProxy
from rig.roundhouse import Roundhouse
from rig.server import Server
from rig.table import Row, Table

KEPT_CLIENTS = 50
NEW_CLIENTS = 20
WORKERS = 2
GROWTH_KIB = 512
GROWTH_DESCRIPTORS = 8  # however many reloads


@dataclass(frozen=True)
class Scale:
    reloads: int
    restarts: int
    pause: float  # s, between two


FULL = Scale(reloads=20, restarts=5, pause=0.3)
QUICK = Scale(reloads=5, restarts=1, pause=0.2)


def measure(table: Table, scale: Scale) -> None:
    endless = {"limits": {"requests_per_connection": 100_000_000}}
    for policy in ("rr", "none", "rr_kernel"):
        server = Roundhouse(WORKERS, policy, listener=endless)
        with server:
            _ours(table, server, scale, "hello world")
    with Nginx(WORKERS) as nginx:
        _peer(table, nginx, lambda: _replaced(nginx, signal.SIGHUP), scale, "hello world")
    with Origin() as origin:
        with RoundhouseProxy([origin]) as proxy:
            _ours(table, proxy, scale, "")
        with NginxProxy([origin]) as nginx:
            _peer(table, nginx, lambda: _replaced(nginx, signal.SIGHUP), scale, "")
        with Haproxy([origin], master=True) as haproxy:
            _peer(table, haproxy, lambda: _replaced(haproxy, signal.SIGUSR2), scale, "")


def _under_load(server: Server, expect: str, change: Callable[[], None]) -> tuple[Report, Report]:
    with (Load(server.port, expect=expect, mode="keep-alive", clients=KEPT_CLIENTS,
               seconds=3600) as kept,
          Load(server.port, expect=expect, clients=NEW_CLIENTS, seconds=3600) as new):
        time.sleep(0.5)
        change()
        time.sleep(0.5)
        return kept.finish(stop=True), new.finish(stop=True)


def _ours(table: Table, server: Roundhouse, scale: Scale, expect: str) -> None:
    def change() -> None:
        for i in range(scale.reloads):
            server.configuration["pools"][server.pool]["worker_connections"] = 5000 + i
            server.operate("reload")
            time.sleep(scale.pause)
        for _ in range(scale.restarts):
            server.operate("restart", server.pool)
            time.sleep(scale.pause)
        for workers in (server.workers + 2, server.workers):
            server.operate("scale", server.pool, str(workers))
            time.sleep(scale.pause)

    before = _left(server)
    kept, new = _under_load(server, expect, change)
    wait_until(lambda: len(server.worker_pids()) == server.workers, 10)
    after = _left(server)
    what = f"{server.name}{' as a proxy' if server.pool == 'gateway' else ''}: {scale.reloads} " \
           f"reloads, {scale.restarts} restarts, scaled up and down"
    table.add(
        Row(f"{what}: failed, connections kept", _failed(kept), target="0", met=kept.failed == 0),
        Row(f"{what}: failed, new connections", _failed(new), target="0", met=new.failed == 0),
        Row(f"{what}: the edge afterwards",
            f"{after[0] - before[0]:+} descriptors, {after[1] - before[1]:+} processes, "
            f"{after[2] - before[2]:+,} KiB",
            target=f"≤ {GROWTH_DESCRIPTORS}, 0, ≤ {GROWTH_KIB} KiB",
            met=after[0] - before[0] <= GROWTH_DESCRIPTORS and after[1] == before[1]
            and after[2] - before[2] <= GROWTH_KIB))


def _peer(table: Table, server: Server, reload: Callable[[], None], scale: Scale,
          expect: str) -> None:
    def change() -> None:
        for _ in range(scale.reloads):
            reload()
            time.sleep(scale.pause)

    kept, new = _under_load(server, expect, change)
    what = f"{server.name}{' as a proxy' if expect == '' else ''}: {scale.reloads} reloads"
    table.add(Row(f"{what}: failed, connections kept", _failed(kept)),
              Row(f"{what}: failed, new connections", _failed(new)))


def _failed(report: Report) -> str:
    return f"{report.failed} of {report.answered + report.failed:,} ({report.kinds()})"


def _left(server: Roundhouse) -> tuple[int, int, int]:
    """Open descriptors, children and memory of the edge, when nothing goes on.

    A worker has a place for each generation that may run beside others, four; each keeps its slot,
    not counted here, and a few descriptors of what ran there last."""
    time.sleep(0.5)
    return (proc.open_fds(server.edge_pid, besides="roundhouse-slot"), len(proc.children(server.edge_pid)),
            proc.rss_anon_kib(server.edge_pid))


def _replaced(server: Server, number: int) -> None:
    """Tells the server to reload and waits until it has other workers as well."""
    before = set(server.worker_pids())
    assert server.process is not None
    server.process.signal(number)
    if wait_until(lambda: set(server.worker_pids()) - before, 10) is None:
        raise RuntimeError(f"{server.name} does not reload")
