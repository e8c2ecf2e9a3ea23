"""What a handshake costs, full and resumed: nothing is asked on the connection."""

from rig.encrypted_load import handshakes
from rig.load import Served
from rig.server import Server
from rig.table import Table
from rig.tls import Tls
from proxied.contest import LoadOf, per_cpu_second, rates
from encrypted.contestants import run_tls_contest
from encrypted.scale import Scale

CLIENTS = 32
TO_PEER = 1.0


def measure(table: Table, scale: Scale) -> None:
    for tls in (Tls("1.3", "ECDSA"), Tls("1.2", "ECDSA"), Tls("1.3", "RSA"), Tls("1.2", "RSA")):
        for resumed in (False, True):
            if resumed and tls.key == "RSA":
                continue  # nothing is signed
            contest = run_tls_contest(tls, scale, _load(tls, resumed), both_policies=True)
            for seen in (contest, contest.seen_by(contest.also[0])):
                what = (f"{tls}, {'resumed' if resumed else 'full'} handshakes, "
                        f"policy {seen.ours.policy}")
                table.add(seen.at_least(f"{what}: per CPU-second", per_cpu_second, "", TO_PEER),
                          seen.at_least(f"{what}: a second", rates, ""))


def _load(tls: Tls, resumed: bool) -> LoadOf:
    def load(server: Server, seconds: int) -> Served:
        return handshakes(server.port, tls, CLIENTS, seconds, resumed)
    return load
