"""What a request of 1 KiB costs on a kept connection, 64 clients."""

from statistics import median

from rig.load import Wrk
from rig.proxies import Origin
from rig.server import Server
from rig.system_calls import count_system_calls, listed
from rig.table import Row, Table
from proxied.contest import CLIENTS, Contest, cpu, http_contest, p50, p99, rates
from proxied.scale import Scale

CPU_TO_PEER = 0.85
ABOVE_FLOOR = 0.5


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    contest = http_contest(origin, with_floor=True)
    table.add(*request_rows("1 KiB, kept connections", contest, origin, scale))
    with origin:
        for server in contest.servers:
            table.add(_system_calls(server))


def request_rows(what: str, contest: Contest, origin: Origin, scale: Scale) -> list[Row]:
    contest.run(origin, scale)
    rows = [contest.at_most(f"{what}: CPU per request", cpu, "µs", CPU_TO_PEER)]
    if contest.floor:
        rows.append(_above_floor(what, contest))
    return [*rows,
            contest.at_least(f"{what}: requests a second", rates, "", 1.0),
            contest.at_most(f"{what}: p50", p50, "ms"),
            contest.at_most(f"{what}: p99", p99, "ms", 1.0)]


def _above_floor(what: str, contest: Contest) -> Row:
    """What is added to the floor, beside what the better peer adds."""
    best = contest.better(cpu)
    floor = median(contest.figures[contest.floor].cpu)
    ours, theirs = (median(contest.figures[s].cpu) - floor for s in (contest.ours, best))
    share = ours / theirs
    return Row(f"{what}: CPU above the floor", f"{ours:.1f} µs", f"{best.name} {theirs:.1f}",
               f"{share:.2f}", f"≤ {ABOVE_FLOOR} × the better peer", share <= ABOVE_FLOOR)


def _system_calls(server: Server) -> Row:
    def load() -> int:
        with Wrk(server.port, CLIENTS, 1, threads=1) as wrk:
            return wrk.finish().requests
    with server:
        calls = count_system_calls(server.worker_pid, load)
    return Row(f"system calls per request: {server.name}", listed(calls))
