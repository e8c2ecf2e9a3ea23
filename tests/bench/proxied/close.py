"""What a request costs that comes on a connection of its own."""

from rig.proxies import Origin
from rig.table import Table
from proxied.contest import cpu, http_contest, rates
from proxied.scale import Scale


def measure(table: Table, scale: Scale) -> None:
    for policy in ("rr", "none"):
        origin = Origin()
        contest = http_contest(origin, policy=policy)
        contest.run(origin, scale, close=True)
        what = f"Connection: close, policy {policy}"
        table.add(contest.at_most(f"{what}: CPU per request", cpu, "µs", 1.0),
                  contest.at_least(f"{what}: requests a second", rates, ""))
