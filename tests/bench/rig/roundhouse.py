"""Roundhouse itself, as the server under test."""

import json
import subprocess
import threading
import time
import urllib.request
from typing import Any

from rig import proc, setting
from rig.metrics import Metrics, scrape
from rig.server import Server


class Refused(RuntimeError):
    """What an operator asked for was not done: why."""


class Roundhouse(Server):
    """One instance with the pool `hello`. `pool` and `listener` are sections of its configuration."""

    def __init__(self, workers: int, policy: str = "rr", pool: dict[str, Any] | None = None,
                 listener: dict[str, Any] | None = None):
        super().__init__(workers)
        self.policy = policy
        self.name = f"roundhouse {policy}"
        self.monitor_port = setting.free_port()
        folder = setting.folder()
        self.control = folder / f"control-{self.port}.sock"
        self._file = folder / f"roundhouse-{self.port}.yaml"
        self.configuration: dict[str, Any] = {
            "listeners": {"web": {"bind": f"127.0.0.1:{self.port}", "pool": self.pool,
                                  **(listener or {})}},
            "pools": {self.pool: {"workers": workers, "policy": policy, **(pool or {})}},
            "monitor": {"bind": f"127.0.0.1:{self.monitor_port}", "socket": str(self.control)},
        }

    def _command(self) -> list[str]:
        self._file.write_text(json.dumps(self.configuration, indent=1))  # JSON is YAML
        return [setting.roundhouse_program(), "run", "-c", str(self._file)]

    @property
    def pool(self) -> str:
        return "hello"

    def workers_by_id(self, pool: str = "") -> dict[int, int]:
        """Pid of each worker of the pool whose process is there."""
        found = {}
        pool = pool or self.pool
        for child in proc.children(self.edge_pid):
            told = proc.environment(child.pid)
            if told.get("ROUNDHOUSE_POOL") == pool and proc.state(child.pid) not in ("Z", ""):
                found[int(told["ROUNDHOUSE_WORKER_ID"])] = child.pid
        return found

    def worker_pids(self) -> list[int]:
        return [pid for _, pid in sorted(self.workers_by_id().items())]

    @property
    def monitor_pid(self) -> int | None:
        for child in proc.children(self.edge_pid):
            if proc.environment(child.pid).get("ROUNDHOUSE_ROLE") == "monitor":
                return child.pid
        return None

    def metrics(self) -> Metrics:
        return scrape(self.monitor_port)

    def status(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.monitor_port}/api/v1/status"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    def ready(self, pool: str = "hello") -> int:
        """How many workers of the pool are ready."""
        return int(self.metrics().sum("pool_workers", pool=pool, state="ready"))

    def taken_uncounted(self) -> int:
        """Connections that workers read from their channel and died before they could count them.

        For a quiet moment: the edge writes its own counts several times a second.
        """
        time.sleep(0.5)
        metrics = self.metrics()
        handed_over = metrics.sum("handoffs_total", result="taken")
        return int(handed_over - metrics.sum("worker_connections_total"))

    def operate(self, *words: str) -> None:
        """An operator's command, with the configuration as it is now; waits for what comes of it."""
        self._file.write_text(json.dumps(self.configuration, indent=1))
        done = subprocess.run([setting.roundhouse_program(), *words, "--socket", str(self.control)],
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Refused(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def log_lines(self) -> list[str]:
        return self.log.read_text().splitlines()


class ExitWatch:
    """Collects the exit records of an instance while it lives: it keeps the last five of a worker."""

    def __init__(self, server: Roundhouse):
        self._server = server
        self._records: dict[int, dict[str, Any]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "ExitWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def sum(self, field: str) -> int:
        """Over all exits, for example what was open: connections_active."""
        return sum(record[field] for record in self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def _watch(self) -> None:
        while not self._over.wait(0.4):
            self._look()

    def _look(self) -> None:
        for pool in self._server.status()["pools"]:
            for worker in pool["workers"]:
                for record in worker["exits"]:
                    self._records[record["pid"]] = record
