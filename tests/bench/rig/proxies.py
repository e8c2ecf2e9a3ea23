"""A proxy of each kind before the same origins, each with one worker, and the origin itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rig import setting
from rig.peers import render
from rig.roundhouse import Roundhouse
from rig.server import Server

BODY_MAX = "1TiB"
CONNECTIONS = 10_000
REQUESTS_PER_CONNECTION = 1_000_000_000
IDLE_CONNECTIONS = 1024  # to a server, kept: HAProxy and nghttpx have no limit


class Origin(Server):
    """Answers GET /N with N bytes and / with 1 KiB; reads and drops what is sent to it."""

    name = "origin"

    def __init__(self) -> None:
        super().__init__(workers=0)

    def _command(self) -> list[str]:
        return [setting.bench_program("bench_origin"), str(self.port)]


class Forwarder(Server):
    """The floor: read, write, read, write."""

    name = "floor"

    def __init__(self, origin: Server):
        super().__init__(workers=0)
        self._origin = origin

    def _command(self) -> list[str]:
        return [setting.bench_program("bench_forward"), str(self.port), str(self._origin.port)]

    @property
    def worker_pid(self) -> int:
        return self.edge_pid


class RoundhouseProxy(Roundhouse):
    """`log` is that section of the configuration; `protocol` that of the listener; `tls`: a file
    with certificate and key, as it is of the others."""

    def __init__(self, origins: Sequence[Server], protocol: str = "http", policy: str = "rr",
                 log: dict[str, Any] | None = None, tls: Path | None = None):
        super().__init__(workers=1, policy=policy)
        self.name = "roundhouse"
        listener = {
            "http": {"pool": self.pool, "max_connections": CONNECTIONS,
                     "limits": {"body": BODY_MAX,
                                "requests_per_connection": REQUESTS_PER_CONNECTION}},
            "tcp": {"pool": self.pool, "protocol": "tcp", "upstream": "site"}}[protocol]
        self.configuration |= {
            "listeners": {"web": {"bind": f"127.0.0.1:{self.port}", **listener}},
            "pools": {self.pool: {"type": "proxy", "workers": 1, "policy": policy}},
            "upstreams": {"site": {"servers": [f"127.0.0.1:{origin.port}" for origin in origins],
                                   "idle_connections": IDLE_CONNECTIONS}}}
        if log is not None:
            self.configuration["log"] = log
        if tls is not None:
            self.scheme = "https"
            self.configuration["listeners"]["web"]["tls"] = {"cert": str(tls)}

    @property
    def pool(self) -> str:
        return "gateway"

    @property
    def worker_pid(self) -> int:
        return self.worker_pids()[0]


class NginxProxy(Server):
    name = "nginx"

    def __init__(self, origins: Sequence[Server], access_log: bool = False,
                 tls: Path | None = None):
        super().__init__(workers=1)
        self._origins = origins
        self._tls = tls
        self.scheme = "http" if tls is None else "https"
        self._access_log = access_log

    def _command(self) -> list[str]:
        folder = setting.folder() / f"nginx-{self.port}"
        folder.mkdir(exist_ok=True)
        servers = " ".join(f"server 127.0.0.1:{origin.port} max_fails=3 fail_timeout=1s;" for origin in self._origins)
        access_log = f"{folder}/access.log combined buffer=64k" if self._access_log else "off"
        file = render("nginx_proxy.conf", folder / "nginx.conf", folder=folder, port=self.port,
                      servers=servers, idle=IDLE_CONNECTIONS, access_log=access_log,
                      ssl="ssl http2" if self._tls else "",
                      certificate="" if self._tls is None else
                      f"ssl_certificate {self._tls}; ssl_certificate_key {self._tls};"
                      " ssl_protocols TLSv1.2 TLSv1.3;")
        return ["nginx", "-p", str(folder), "-c", str(file)]

    @property
    def worker_pid(self) -> int:
        return self.worker_pids()[0]


_HAPROXY_OPTIONS = {
    "http": ["http-reuse always", "option forwardfor", "retry-on all-retryable-errors",
             "option redispatch 1", "option splice-response"],
    "tcp": ["option splice-auto"]}
_HAPROXY_RULES = {
    "http": ["http-request set-header X-Forwarded-Proto http",
             "http-request set-header X-Forwarded-Host %[req.hdr(host)]",
             "unique-id-format %[uuid]", "unique-id-header X-Request-Id"],
    "tcp": []}


class Haproxy(Server):
    """`mode` is http or tcp; `master`: a process that reloads, and one that serves."""

    name = "HAProxy"

    def __init__(self, origins: Sequence[Server], mode: str = "http", access_log: bool = False,
                 master: bool = False, tls: Path | None = None):
        super().__init__(workers=1 if master else 0)
        self._origins = origins
        self._mode = mode
        self._master = master
        self._access_log = access_log
        self._tls = tls
        self.scheme = "http" if tls is None else "https"

    def _command(self) -> list[str]:
        servers = "\n".join(f"  server s{i} 127.0.0.1:{origin.port}"
                            for i, origin in enumerate(self._origins))
        options = list(_HAPROXY_OPTIONS[self._mode])
        if self._access_log:
            options += [f"option {self._mode}log", "log global"]
        file = render("haproxy.cfg", setting.folder() / f"haproxy-{self.port}.cfg", port=self.port,
                      servers=servers, mode=self._mode, options="\n  ".join(options),
                      ssl=f"ssl crt {self._tls} alpn h2,http/1.1" if self._tls else "",
                      rules="\n  ".join(_HAPROXY_RULES[self._mode]),
                      log="log stdout format raw local0" if self._access_log else "")
        return ["haproxy", "-W" if self._master else "-db", "-f", str(file)]

    @property
    def worker_pid(self) -> int:
        return self.edge_pid


class Nghttpx(Server):
    """TLS in front alone."""

    name = "nghttpx"
    scheme = "https"

    def __init__(self, origins: Sequence[Server], tls: Path):
        super().__init__(workers=1)
        self._origins = origins
        self._tls = tls

    def _command(self) -> list[str]:
        backends = [f"--backend=127.0.0.1,{origin.port}" for origin in self._origins]
        return ["nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{self.port};tls", *backends,
                "--workers=1", "--backlog=4096", "--add-x-forwarded-for", "--rlimit-nofile=20000",
                "--backend-keep-alive-timeout=65", str(self._tls), str(self._tls)]

    @property
    def worker_pid(self) -> int:
        return self.worker_pids()[0]
