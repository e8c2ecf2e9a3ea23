"""The proxies that end TLS in front of one origin, each with one worker."""

from rig.proxies import Haproxy, Nghttpx, NginxProxy, Origin, RoundhouseProxy
from rig.tls import Tls
from proxied.contest import Contest, LoadOf
from encrypted.scale import Scale


def tls_contest(origin: Origin, tls: Tls) -> Contest:
    return Contest(RoundhouseProxy([origin], tls=tls.pem),
                   [NginxProxy([origin], tls=tls.pem), Haproxy([origin], tls=tls.pem),
                    Nghttpx([origin], tls=tls.pem)])


def run_tls_contest(tls: Tls, scale: Scale, load: LoadOf, both_policies: bool = False) -> Contest:
    """`both_policies`: beside `rr`, another of ours whose workers accept by themselves (`none`)."""
    origin = Origin()
    contest = tls_contest(origin, tls)
    if both_policies:
        contest.also.append(RoundhouseProxy([origin], tls=tls.pem, policy="none"))
    contest.run_load(origin, scale, load, lambda server: tls.check(server.name, server.port))
    return contest
