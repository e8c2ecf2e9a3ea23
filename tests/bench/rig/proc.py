"""What the kernel tells about a process, read from /proc."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A pid and when it started: another process of the same pid is not the same."""
    pid: int
    started: int


def _stat(pid: int) -> list[str]:
    """The fields behind the name; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2:].split()


def identity(pid: int) -> Identity | None:
    fields = _stat(pid)
    return Identity(pid, int(fields[19])) if fields else None


def same(one: Identity) -> bool:
    return identity(one.pid) == one


def state(pid: int) -> str:
    """R, S, T, Z, ...; empty if there is no such process."""
    fields = _stat(pid)
    return fields[0] if fields else ""


def children(pid: int) -> list[Identity]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields and int(fields[1]) == pid:
                found.append(Identity(int(entry), int(fields[19])))
    return found


def zombies(pid: int) -> int:
    return sum(state(child.pid) == "Z" for child in children(pid))


def cpu_seconds(pid: int) -> float:
    """User and system time of its threads that are there: the sum that /proc/PID/stat rounds to
    ticks, here in nanoseconds."""
    total = 0
    for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(schedstat.read_text().split()[0])
    return total / 1e9


def _kib(file: str, name: str) -> int:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def rss_anon_kib(pid: int) -> int:
    return _kib(f"/proc/{pid}/status", "RssAnon")


def rss_kib(pid: int) -> int:
    return _kib(f"/proc/{pid}/status", "VmRSS")


def pss_kib(pid: int) -> int:
    """Pages that several processes have are divided among them."""
    return _kib(f"/proc/{pid}/smaps_rollup", "Pss")


def open_fds(pid: int, besides: str = "") -> int:
    """`besides`: those whose name has this are not counted."""
    return sum(not besides or besides not in _target(pid, fd)
               for fd in os.listdir(f"/proc/{pid}/fd"))


def _target(pid: int, fd: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except FileNotFoundError:
        return ""


def environment(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)


def open_sockets(pid: int) -> int:
    return sum(_target(pid, fd).startswith("socket:") for fd in os.listdir(f"/proc/{pid}/fd"))
