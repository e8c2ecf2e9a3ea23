"""What large answers cost that are encrypted."""

from rig.table import Table
from rig.tls import Tls
from proxied.contest import per_cpu_second, rates, wrk_load
from encrypted.contestants import run_tls_contest
from encrypted.scale import Scale

SIZE = 1 << 20
TO_PEER = 1.0


def measure(table: Table, scale: Scale) -> None:
    tls = Tls()
    contest = run_tls_contest(tls, scale, wrk_load(path=f"/{SIZE}", env=tls.environment()))
    table.add(contest.at_least("TLS, 1 MiB bodies: MiB per CPU-second", per_cpu_second, "", TO_PEER),
              contest.at_least("TLS, 1 MiB bodies: MiB a second", rates, ""))
