"""5: the edge is killed, and whoever watches it starts it again."""

import threading
import time

from rig import proc
from rig.load import Load
from rig.process import wait_until
from rig.roundhouse import Roundhouse
from rig.server import ask
from rig.table import Row, Table
from scenarios.scale import Scale

GONE = 2.0  # s, of idle workers; those with a request stay until it is answered
BACK = 1.0  # s
REQUEST_MS = 1500


def killed(table: Table, scale: Scale) -> None:
    for policy in ("rr", "none"):
        _killed(table, policy)


def _killed(table: Table, policy: str) -> None:
    server = Roundhouse(2, policy)
    answers: list[dict[str, str]] = []

    def slow_request() -> None:
        answers.append(ask(server.port, f"/sleep?ms={REQUEST_MS}"))

    with server:
        left = proc.children(server.edge_pid)
        slow = threading.Thread(target=slow_request)
        slow.start()
        time.sleep(0.3)
        assert server.process is not None
        server.process.kill()
        begin = time.monotonic()
        server.start()
        back = time.monotonic() - begin
        with Load(server.port, clients=16, rate=500, seconds=1) as load:
            report = load.finish()
        slow.join()
        gone = wait_until(lambda: not any(proc.same(one) for one in left), 30)
        gone_after = None if gone is None else time.monotonic() - begin
    limit = GONE + REQUEST_MS / 1000
    table.add(
        Row(f"5: edge killed, {policy}: serves again, started anew on the same port and socket",
            f"{back:.2f} s", f"{report.answered} of {report.answered + report.failed} answered then",
            target=f"≤ {BACK:.0f} s, all", met=back <= BACK and report.failed == 0),
        Row(f"5: {policy}: the request that was under way",
            "answered" if answers and answers[0] else "lost", target="answered",
            met=bool(answers and answers[0])),
        Row(f"5: {policy}: the last old process is gone",
            "never" if gone_after is None else f"{gone_after:.1f} s",
            target=f"≤ {limit:.1f} s", met=gone_after is not None and gone_after <= limit))
