"""What a request of 1 KiB costs where bytes are forwarded unread."""

from rig.proxies import Forwarder, Haproxy, Origin, RoundhouseProxy
from rig.table import Table
from proxied.contest import Contest, cpu, p99, rates
from proxied.scale import Scale


def measure(table: Table, scale: Scale) -> None:
    origin = Origin()
    contest = Contest(RoundhouseProxy([origin], protocol="tcp"), [Haproxy([origin], mode="tcp")],
                      Forwarder(origin))
    contest.run(origin, scale)
    table.add(contest.at_most("protocol tcp: CPU per request", cpu, "µs", 1.0),
              contest.at_least("protocol tcp: requests a second", rates, ""),
              contest.at_most("protocol tcp: p99", p99, "ms"))
