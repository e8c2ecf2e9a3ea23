"""What the process that starts, watches and feeds Node workers needs for itself: ours, and PM2's."""

from collections.abc import Callable

from rig import proc
from rig.load import Wrk
from rig.pm2 import Pm2
from rig.roundhouse import Roundhouse
from rig.server import Server
from rig.table import Row, Table
from measure.apps_node import program
from measure.cost import CLIENTS
from measure.scale import Scale

WORKERS = 4
MOST = 0.15

KINDS: dict[str, Callable[[int], int]] = {
    "resident memory": proc.rss_kib,
    "proportional share (PSS)": proc.pss_kib,
    "RssAnon": proc.rss_anon_kib,
}


def measure(table: Table, scale: Scale) -> None:
    with program(WORKERS) as ours, Pm2(WORKERS) as theirs:
        for server in (ours, theirs):
            _use(server, seconds=5 if scale.connections >= 10_000 else 2)
        edge, daemon = proc.rss_kib(ours.edge_pid), proc.rss_kib(theirs.edge_pid)
        table.add(Row(f"{WORKERS} Node workers, resident memory of the edge, beside PM2's daemon",
                      f"{edge:,} KiB", f"{daemon:,} KiB", f"{edge / daemon:.3f}"))
        for kind, kib in KINDS.items():
            table.add(_row(kind, kib, ours, theirs))


def _use(server: Server, seconds: int) -> None:
    """What a process needs only once it has handed out connections counts too."""
    with Wrk(server.port, CLIENTS, seconds, close=True) as wrk:
        wrk.finish()


def _row(kind: str, kib: Callable[[int], int], ours: Roundhouse, theirs: Pm2) -> Row:
    assert ours.monitor_pid is not None
    edge, monitor, daemon = (kib(pid) for pid in (ours.edge_pid, ours.monitor_pid, theirs.edge_pid))
    ratio = (edge + monitor) / daemon
    wanted = kind == "resident memory"
    return Row(f"the same: {kind} of edge and monitor",
               f"{edge + monitor:,} KiB (edge {edge:,}, monitor {monitor:,})", f"{daemon:,} KiB",
               f"{ratio:.3f}", f"≤ {MOST}" if wanted else "", ratio <= MOST if wanted else None)
