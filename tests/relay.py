"""A TCP relay between a client and a backend that keeps a copy of everything, and can be cut, slowed or made deaf."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from tests.machine import allowed

_STEP_S = 0.05


class Relay:
    """Listens on loopback and passes bytes on to `target_port`, for one connection after the other."""

    def __init__(self, target_port: int, delay_s: float = 0.0) -> None:
        self.seen = bytearray()
        self.delay_s = delay_s
        self._target_port = target_port
        self._is_cut = threading.Event()
        self._is_deaf = threading.Event()
        self._is_closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_STEP_S)
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection and take no new ones."""
        self._is_cut.set()
        self._end_connections()

    def mend(self) -> None:
        """Take connections again, and pass bytes on."""
        self._is_cut.clear()
        self._is_deaf.clear()

    def go_deaf(self) -> None:
        """Keep connections open, but let nothing through: a half-open connection."""
        self._is_deaf.set()

    def close(self) -> None:
        """End everything."""
        self._is_closed.set()
        self._end_connections()
        for thread in self._threads:
            thread.join(allowed(5))
        for opened in [*self._sockets, self._listener]:
            opened.close()

    def _end_connections(self) -> None:
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                near = self._listener.accept()[0]
            except OSError:
                continue
            if self._is_cut.is_set():
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target_port))
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass_on, args=(source, target))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                self.seen += data
                time.sleep(self.delay_s)
                while self._is_deaf.is_set() and not self._is_closed.is_set():
                    time.sleep(_STEP_S)
                target.sendall(data)
        for opened in (source, target):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
