"""7: reloads without pause, half of them of a broken file, with signals between them."""

import random
import signal
import time

from rig import proc
from rig.load import Load
from rig.process import wait_until
from rig.proxies import Origin, RoundhouseProxy
from rig.roundhouse import Refused
from rig.table import Row, Table
from scenarios.scale import Scale

RELOADS_PER_SECOND = 2.5
SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
DRAIN = 5  # s
GROWTH = 0.05


def reload_storm(table: Table, scale: Scale) -> None:
    with Origin() as one, Origin() as other, RoundhouseProxy([one]) as server:
        server.configuration["pools"][server.pool]["timeouts"] = {"drain": f"{DRAIN}s"}
        for i in range(6):  # what a first reload allocates is not what the thousandth does
            _reload(server, [one, other] if i % 2 else [one])
        time.sleep(0.5)
        kib, applied = proc.rss_anon_kib(server.edge_pid), _reloads(server, "applied")
        broken = whole = unseen = 0
        chance = random.Random(4711)
        with (Load(server.port, expect="", mode="keep-alive", clients=50, seconds=3600) as kept,
              Load(server.port, expect="", clients=20, seconds=3600) as new):
            end = time.monotonic() + scale.storm
            while time.monotonic() < end:
                begun = time.monotonic()
                if (broken + whole) % 2:
                    unseen += not _is_refused(server)
                    broken += 1
                else:
                    _reload(server, [one, other] if whole % 2 else [other])
                    whole += 1
                while time.monotonic() < begun + 1 / RELOADS_PER_SECOND:
                    server.process.signal(chance.choice(SIGNALS))
                    time.sleep(0.05)
            time.sleep(0.5)
            kept_report, new_report = kept.finish(stop=True), new.finish(stop=True)
        gone = wait_until(lambda: len(server.worker_pids()) == 1
                          and server.metrics().sum("old_generations") == 0, DRAIN + 1)
        counted = _reloads(server, "applied") - applied
        time.sleep(0.5)
        growth = proc.rss_anon_kib(server.edge_pid) / kib - 1
    what = f"7: {whole} reloads with other upstreams and {broken} of a broken file, HUP, USR1, CHLD"
    table.add(
        Row(f"{what}: failed, connections kept",
            f"{kept_report.failed} of {kept_report.answered:,} ({kept_report.kinds()})",
            target="0", met=kept_report.failed == 0),
        Row(f"{what}: failed, new connections",
            f"{new_report.failed} of {new_report.answered:,} ({new_report.kinds()})",
            target="0", met=new_report.failed == 0),
        Row("7: broken files that were not refused, with the place of the mistake", f"{unseen}",
            f"{counted:.0f} applied, HUP's among them", target="0",
            met=unseen == 0 and counted >= whole),
        Row("7: old workers are gone", "never" if gone is None else f"after {gone:.1f} s",
            target=f"≤ {DRAIN} s", met=gone is not None and gone <= DRAIN),
        Row("7: memory of the edge, against that after the first reloads", f"{growth:+.1%}", target=f"± {GROWTH:.0%}",
            met=abs(growth) <= GROWTH))


def _reload(server: RoundhouseProxy, origins: list[Origin]) -> None:
    server.configuration["upstreams"]["site"] = [f"127.0.0.1:{one.port}" for one in origins]
    server.operate("reload")


def _is_refused(server: RoundhouseProxy) -> bool:
    pool = server.configuration["pools"][server.pool]
    pool["polcy"] = "rr"
    try:
        server.operate("reload")
    except Refused as refused:
        return "polcy" in str(refused) and ".yaml:" in str(refused)
    finally:
        del pool["polcy"]
    return False


def _reloads(server: RoundhouseProxy, result: str) -> float:
    return server.metrics().sum("config_reloads_total", result=result)
