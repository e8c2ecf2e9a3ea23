"""What is soaked: proxies before two origins, HTTP and TCP, and before an unmodified Node program."""

from collections.abc import Sequence

from rig import setting
from rig.roundhouse import Roundhouse
from rig.server import Server

WORKERS = 2


class Instance(Roundhouse):
    def __init__(self, origins: Sequence[Server]):
        super().__init__(WORKERS)
        self.name = "roundhouse"
        self.tcp_port, self.node_port = setting.free_port(), setting.free_port()
        bind = "127.0.0.1:{}".format
        self.configuration |= {
            "listeners": {
                "web": {"bind": bind(self.port), "pool": self.pool, "limits": {"body": "1GiB"}},
                "node": {"bind": bind(self.node_port), "pool": self.pool},
                "raw": {"bind": bind(self.tcp_port), "pool": self.pool, "protocol": "tcp",
                        "upstream": "site"}},
            "pools": {
                self.pool: {"type": "proxy", "workers": WORKERS},
                "app": {"type": "node", "workers": WORKERS, "command": [
                    "node", str(setting.HERE / "mixed" / "echo.js")]}},
            "routes": [{"listener": "node", "upstream": "program"}, {"upstream": "site"}],
            "upstreams": {"site": [bind(origin.port) for origin in origins],
                          "program": {"pool": "app"}},
            "log": {"access": {"format": "json",
                               "to": str(setting.folder() / "soak-access.log")}}}

    @property
    def pool(self) -> str:
        return "gateway"
