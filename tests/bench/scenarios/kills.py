"""1: one worker killed after the other. 2: all at once, twice."""

import os
import signal
import time

from rig import proc
from rig.load import Load, Report
from rig.process import wait_until
from rig.roundhouse import ExitWatch, Roundhouse
from rig.storm import kill_storm
from rig.table import Row, Table
from scenarios.scale import Scale

WORKERS = 4
NEW_CLIENTS = 32
KEPT_CLIENTS = 50
FULL_AGAIN_MS = 100
P999_MS = 50
SHARE = 0.0005
GROWTH_KIB = 1024


def one_after_the_other(table: Table, scale: Scale) -> None:
    with Roundhouse(WORKERS) as server:
        fds, kib = proc.open_fds(server.edge_pid), proc.rss_anon_kib(server.edge_pid)
        with (ExitWatch(server) as exits,
              Load(server.port, clients=NEW_CLIENTS, seconds=3600) as new,
              Load(server.port, mode="keep-alive", clients=KEPT_CLIENTS, seconds=3600) as kept):
            time.sleep(0.5)
            killed = kill_storm(server, round(scale.storm / scale.kill_every), scale.storm)
            full = wait_until(lambda: server.ready() == WORKERS, 10)
            time.sleep(0.5)
            new_report, kept_report = new.finish(stop=True), kept.finish(stop=True)
        time.sleep(0.5)
        taken = exits.sum("connections_active") + server.taken_uncounted()
        fds, kib = proc.open_fds(server.edge_pid) - fds, proc.rss_anon_kib(server.edge_pid) - kib
        zombies = proc.zombies(server.edge_pid)
    table.add(*_what_clients_saw(f"1: {killed} kills", new_report, kept_report, taken))
    table.add(
        Row("1: all workers ready after the last kill",
            f"{full * 1000:.0f} ms" if full is not None else "never",
            target=f"≤ {FULL_AGAIN_MS} ms", met=full is not None and full * 1000 <= FULL_AGAIN_MS),
        Row("1: the edge afterwards", f"{fds:+} descriptors, {kib:+,} KiB, {zombies} zombies",
            target=f"0, ≤ {GROWTH_KIB:,} KiB, 0",
            met=fds == 0 and kib <= GROWTH_KIB and zombies == 0))


def _what_clients_saw(what: str, new: Report, kept: Report, taken: int) -> list[Row]:
    both = new + kept
    p999 = max(new.latency["p999"], kept.latency["p999"])
    return [
        Row(f"{what}: refused or not connected", f"{both.refusals} of {both.answered:,}",
            target="0", met=both.refusals == 0),
        Row(f"{what}: failed, against connections that killed workers had taken",
            f"{both.failed} ({both.kinds()})", f"{taken}", target="≤", met=both.failed <= taken),
        Row(f"{what}: share of new connections that failed", f"{new.share_failed:.3%}",
            target=f"≤ {SHARE:.2%}", met=new.share_failed <= SHARE),
        Row(f"{what}: p99.9 of the others", f"{p999:.0f} ms", target=f"≤ {P999_MS} ms",
            met=p999 <= P999_MS)]


def all_at_once(table: Table, scale: Scale) -> None:
    with Roundhouse(WORKERS) as server:
        with (ExitWatch(server) as exits,
              Load(server.port, clients=NEW_CLIENTS, rate=2000, seconds=3600) as new,
              Load(server.port, mode="keep-alive", clients=KEPT_CLIENTS, rate=2000,
                   seconds=3600) as kept):
            for _ in range(2):
                time.sleep(1)
                for pid in server.worker_pids():
                    os.kill(pid, signal.SIGKILL)
            time.sleep(1.5)
            both = new.finish(stop=True) + kept.finish(stop=True)
        time.sleep(0.3)
        taken = exits.sum("connections_active") + server.taken_uncounted()
    slowest = both.latency["max"]
    table.add(
        Row("2: all workers killed, twice: refused", f"{both.refusals} of {both.answered:,}",
            target="0", met=both.refusals == 0),
        Row("2: failed, against connections that killed workers had taken",
            f"{both.failed} ({both.kinds()})", f"{taken}", target="≤", met=both.failed <= taken),
        Row("2: slowest answer", f"{slowest:.0f} ms", target="≤ 1000 ms", met=slowest <= 1000))
