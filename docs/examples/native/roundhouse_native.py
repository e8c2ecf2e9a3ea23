"""A worker of Roundhouse in Python: the native protocol (docs/native-protocol.md) for programs that
serve one connection at a time. Copy this file; native_worker.py shows how it is used.

A program that does not come back to accept() for liveness.replace (2 s) is held to hang and is
replaced. Nothing but the standard library; Python 3.9.
"""
import ctypes
import mmap
import os
import select
import socket
import struct
import sys
import time

CONNECTIONS, NUDGE, DRAIN, READY, ROOM = 1, 2, 3, 16, 18
_MOST = 8  # descriptors of one message
_MESSAGE = 16 + 8 + _MOST * 48


class Worker:
    def __init__(self):
        if os.environ.get("ROUNDHOUSE_PROTOCOL") != "1":
            sys.exit(125)  # no edge of ours: do not restart me
        self.id = int(os.environ["ROUNDHOUSE_WORKER_ID"])
        self._channel = socket.socket(fileno=int(os.environ["ROUNDHOUSE_CHANNEL_FD"]))
        self._slot = mmap.mmap(int(os.environ["ROUNDHOUSE_SLOT_FD"]), 4096)
        self._room_wanted = ctypes.c_uint32.from_buffer(self._slot, 64)  # by the edge
        self._taken = ctypes.c_uint64.from_buffer(self._slot, 128)
        self._heartbeat = ctypes.c_int64.from_buffer(self._slot, 136)
        self._active = ctypes.c_uint32.from_buffer(self._slot, 144)
        self._connections = ctypes.c_uint64.from_buffer(self._slot, 152)
        self.requests = ctypes.c_uint64.from_buffer(self._slot, 160)
        self._room_told = 0
        self._waiting = []
        self._ending = False
        self._say(READY)

    def _say(self, kind):
        try:
            self._channel.send(struct.pack("<IIQ", kind, 16, 0))
        except OSError:
            self._ending = True

    def _receive(self):
        try:
            message, descriptors, _, _ = socket.recv_fds(self._channel, _MESSAGE, _MOST)
        except BlockingIOError:
            return
        if len(message) < 16:  # the edge is dead
            self._ending = True
            return
        kind, _, sequence = struct.unpack_from("<IIQ", message)
        self._waiting += descriptors
        self._active.value += len(descriptors)
        self._connections.value += len(descriptors)
        self._ending = self._ending or kind == DRAIN
        if sequence:
            self._taken.value = sequence

    def accept(self):
        """The next connection, a socket; None when the program shall end."""
        while not self._waiting and not self._ending:
            self._heartbeat.value = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            wanted = self._room_wanted.value
            if wanted != self._room_told:
                self._say(ROOM)
            self._room_told = wanted
            if select.select([self._channel], [], [], 0.2)[0]:
                self._receive()
        return socket.socket(fileno=self._waiting.pop(0)) if self._waiting else None

    def close(self, connection):
        connection.close()
        self._active.value -= 1
