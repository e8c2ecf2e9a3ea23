"""What TLS 1.3 costs: 1 KiB on kept connections, handshakes, and a large body; one ECDSA certificate."""

import subprocess
from pathlib import Path

from rig import setting
from rig.proxies import Haproxy, NginxProxy, Origin, RoundhouseProxy
from rig.table import Table
from proxied.contest import Contest, cpu, p99, rates
from proxied.scale import Scale

LARGE = 1 << 20


def certificate() -> Path:
    """Certificate and key in one file."""
    key, cert, both = (setting.folder() / f"tls.{part}" for part in ("key", "crt", "pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    both.write_text(cert.read_text() + key.read_text())
    return both


def measure(table: Table, scale: Scale) -> None:
    pem = certificate()

    def run(close: bool = False, path: str = "/") -> Contest:
        origin = Origin()
        contest = Contest(RoundhouseProxy([origin], tls=pem),
                          [NginxProxy([origin], tls=pem), Haproxy([origin], tls=pem)])
        contest.run(origin, scale, close, path)
        return contest

    kept = run()
    table.add(kept.at_most("TLS, 1 KiB, kept connections: CPU per request", cpu, "µs"),
              kept.at_least("TLS, 1 KiB, kept connections: requests a second", rates, ""),
              kept.at_most("TLS, 1 KiB, kept connections: p99", p99, "ms"))
    new = run(close=True)
    table.add(new.at_most("TLS, a handshake for each request: CPU per request", cpu, "µs"),
              new.at_least("TLS, a handshake for each request: requests a second", rates, ""))
    large = run(path=f"/{LARGE}")
    table.add(large.at_most("TLS, 1 MiB: CPU per request", cpu, "µs"),
              large.at_least("TLS, 1 MiB: requests a second", rates, ""))
