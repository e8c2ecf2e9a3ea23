"""What large answers cost: 64 KiB and 1 MiB."""

from rig.proxies import Origin
from rig.table import Table
from proxied.contest import cpu, http_contest, rates
from proxied.scale import Scale

CPU_TO_PEER = 0.9
SIZES = (("64 KiB", 1 << 16), ("1 MiB", 1 << 20))


def measure(table: Table, scale: Scale) -> None:
    for name, size in SIZES:
        origin = Origin()
        contest = http_contest(origin)
        contest.run(origin, scale, path=f"/{size}")
        per_gib = (1 << 30) / size / 1e6
        table.add(contest.at_least(f"{name} bodies: requests a second", rates, "", 1.0),
                  contest.at_most(f"{name} bodies: CPU per GiB", cpu, "s", CPU_TO_PEER, per_gib))
