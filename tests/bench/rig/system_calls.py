"""What a process asks of the kernel, by strace."""

import re
import time
from collections.abc import Callable

from rig import setting
from rig.process import Process

_LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def count_system_calls(pid: int, work: Callable[[], int]) -> dict[str, float]:
    """Of that process and its children, for each unit of the work, which returns how many units it
    was. The work is slowed down by it."""
    out = setting.folder() / f"strace-{pid}.txt"
    strace = Process(["strace", "-c", "-f", "-p", str(pid), "-o", str(out)],
                     setting.folder() / "strace.log")
    time.sleep(0.5)
    units = work()
    strace.stop()
    return {name: int(count) / units for count, name in _LINE.findall(out.read_text())
            if name != "total"}


def listed(calls: dict[str, float]) -> str:
    """"2.00: read 1.00, write 1.00"; the rare ones are left out of the list."""
    names = ", ".join(f"{name} {count:.2f}" for name, count in calls.items() if count >= 0.005)
    return f"{sum(calls.values()):.2f}: {names}"
