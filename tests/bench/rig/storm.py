"""Kills workers, one after the other, while others watch what clients notice."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator

from rig.server import Server


def kill_storm(server: Server, kills: int, seconds: float) -> int:
    """SIGKILL for random workers, evenly over the time, every place equally often. How many died.

    Returns at once after the last.
    """
    places = _places(server.workers)
    start = time.monotonic()
    killed = 0
    for i in range(kills):
        time.sleep(max(0.0, start + (i + 1) * seconds / kills - time.monotonic()))
        pids = server.worker_pids()
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[next(places) % len(pids)], signal.SIGKILL)
                killed += 1
    return killed


def _places(workers: int) -> Iterator[int]:
    deck = random.Random(4711)
    while True:
        yield from deck.sample(range(workers), workers)
