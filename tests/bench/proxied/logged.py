"""The same with a line of the access log for each request."""

from rig.proxies import Origin
from rig.table import Table
from proxied.bodies import CPU_TO_PEER, SIZES
from proxied.contest import cpu, http_contest, rates
from proxied.requests import request_rows
from proxied.scale import Scale


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    table.add(*request_rows("1 KiB, kept connections, access log on",
                            http_contest(origin, with_floor=True, access_log=True), origin, scale))
    for name, size in SIZES:
        contest = http_contest(origin, access_log=True)
        contest.run(origin, scale, path=f"/{size}")
        per_gib = (1 << 30) / size / 1e6
        what = f"{name} bodies, access log on"
        table.add(contest.at_least(f"{what}: requests a second", rates, "", 1.0),
                  contest.at_most(f"{what}: CPU per GiB", cpu, "s", CPU_TO_PEER, per_gib))
    contest = http_contest(origin, access_log=True)
    contest.run(origin, scale, close=True)
    table.add(contest.at_most("Connection: close, access log on: CPU per request", cpu, "µs", 1.0))
