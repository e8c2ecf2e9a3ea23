"""Processes that the bench started: each writes to a log file and is stopped by its pid."""

import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rig import proc


class Process:
    """One started program. Stopped at the latest when the bench ends, its children too."""

    _running: list["Process"] = []

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None,
                 nofile: int | None = None):
        if nofile is not None:
            command = ["prlimit", f"--nofile={nofile}:{nofile}", *command]
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0,
                env={**os.environ, **(env or {})})
        self.pid = self._process.pid
        Process._running.append(self)

    def alive(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        if self.alive():
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None if it is still there."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """This process alone, at once."""
        self.signal(signal.SIGKILL)
        self.wait(5)

    def stop(self) -> int | None:
        """TERM, then KILL for it and for whatever it left."""
        children = proc.children(self.pid)
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        code = self.wait(8)
        if code is None:
            children += proc.children(self.pid)
            self.signal(signal.SIGKILL)
            code = self.wait(5)
        kill_leftovers(children)
        if self in Process._running:
            Process._running.remove(self)
        return code

    @classmethod
    def stop_all(cls) -> None:
        for process in list(cls._running):
            process.stop()


def kill_leftovers(children: list["proc.Identity"]) -> None:
    for child in children:
        if proc.same(child):
            os.kill(child.pid, signal.SIGKILL)


def wait_until(condition, seconds: float, every: float = 0.005) -> float | None:
    """How long it took until the condition held; None: it never did."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return time.monotonic() - start
        time.sleep(every)
    return None


atexit.register(Process.stop_all)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, lambda number, frame: sys.exit(128 + number))
