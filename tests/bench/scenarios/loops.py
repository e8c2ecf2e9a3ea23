"""3: workers that die again and again, at start or on a request."""

import os
import signal
import time

from rig import setting
from rig.load import Load, Report
from rig.process import wait_until
from rig.roundhouse import ExitWatch, Roundhouse
from rig.server import ask
from rig.table import Row, Table
from scenarios.scale import Scale

ANSWERED = 0.999
RECOVERED = 5.0  # s
PROBE = 2  # s, of a quarantined worker: the default of 30 s would only make the run longer
DEATHS_PER_SECOND = 10
BURST = 10  # restart.burst, refilled one a second; then a pause of 0.5 s doubling to 5 s


def dying_at_start(table: Table, scale: Scale) -> None:
    """A second pool whose program is ours, until a file appears: then it exits at once."""
    switch = setting.folder() / "die-at-start"
    script = f'[ -e "{switch}" ] && exit 3; exec "{setting.roundhouse_program()}"'
    server = Roundhouse(2)
    port = setting.free_port()
    server.configuration["listeners"]["loop"] = {"bind": f"127.0.0.1:{port}", "pool": "loop"}
    server.configuration["pools"]["loop"] = {
        "type": "native", "workers": 2, "command": ["/bin/sh", "-c", script],
        "restart": {"probe": f"{PROBE}s"}}
    with server, Load(server.port, clients=32, rate=1500, seconds=3600) as others:
        if wait_until(lambda: server.ready("loop") == 2, 5) is None:
            raise RuntimeError(f"the second pool did not start:\n{server.log.read_text()[-2000:]}")
        switch.touch()
        for pid in server.workers_by_id("loop").values():
            os.kill(pid, signal.SIGKILL)
        time.sleep(scale.dying)
        metrics = server.metrics()
        restarts = metrics.by("worker", "worker_restarts_total", pool="loop")
        quarantined = metrics.sum("pool_workers", pool="loop", state="quarantined")
        starting = metrics.sum("pool_workers", pool="loop", state="starting")
        switch.unlink()
        back = wait_until(lambda: bool(ask(port, timeout=1)), 60)
        report = others.finish(stop=True)
    budget = BURST + scale.dying / PROBE + 2
    table.add(
        _others("3: a pool that dies at start", report),
        Row("3: restarts of each of its workers", f"{max(restarts.values()):.0f}",
            f"{quarantined:.0f} of 2 quarantined", target=f"≤ {budget:.0f}, seen in metrics",
            met=max(restarts.values()) <= budget and quarantined + starting == 2
            and quarantined > 0),
        Row("3: it serves again after the cause is gone", _seconds(back),
            target=f"≤ {RECOVERED:.0f} s (probes every {PROBE} s)",
            met=back is not None and back <= RECOVERED))


def dying_on_request(table: Table, scale: Scale) -> None:
    with Roundhouse(4) as server:
        with (ExitWatch(server) as exits,
              Load(server.port, clients=32, seconds=3600) as new,
              Load(server.port, mode="keep-alive", clients=50, seconds=3600) as kept):
            with Load(server.port, path="/die", clients=8, rate=DEATHS_PER_SECOND,
                      seconds=scale.dying) as deaths:
                killers = deaths.finish()
            full = wait_until(lambda: server.ready() == 4, 60, every=0.02)
            time.sleep(0.3)
            new_report, kept_report = new.finish(stop=True), kept.finish(stop=True)
        restarts = server.metrics().by("worker", "worker_restarts_total")
        inside = exits.sum("connections_active") + server.taken_uncounted() - killers.failed
    budget = BURST + scale.dying + scale.dying / 0.4
    table.add(
        _others(f"3: GET /die {killers.failed} times, new connections", new_report),
        # 50 clients who never pause lose a dozen requests to each death: they were inside.
        Row("3: failed in all, against other requests inside a dying worker",
            f"{new_report.failed + kept_report.failed}", f"{inside}", target="≤",
            met=new_report.failed + kept_report.failed <= inside),
        _others("3: the same, kept connections", kept_report),
        Row("3: restarts of each worker", f"{max(restarts.values()):.0f}",
            target=f"≤ {budget:.0f}", met=max(restarts.values()) <= budget),
        Row("3: all workers ready after the last", _seconds(full), target=f"≤ {RECOVERED:.0f} s",
            met=full is not None and full <= RECOVERED))


def _others(what: str, report: Report) -> Row:
    answered = 1 - report.share_failed
    return Row(f"{what}: other requests answered", f"{answered:.4%} of {report.answered:,}",
               f"failed: {report.kinds()}", target=f"≥ {ANSWERED:.1%}, 0 refused",
               met=answered >= ANSWERED and report.refusals == 0)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
