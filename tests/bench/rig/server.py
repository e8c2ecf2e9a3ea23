"""What all servers under test have in common: a port, the process that hands out, the workers."""

import socket
import ssl
import time
from abc import ABC, abstractmethod
from pathlib import Path

from rig import proc, setting
from rig.process import Process


class Server(ABC):
    """A context manager: started on entry, stopped on exit."""

    name = ""
    scheme = "http"

    def __init__(self, workers: int):
        self.workers = workers
        self.port = setting.free_port()
        self.process: Process | None = None

    @abstractmethod
    def _command(self) -> list[str]:
        ...

    def worker_pids(self) -> list[int]:
        return [child.pid for child in proc.children(self.edge_pid)]

    @property
    def edge_pid(self) -> int:
        """Of the process that owns the listening socket and starts the workers."""
        assert self.process is not None
        return self.process.pid

    def pids(self) -> list[int]:
        return [self.edge_pid, *(child.pid for child in proc.children(self.edge_pid))]

    def cpu_seconds(self) -> float:
        return sum(proc.cpu_seconds(pid) for pid in self.pids())

    @property
    def log(self) -> Path:
        return setting.folder() / f"{type(self).__name__}-{self.port}.log"

    def start(self, nofile: int | None = None) -> None:
        self.process = Process(self._command(), self.log, nofile=nofile)
        self._wait_for_workers()

    def stop(self) -> int | None:
        assert self.process is not None
        return self.process.stop()

    def _wait_for_workers(self) -> None:
        """Until it answers with all its workers; they may need the time of a slow start."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert self.process is not None
            if not self.process.alive():
                break
            if len(self.worker_pids()) >= self.workers and ask(self.port, scheme=self.scheme):
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _encrypted(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def ask(port: int, path: str = "/", timeout: float = 5.0, scheme: str = "http") -> dict[str, str]:
    """One request on a new connection: the fields of its answer, or nothing if there was none."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as plain, \
                (_encrypted(plain) if scheme == "https" else plain) as connection:
            connection.sendall(request.encode())
            text = b""
            while part := connection.recv(65536):
                text += part
    except OSError:
        return {}
    head, separator, _ = text.decode().partition("\r\n\r\n")
    if not separator or not head.startswith("HTTP/1.1 200"):
        return {}
    fields = (line.split(": ", 1) for line in head.split("\r\n")[1:])
    return {name.lower(): value for name, value in fields}
