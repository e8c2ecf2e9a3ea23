"""What all clients of a run speak, so that no server chooses another cipher than its neighbours."""

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rig import setting

_SUITES = {("1.3", "ECDSA"): "TLS_AES_128_GCM_SHA256",
           ("1.3", "RSA"): "TLS_AES_128_GCM_SHA256",
           ("1.2", "ECDSA"): "ECDHE-ECDSA-AES128-GCM-SHA256",
           ("1.2", "RSA"): "ECDHE-RSA-AES128-GCM-SHA256"}
_KEYS = {"ECDSA": ("ec", "ec_paramgen_curve:P-256"), "RSA": ("rsa", "rsa_keygen_bits:2048")}
_GROUP = "X25519"
_GROUPS = "X25519:P-256"  # the other for certificates
_CONFIGURATION = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv{version}
MaxProtocol = TLSv{version}
{suites} = {suite}
Groups = {groups}
"""


@dataclass(frozen=True)
class Tls:
    """A version, and the type of the server's key: ECDSA (P-256) or RSA (2,048 bits)."""
    version: str = "1.3"
    key: str = "ECDSA"

    def __str__(self) -> str:
        return f"TLS {self.version}, {self.key}"

    @property
    def suite(self) -> str:
        return _SUITES[self.version, self.key]

    @property
    def pem(self) -> Path:
        """Certificate and key in one file."""
        return _certificate(self.key)

    def environment(self) -> dict[str, str]:
        """With which a client that uses OpenSSL speaks this and nothing else."""
        file = setting.folder() / f"openssl-{self.version}-{self.key}.cnf"
        suites = "Ciphersuites" if self.version == "1.3" else "CipherString"
        file.write_text(_CONFIGURATION.format(version=self.version, suites=suites, suite=self.suite,
                                              groups=_GROUPS))
        return {**os.environ, "OPENSSL_CONF": str(file)}

    def check(self, name: str, port: int) -> None:
        """A server that speaks something else cannot be compared."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], input="",
                              capture_output=True, text=True, timeout=10, check=False,
                              env=self.environment())
        told = re.search(r"^New, TLSv(\S+), Cipher is (\S+)$", done.stdout, re.MULTILINE)
        group = re.search(r"^Server Temp Key: (\w+)", done.stdout, re.MULTILINE)
        if not told or not group or told.groups() != (self.version, self.suite) or group[1] != _GROUP:
            raise RuntimeError(f"{name} does not speak {self}: {done.stdout[-500:]}")


@functools.cache
def _certificate(key: str) -> Path:
    kind, detail = _KEYS[key]
    secret, cert, both = (setting.folder() / f"tls-{key}.{part}" for part in ("key", "crt", "pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", kind, "-pkeyopt", detail, "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", secret, "-out", cert],
                   check=True, capture_output=True)
    both.write_text(cert.read_text() + secret.read_text())
    return both
