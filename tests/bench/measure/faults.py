"""What clients notice when processes stop and die."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rig.load import Load, Report, run_load
from rig.peers import Nginx, NodeCluster
from rig.process import wait_until
from rig.roundhouse import ExitWatch, Roundhouse
from rig.server import Server
from rig.storm import kill_storm
from rig.table import Row, Table
from measure.scale import Scale

STALL_MS = 100  # handoff.stall
REPLACED_WITHIN = 3.0  # s, of a stopped worker
# Connections a second. Not 3 to 1: with four workers in strict turn each load would then meet the
# same workers again and again.
BACKGROUND_RATE = 1310
PROBE_RATE = 690


def measure(table: Table, scale: Scale) -> None:
    table.add(*_stopped_worker_that_goes_on(), _stopped_worker_that_does_not(), _stopped_edge())
    table.add(*_kill_storms(scale))


@contextmanager
def background_load(server: Server) -> Iterator[Load]:
    """New connections at a rate that two cores bear easily, until the block ends."""
    with Load(server.port, clients=64, rate=BACKGROUND_RATE, seconds=60) as load:
        time.sleep(0.5)
        yield load


def _stopped_worker_that_goes_on() -> list[Row]:
    with Roundhouse(4) as server:
        before = server.metrics().sum("worker_connections_total")
        victim = server.worker_pids()[0]
        with background_load(server) as background:
            os.kill(victim, signal.SIGSTOP)
            meanwhile = run_load(server.port, clients=32, rate=PROBE_RATE, seconds=1.2)
            os.kill(victim, signal.SIGCONT)
            time.sleep(0.3)
            later = run_load(server.port, clients=32, rate=PROBE_RATE, seconds=1)
            whole = background.finish(stop=True)
        taken = server.metrics().sum("worker_connections_total") - before
    connections = meanwhile.connections + later.connections + whole.connections
    slowest = meanwhile.latency["max"]
    failed = meanwhile.failed + later.failed + whole.failed
    back = later.answers_by_worker.get(victim, 0)
    return [
        Row("one of 4 workers stopped: slowest new connection",
            f"{slowest:.0f} ms of {meanwhile.answered:,}", ratio=f"{slowest / STALL_MS:.2f}",
            target=f"≤ 3 × {STALL_MS} ms, none failed",
            met=slowest <= 3 * STALL_MS and meanwhile.failed == 0),
        Row("continued after 1.2 s: it serves again, nothing is lost or served twice",
            f"{back} answers by it, {failed} failed, {taken:.0f} taken",
            f"{connections:,} connections made", target="> 0, 0, as many",
            met=back > 0 and failed == 0 and taken == connections)]


def _stopped_worker_that_does_not() -> Row:
    with Roundhouse(4) as server, background_load(server) as background:
        victim = server.workers_by_id()[1]
        os.kill(victim, signal.SIGSTOP)
        took = wait_until(lambda: server.workers_by_id().get(1, victim) != victim, 10)
        report = background.finish(stop=True)
        reasons = server.metrics().by("reason", "worker_restarts_total", worker="1")
    # Those that it had taken when it was stopped are cut; nobody else may notice.
    return Row("not continued: replaced after",
               f"{took:.1f} s, reason {_nonzero(reasons)}" if took else "never",
               f"{report.answered:,} answered, failed: {report.kinds()}",
               target=f"≤ {REPLACED_WITHIN:.0f} s",
               met=took is not None and took <= REPLACED_WITHIN and reasons.get("hang", 0) == 1)


def _nonzero(counts: dict[str, float]) -> str:
    return ", ".join(name for name, count in counts.items() if count) or "none"


def _stopped_edge() -> Row:
    with Roundhouse(4) as server:
        before = server.workers_by_id()
        os.kill(server.edge_pid, signal.SIGSTOP)
        with Load(server.port, clients=50, requests=50) as load:
            time.sleep(5)
            os.kill(server.edge_pid, signal.SIGCONT)
            report = load.finish()
        time.sleep(3.5)  # longer than the liveness limits
        same = sum(server.workers_by_id().get(worker) == pid for worker, pid in before.items())
    return Row("edge stopped for 5 s: workers that outlive it", f"{same} of {len(before)}",
               f"{report.answered} of 50 connections made meanwhile answered",
               target="all, all", met=same == len(before) and report.answered == 50)


def _kill_storms(scale: Scale) -> list[Row]:
    ours = Roundhouse(4)
    with ours, ExitWatch(ours) as exits:
        report, killed = storm(ours, scale)
        uncounted = ours.taken_uncounted()
    taken = exits.sum("connections_active") + uncounted
    rows = [Row(f"{killed} × kill -9 under load: {ours.name}", summary(report, killed),
                f"{taken} connections that killed workers had taken",
                target="0 refused, none lost but what a killed worker had taken",
                met=report.refusals == 0 and report.failed <= taken)]
    for peer in (NodeCluster(4, "rr"), Nginx(4)):
        with peer:
            theirs, deaths = storm(peer, scale)
        share = (report.failed / killed) / (theirs.failed / deaths) if theirs.failed else 0
        rows.append(Row(f"{deaths} × kill -9 under load: {peer.name}", summary(theirs, deaths),
                        ratio=f"ours: {share:.2f} × that a kill" if share else ""))
    return rows


def storm(server: Server, scale: Scale) -> tuple[Report, int]:
    with Load(server.port, clients=64, seconds=3600) as load:
        killed = kill_storm(server, scale.kills, scale.storm_seconds)
        time.sleep(0.5)
        return load.finish(stop=True), killed


def summary(report: Report, killed: int) -> str:
    return (f"{report.answered:,} answered, failed: {report.kinds()} "
            f"({report.failed / max(1, killed):.1f} a kill)")
