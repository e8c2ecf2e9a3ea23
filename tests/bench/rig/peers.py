"""What Roundhouse is compared with: Node's cluster, nginx, and the bare floor."""

import string
from pathlib import Path

from rig import setting
from rig.server import Server

PEERS = setting.HERE / "peers"


def render(template: str, file: Path, **values: object) -> Path:
    """Writes what the peer's template becomes with these values."""
    file.write_text(string.Template((PEERS / template).read_text()).substitute(values))
    return file


class NodeCluster(Server):
    """Node's cluster module; `policy` is rr or none."""

    def __init__(self, workers: int, policy: str):
        super().__init__(workers)
        self.policy = policy
        self.name = f"Node cluster {policy}"

    def _command(self) -> list[str]:
        script = str(PEERS / "node_cluster.js")
        return ["node", script, str(self.port), str(self.workers), self.policy]


class Nginx(Server):
    def __init__(self, workers: int, reuseport: bool = False):
        super().__init__(workers)
        self.reuseport = reuseport
        self.name = "nginx reuseport" if reuseport else "nginx"

    def _command(self) -> list[str]:
        folder = setting.folder() / f"nginx-{self.port}"
        folder.mkdir(exist_ok=True)
        file = render("nginx.conf", folder / "nginx.conf", folder=folder, port=self.port,
                      workers=self.workers, reuseport="reuseport" if self.reuseport else "")
        return ["nginx", "-p", str(folder), "-c", str(file)]


class Floor(Server):
    """accept4, sendmsg, close, and nothing else."""

    def __init__(self, workers: int, batch: int):
        super().__init__(workers)
        self.batch = batch
        self.name = f"floor, {batch} to a message"

    def _command(self) -> list[str]:
        program = setting.bench_program("bench_floor")
        return [program, str(self.port), str(self.workers), str(self.batch)]
