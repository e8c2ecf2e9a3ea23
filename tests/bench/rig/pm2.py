"""PM2 of npm in cluster mode: its daemon holds the sockets and starts the workers, as our edge does."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from rig import proc, setting
from rig.peers import PEERS
from rig.process import kill_leftovers, wait_until
from rig.server import Server, ask

VERSION = "7.0.4"
PATIENCE = 60.0


def installed() -> Path:
    """Its command, fetched into the build's folder once."""
    folder = setting.BUILD.parent / "npm-pm2"
    command = folder / "node_modules" / "pm2" / "bin" / "pm2"
    version = folder / "version"
    if not version.exists() or version.read_text() != VERSION:
        if shutil.which("npm") is None:
            raise RuntimeError("npm is not there: apt-get install npm")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
                        "--prefix", str(folder), f"pm2@{VERSION}"], check=True)
        version.write_text(VERSION)
    return command


class Pm2(Server):
    """With a home of its own, so that a PM2 that the user runs is left alone."""

    def __init__(self, workers: int):
        super().__init__(workers)
        self.name = f"PM2 {VERSION}"
        self._home = setting.folder() / f"pm2-{self.port}"

    def _command(self) -> list[str]:
        program = [str(PEERS / "node_cluster.js"), "--name", "app", "-i", str(self.workers)]
        return ["start", *program, "--", str(self.port), str(self.workers), "rr"]

    def _pm2(self, *words: str) -> None:
        own = {"PM2_HOME": str(self._home), "PM2_DISABLE_VERSION_CHECK": "true"}
        with self.log.open("ab") as out:
            subprocess.run(["node", str(installed()), *words], env={**os.environ, **own},
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=PATIENCE,
                           check=True)

    @property
    def edge_pid(self) -> int:
        return int((self._home / "pm2.pid").read_text())

    def start(self, nofile: int | None = None) -> None:
        try:
            self._pm2(*self._command())
            serves = wait_until(lambda: len(self.worker_pids()) == self.workers and ask(self.port),
                                PATIENCE)
        except BaseException:
            self.stop()
            raise
        if serves is None:
            self.stop()
            raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> int | None:
        """The daemon that start() made and what it started, by their pids."""
        if not (self._home / "pm2.pid").exists():
            return None
        daemon = proc.identity(self.edge_pid)
        if daemon is None:
            return None
        children = proc.children(daemon.pid)
        os.kill(daemon.pid, signal.SIGTERM)
        wait_until(lambda: not proc.same(daemon), 15)
        kill_leftovers([daemon, *children])
        return 0
