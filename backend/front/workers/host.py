"""Owns one worker as the front process sees it: has it started, hears it, judges its progress, has it killed and replaced.
No torch.

A process stuck inside a driver call still answers network heartbeats, so what counts is the worker's own word: while a
job runs, every message is a stamp of progress, and a worker without a stamp for too long is killed.

A death during a job is the job's fault, and the next worker starts at once. Workers that never come up, or die soon and idle,
are started again after longer and longer pauses; after some in a row that is said, and said to be over when one is ready.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import zmq

from ...config import BackendConfig
from ...protocol import limits, messages
from ...protocol.codec import Envelope, decode, encode
from ...protocol.errors import ErrorCode, ProtocolError
from ...protocol.messages import FROM_BACKEND, ErrorInfo, Memory, Message
from ...security import Gate, KeyPair, make_server
from ...worker_link import Meeting
from .process import WorkerProcess, Workplace

_LOG = logging.getLogger("ipoke.worker_host")
_DOMAIN = b"worker"
_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Died:
    """The worker is gone; another is being started."""

    sentence: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """No worker can be had; it stays so until one is ready."""

    error: ErrorInfo


HostEvent = Envelope | Died | GaveUp
_NOTHING_LOADED = Memory((), 0)


class WorkerHost:
    """Keeps one worker running; its number says which of several devices it takes."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, config: BackendConfig, place: Workplace, number: int = 0
    ) -> None:
        self._number = number
        self.is_up = False
        self.gave_up = False
        self._can_not_load = False
        self.device = ""
        self.memory = _NOTHING_LOADED
        self._context = context
        self._gate = gate
        self._config = config
        self._place = place
        self._process: WorkerProcess | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._public = ""
        self._is_busy = False
        self._stamp_s = 0.0
        self._looked_s = 0.0
        self._ready_s = 0.0
        self._failures = 0
        self._start_failure: str | None = None
        self._start_at_s: float | None = None

    @property
    def socket(self) -> zmq.Socket[bytes] | None:
        """The socket to poll for the worker's messages, None without a worker."""
        return self._socket

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None without one or when it runs on another machine."""
        return self._process.pid if self._process is not None else None

    def start(self, now_s: float) -> None:
        """Start a worker; `poll` tells when that can't be done."""
        self.memory = _NOTHING_LOADED
        self._stamp_s = self._looked_s = now_s
        self._start_at_s = None
        try:
            self._process = self._start_process()
        except (OSError, zmq.ZMQError) as error:
            self._start_failure = f"The worker can't be started ({error.strerror})."
        else:
            _LOG.info("worker %d started, %s", self._number, self._process.name)

    def _start_process(self) -> WorkerProcess:
        server = KeyPair.new()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.maxmsgsize = limits.RAW_BYTES
        make_server(self._socket, server, _DOMAIN)
        port = self._socket.bind_to_random_port(f"tcp://{self._place.address}")
        meeting = Meeting(f"tcp://{self._place.address}:{port}", server.public)
        return self._place.start(self._number, meeting, self._admit)

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
        if self._is_busy and not busy:
            self._failures = 0
        self._is_busy = busy

    def idle_s(self, now_s: float) -> float:
        """Seconds without a job."""
        return 0.0 if self._is_busy else now_s - self._stamp_s

    def note_released(self) -> None:
        """The worker was told to unload its models."""
        self.memory = Memory((), self.memory.used_mb)

    def poll(self, now_s: float) -> list[HostEvent]:
        """Hear the worker and look after it."""
        if self._start_failure is not None:
            return self._replace(self._start_failure, now_s)
        if self._process is None:
            if self._start_at_s is not None and now_s >= self._start_at_s:
                self.start(now_s)
            return []
        if now_s - self._looked_s > _PAUSE_S:
            self._stamp_s = max(self._stamp_s, now_s - _PAUSE_S)
        self._looked_s = now_s
        events = self._hear(now_s)
        ending = self._process.ending()
        if self._can_not_load:
            self.stop()
        elif ending is not None:
            events += self._hear(now_s)
            events += self._replace(ending, now_s)
        elif self._is_late(now_s):
            events += self._replace(f"The worker did not come up within {self._config.worker_start_s:.0f} s.", now_s)
        elif self._is_stalled(now_s):
            events += self._replace("The worker made no progress and was killed.", now_s)
        return events

    def stop(self) -> None:
        """End the worker at once; no other is started."""
        self._start_at_s = self._start_failure = None
        self.is_up = self._is_busy = False
        process, self._process = self._process, None
        if process is not None:
            process.kill()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._public:
            self._gate.revoke(_DOMAIN, self._public)
            self._public = ""

    def _admit(self, public: str) -> None:
        self._public = public
        self._gate.allow(_DOMAIN, public)

    def _hear(self, now_s: float) -> list[HostEvent]:
        events: list[HostEvent] = []
        while self._socket is not None:
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            self._stamp_s = now_s
            try:
                events.append(self._understand(decode(parts, FROM_BACKEND), now_s))
            except ProtocolError as error:
                _LOG.error("the worker said something that is not understood: %s", error.sentence)
        return events

    def _understand(self, envelope: Envelope, now_s: float) -> HostEvent:
        if isinstance(envelope.message, messages.Ready):
            self.is_up, self.gave_up = True, False
            self._ready_s = now_s
            self.device = envelope.message.info.device
        if isinstance(envelope.message, Memory):
            self.memory = envelope.message
        if isinstance(envelope.message, messages.Refused):
            self.gave_up = self._can_not_load = True
            return GaveUp(envelope.message.error)
        return envelope

    def _is_late(self, now_s: float) -> bool:
        return not self.is_up and now_s - self._stamp_s > self._config.worker_start_s

    def _is_stalled(self, now_s: float) -> bool:
        return self.is_up and self._is_busy and now_s - self._stamp_s > self._config.worker_stall_s

    def _replace(self, sentence: str, now_s: float) -> list[HostEvent]:
        _LOG.warning(sentence)
        died_at_work = self._is_busy
        if self.is_up and now_s - self._ready_s > self._config.steady_s:
            self._failures = 0
        self.stop()
        if died_at_work:
            self.start(now_s)
            return [Died(sentence)]
        self._failures += 1
        self._start_at_s = now_s + self._pause_s()
        if self._failures < self._config.failed_starts:
            return [Died(sentence)]
        self.gave_up = True
        final = (
            f"The worker crashed {self._failures} times in a row without doing anything; run `ipoke doctor` and read the "
            f"backend's log. Another one is tried in {self._pause_s():.0f} s. The last one: {sentence}"
        )
        return [GaveUp(ErrorInfo(ErrorCode.NO_WORKER, final))]

    def _pause_s(self) -> float:
        """Before the next start: none after a first failure, then twice as long each time."""
        if self._failures <= 1:
            return 0.0
        exponent = min(self._failures - 2, 32)
        return float(min(self._config.restart_pause_s * 2**exponent, self._config.longest_pause_s))
