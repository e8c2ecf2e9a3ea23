"""Clients for a soak. Each goes on in a thread of its own until it is stopped, and counts what it saw.

A polite one knows what it is owed, and says so when it gets anything else. A rude one is owed nothing.
"""

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

PATIENCE = 60.0


class Client(threading.Thread):
    """Calls `act` again and again. `wrong`: what a polite one was not owed."""

    def __init__(self, name: str, act: Callable[[random.Random], str], polite: bool):
        super().__init__(name=name, daemon=True)
        self.done = 0
        self.wrong: list[str] = []
        self._act = act
        self._polite = polite
        self._over = threading.Event()
        self._dice = random.Random(name)

    def run(self) -> None:
        while not self._over.is_set():
            try:
                complaint = self._act(self._dice)
            except Exception as error:  # of this client too: it would be missing from the load
                complaint = f"{type(error).__name__}: {error}"
            self.done += 1
            if self._polite and complaint:
                self.wrong.append(complaint)

    def finish(self) -> None:
        self._over.set()
        self.join(PATIENCE * 2)


def uploads(port: int) -> Callable[[random.Random], str]:
    """Bodies of every size, with a length or in chunks, on kept connections."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def act(dice: random.Random) -> str:
        body = dice.randbytes(int(2 ** dice.uniform(0, 19)))
        chunked = dice.random() < 0.5
        pieces = iter([body[:len(body) // 3], body[len(body) // 3:]]) if chunked else body
        try:
            connection.request("POST", "/echo", pieces, encode_chunked=chunked,
                               headers={"Transfer-Encoding": "chunked"} if chunked else {})
            answer = connection.getresponse()
            back = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        return "" if answer.status == 200 and back == body else \
            f"POST of {len(body)} bytes: {answer.status}, {len(back)} bytes back"

    return act


def pipelining(port: int) -> Callable[[random.Random], str]:
    """Several requests at once; the answers in their order."""

    def act(dice: random.Random) -> str:
        sizes = [dice.randrange(1, 5000) for _ in range(8)]
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall("".join(f"GET /{size} HTTP/1.1\r\nHost: a\r\n\r\n"
                                   for size in sizes).encode())
            reader = client.makefile("rb")
            for size in sizes:
                head = [line.strip() for line in iter(reader.readline, b"\r\n")]
                if not head or f"Content-Length: {size}".lower().encode() not in (
                        line.lower() for line in head) or len(reader.read(size)) != size:
                    return f"pipelined GET /{size}: {head[:1]}"
        return ""

    return act


def slow_reading(port: int) -> Callable[[random.Random], str]:
    """A large answer, taken in small pieces."""

    def act(dice: random.Random) -> str:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /600000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            got = 0
            while piece := client.recv(16384):
                got += len(piece)
                time.sleep(dice.uniform(0, 0.01))
        return "" if got > 600_000 else f"slow GET /600000: {got} bytes"

    return act


def dripping(port: int) -> Callable[[random.Random], str]:
    """Head and body a few bytes at a time."""

    def act(dice: random.Random) -> str:
        text = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nConnection: close\r\n\r\n" + b"x" * 40
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            while text:
                size = dice.randrange(1, 12)
                client.sendall(text[:size])
                text = text[size:]
                time.sleep(0.005)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return "" if answer.startswith(b"HTTP/1.1 200") else f"dripped POST: {answer[:60]!r}"

    return act


_STARTS = (b"GET / HTTP/1.1\r\nHos",
           b"GET /1000000 HTTP/1.1\r\nHost: a\r\n\r\n",
           b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"y" * 30_000,
           b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nabc",
           b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
           b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
           b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           b"GET /1000000 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
# Nothing for the bench's origin, which answers a HEAD with a body.
_STARTS_FOR_A_SERVER = (*_STARTS, b"HEAD /5000 HTTP/1.1\r\nHost: a\r\n\r\n" * 40,
                        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")


def rudeness(port: int, to_origin: bool) -> Callable[[random.Random], str]:
    """Leaves in the middle of everything, by FIN or by RST; says what is no HTTP."""
    starts = _STARTS if to_origin else _STARTS_FOR_A_SERVER

    def act(dice: random.Random) -> str:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            with contextlib.suppress(OSError):
                client.sendall(dice.choice(starts))
                client.settimeout(dice.uniform(0.001, 0.05))
                client.recv(dice.choice((1, 4096, 100_000)))
            if dice.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return ""

    return act
