"""Owns the worker process: starts it, hears it, judges its progress, kills and replaces it. No torch.

A process stuck inside a driver call still answers network heartbeats, so what counts is the worker's own word: while a
job runs, every message is a stamp of progress, and a worker without a stamp for too long is killed.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import zmq

from .config import BackendConfig
from .protocol import limits, messages
from .protocol.codec import Envelope, decode, encode
from .protocol.errors import ErrorCode, ProtocolError
from .protocol.messages import FROM_BACKEND, ErrorInfo, Memory, Message
from .security import Gate, KeyPair, make_server
from .worker_link import NUMBER_VARIABLE, Ticket

_LOG = logging.getLogger("ipoke.worker_host")
_DOMAIN = b"worker"
_PAUSE_S = 2.0
_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Died:
    """The worker is gone; another is being started."""

    sentence: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """No worker will be started any more."""

    error: ErrorInfo


HostEvent = Envelope | Died | GaveUp
_NOTHING_LOADED = Memory((), 0)


class WorkerHost:
    """Keeps one worker running; its number says which of several devices it takes."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, config: BackendConfig, number: int = 0) -> None:
        self._number = number
        self.is_up = False
        self.gave_up = False
        self.device = ""
        self.memory = _NOTHING_LOADED
        self._context = context
        self._gate = gate
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._keys: KeyPair | None = None
        self._is_busy = False
        self._stamp_s = 0.0
        self._looked_s = 0.0
        self._deaths_s: deque[float] = deque()

    @property
    def socket(self) -> zmq.Socket[bytes] | None:
        """The socket to poll for the worker's messages, None without a worker."""
        return self._socket

    @property
    def pid(self) -> int | None:
        """Process id of the worker."""
        return self._process.pid if self._process is not None else None

    def start(self, now_s: float) -> None:
        """Start a worker."""
        server, self._keys = KeyPair.new(), KeyPair.new()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.maxmsgsize = limits.RAW_BYTES
        make_server(self._socket, server, _DOMAIN)
        self._gate.allow(_DOMAIN, self._keys.public)
        port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        ticket = Ticket(f"tcp://127.0.0.1:{port}", server.public, self._keys.public, self._keys.secret)
        self.is_up = self._is_busy = False
        self.memory = _NOTHING_LOADED
        self._stamp_s = self._looked_s = now_s
        self._process = self._spawn()
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(ticket.to_line())
                self._process.stdin.flush()
            except BrokenPipeError:
                _LOG.warning("the worker ended before it was told where to connect")
        _LOG.info("worker %d started", self._process.pid)

    def send(self, message: Message, *raw: bytes) -> None:
        """Send a message to the worker."""
        if self._socket is not None:
            try:
                self._socket.send_multipart(encode(message, *raw), flags=zmq.DONTWAIT)
            except zmq.Again:
                _LOG.warning("the worker takes no messages; it will be judged by its progress")

    def set_busy(self, busy: bool, now_s: float) -> None:
        """Say whether progress is expected from now on."""
        if busy != self._is_busy:
            self._stamp_s = now_s
        self._is_busy = busy

    def idle_s(self, now_s: float) -> float:
        """Seconds without a job."""
        return 0.0 if self._is_busy else now_s - self._stamp_s

    def note_released(self) -> None:
        """The worker was told to unload its models."""
        self.memory = Memory((), self.memory.used_mb)

    def poll(self, now_s: float) -> list[HostEvent]:
        """Hear the worker and look after it."""
        if self._process is None:
            return []
        if now_s - self._looked_s > _PAUSE_S:
            self._stamp_s = max(self._stamp_s, now_s - _PAUSE_S)
        self._looked_s = now_s
        events = self._hear(now_s)
        code = self._process.poll()
        if self.gave_up:
            self.stop()
        elif code is not None:
            events += self._hear(now_s)
            events += self._replace(f"The worker ended with code {code}.", now_s)
        elif self._is_stalled(now_s):
            events += self._replace("The worker made no progress and was killed.", now_s)
        return events

    def stop(self) -> None:
        """End the worker at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._keys is not None:
            self._gate.revoke(_DOMAIN, self._keys.public)
            self._keys = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        side = str(limits.IMAGE_SIDE_PX)
        environment = {
            **os.environ,
            "OPENCV_IO_MAX_IMAGE_WIDTH": side,
            "OPENCV_IO_MAX_IMAGE_HEIGHT": side,
            "OPENCV_IO_MAX_IMAGE_PIXELS": str(limits.IMAGE_SIDE_PX**2),
            NUMBER_VARIABLE: str(self._number),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_PROJECT), os.environ.get("PYTHONPATH")])),
        }
        no_window: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        return subprocess.Popen(self._config.worker_command, stdin=subprocess.PIPE, env=environment, creationflags=no_window)

    def _hear(self, now_s: float) -> list[HostEvent]:
        events: list[HostEvent] = []
        while self._socket is not None:
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            self._stamp_s = now_s
            try:
                events.append(self._understand(decode(parts, FROM_BACKEND)))
            except ProtocolError as error:
                _LOG.error("the worker said something that is not understood: %s", error.sentence)
        return events

    def _understand(self, envelope: Envelope) -> HostEvent:
        if isinstance(envelope.message, messages.Ready):
            self.is_up = True
            self.device = envelope.message.info.device
        if isinstance(envelope.message, Memory):
            self.memory = envelope.message
        if isinstance(envelope.message, messages.Refused):
            self.gave_up = True
            return GaveUp(envelope.message.error)
        return envelope

    def _is_stalled(self, now_s: float) -> bool:
        if not self.is_up:
            return now_s - self._stamp_s > self._config.worker_start_s
        return self._is_busy and now_s - self._stamp_s > self._config.worker_stall_s

    def _replace(self, sentence: str, now_s: float) -> list[HostEvent]:
        _LOG.warning(sentence)
        self.stop()
        self._deaths_s.append(now_s)
        while now_s - self._deaths_s[0] > self._config.crash_window_s:
            self._deaths_s.popleft()
        if len(self._deaths_s) >= self._config.crashes:
            self.gave_up = True
            final = (
                f"The worker crashed {self._config.crashes} times within {self._config.crash_window_s:.0f} s; "
                "run `ipoke doctor` and read the backend's log, then restart the backend."
            )
            return [GaveUp(ErrorInfo(ErrorCode.NO_WORKER, final))]
        self.start(now_s)
        return [Died(sentence)]
