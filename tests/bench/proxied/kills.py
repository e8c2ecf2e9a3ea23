"""Servers behind the proxy that are killed under load, one each second."""

import itertools
import time

from rig.load import Load
from rig.proxies import Haproxy, NginxProxy, Origin, RoundhouseProxy
from rig.server import Server
from rig.table import Row, Table
from proxied.contest import CLIENTS
from proxied.scale import Scale

EVERY = 1.0
GONE_FOR = 0.4


def measure(table: Table, scale: Scale) -> None:
    for kind in (RoundhouseProxy, NginxProxy, Haproxy):
        origins = [Origin() for _ in range(3)]
        for origin in origins:
            origin.start()
        try:
            table.add(_storm(kind(origins), origins, scale))
        finally:
            for origin in origins:
                origin.stop()


def _storm(server: Server, origins: list[Origin], scale: Scale) -> Row:
    with server, Load(server.port, mode="keep-alive", clients=CLIENTS, seconds=600) as load:
        for origin in itertools.islice(itertools.cycle(origins), scale.storm_seconds):
            time.sleep(EVERY - GONE_FOR)
            origin.process.kill()
            time.sleep(GONE_FOR)
            origin.start()
        report = load.finish(stop=True)
    judged = isinstance(server, RoundhouseProxy)
    return Row(f"{scale.storm_seconds} × kill -9 of one of three servers, GETs: {server.name}",
               f"{report.failed} failed ({report.kinds()})", f"{report.answered:,} answered",
               target="0 failed" if judged else "", met=report.failed == 0 if judged else None)
