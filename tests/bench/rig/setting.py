"""Where things are: the programs under test, a folder for logs and configurations, free ports."""

import atexit
import functools
import itertools
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent  # tests/bench
BUILD = Path(os.environ.get("ROUNDHOUSE_BUILD", HERE.parent.parent / "build" / "release"))


@functools.cache
def folder() -> Path:
    """For this run; gone afterwards, unless ROUNDHOUSE_BENCH_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix="roundhouse-bench-"))
    path.chmod(0o755)
    if "ROUNDHOUSE_BENCH_KEEP" not in os.environ:
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def roundhouse_program() -> str:
    return _program(BUILD / "src" / "roundhouse")


def bench_program(name: str) -> str:
    return _program(BUILD / "tests" / "bench" / name)


def _program(path: Path) -> str:
    if not path.exists():
        sys.exit(f"{path} is not there: ./dev bench builds it")
    return str(path)


# Outside the range from which clients get theirs; several runs on one machine start apart.
_ports = itertools.cycle(range(20000, 32000))
for _ in range(os.getpid() % 12000):
    next(_ports)


def free_port() -> int:
    """Free a moment ago."""
    for port in itertools.islice(_ports, 12000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def log(text: str) -> None:
    print(f"  .. {text}", file=sys.stderr, flush=True)
