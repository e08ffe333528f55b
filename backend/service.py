"""Owns the front process: a ROUTER socket that lets known keys in, decodes, dispatches, sends. Never imports torch."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import threading
import time

import zmq

from . import scheduler as jobs
from .client.connection_file import ConnectionFile
from .clients import Client
from .config import BackendConfig
from .protocol import limits, messages
from .protocol.codec import decode, encode
from .protocol.errors import ErrorCode, IpokeError, ProtocolError
from .protocol.messages import FROM_CLIENT, ErrorInfo, Message, ServerInfo
from .protocol.version import PROTOCOL_VERSION
from .security import Gate, KeyPair, make_server, require_loopback, write_connection_file
from .worker_host import WorkerDied, WorkerGaveUp, WorkerHost, WorkerSaid

_LOG = logging.getLogger("ipoke.service")
_DOMAIN = b"client"
_TICK_MS = 200
_STRANGER = "0" * 32
_MESSAGES_PER_TURN = 64
_SILENT_S = 30.0


class BindError(IpokeError):
    """The address can't be listened on."""

    code = ErrorCode.UNREACHABLE


class Service:
    """The backend's front process. `run` serves until `stop` is set."""

    def __init__(self, config: BackendConfig) -> None:
        require_loopback(config.address)
        self._config = config
        self._instance = secrets.token_hex(16)
        self._clients: dict[bytes, Client] = {}
        self._scheduler = jobs.Scheduler()
        self._info: ServerInfo | None = None
        self._broken: ErrorInfo | None = None
        self._run_plate = b""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = Gate(self._context)
        self._host = WorkerHost(self._context, self._gate, config)
        self._socket = self._context.socket(zmq.ROUTER)

    def run(self, stop: threading.Event) -> None:
        """Listen, write the connection file, serve until `stop` is set, clean up; IpokeError when it can't start."""
        try:
            self._listen()
            self._host.start(time.monotonic())
            while not stop.is_set():
                self._turn()
        finally:
            with contextlib.suppress(OSError):
                self._config.connection_file.unlink()
            self._host.stop()
            self._context.destroy(linger=0)

    def _listen(self) -> None:
        server, client = KeyPair.new(), KeyPair.new()
        self._socket.linger = 0
        self._socket.maxmsgsize = limits.RAW_BYTES
        self._socket.router_mandatory = True
        self._socket.router_handover = True
        make_server(self._socket, server, _DOMAIN)
        self._gate.allow(_DOMAIN, client.public)
        address, port = self._config.address, self._config.port
        try:
            if port:
                self._socket.bind(f"tcp://{address}:{port}")
            else:
                port = self._socket.bind_to_random_port(f"tcp://{address}")
        except zmq.ZMQError as error:
            raise BindError(f"{address}:{port} can't be listened on ({error}); choose another port.") from error
        content = ConnectionFile(PROTOCOL_VERSION, address, port, server.public, client.public, client.secret, os.getpid())
        write_connection_file(self._config.connection_file, content)
        _LOG.info("listening on %s:%d", address, port)

    def _turn(self) -> None:
        poller = zmq.Poller()
        poller.register(self._gate.socket, zmq.POLLIN)
        poller.register(self._socket, zmq.POLLIN)
        if self._host.socket is not None:
            poller.register(self._host.socket, zmq.POLLIN)
        poller.poll(_TICK_MS)
        now_s = time.monotonic()
        self._gate.answer()
        for _ in range(_MESSAGES_PER_TURN):
            if not self._hear_client(now_s):
                break
        self._hear_worker(now_s)
        for client in list(self._clients.values()):
            self._look_after(client, now_s)
        self._host.set_busy(self._scheduler.is_busy, now_s)

    # --- clients ---------------------------------------------------------------------------------------------------

    def _hear_client(self, now_s: float) -> bool:
        try:
            frames = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        routing_id, *parts = [frame.bytes for frame in frames]
        user = str(frames[-1].get("User-Id"))
        client = self._clients.get(routing_id)
        if client is not None and client.user != user:
            return True
        try:
            envelope = decode(parts, FROM_CLIENT)
        except ProtocolError as error:
            self._tell(routing_id, messages.Refused(ErrorInfo(error.code, error.sentence)))
            return True
        if client is not None:
            client.heard_at = now_s
        self._handle(routing_id, user, envelope.message, envelope.raw, now_s)
        return True

    def _handle(self, routing_id: bytes, user: str, message: Message, raw: tuple[bytes, ...], now_s: float) -> None:
        client = self._clients.get(routing_id)
        if isinstance(message, messages.Hello):
            self._welcome(routing_id, user, now_s)
        elif client is None:
            self._send(routing_id, encode(messages.Pong(_STRANGER, 0)))
        elif isinstance(message, messages.Ping):
            client.acknowledge(message.received_bytes)
            client.flush(self._send)
            self._send(routing_id, encode(messages.Pong(self._instance, client.sent)))
        elif isinstance(message, messages.Plate):
            self._take_plate(client, message.sha256, raw[0])
        elif isinstance(message, messages.Sample):
            has_plate = client.plate(message.plate_sha256) is not None
            self._do(self._scheduler.submit(routing_id, message, has_plate))
        elif isinstance(message, messages.Cancel):
            self._do(self._scheduler.cancel(routing_id, message.job_id))
        elif isinstance(message, messages.Bye):
            self._drop(client)

    def _welcome(self, routing_id: bytes, user: str, now_s: float) -> None:
        client = self._clients.get(routing_id)
        if client is None:
            self._make_room(now_s)
            if len(self._clients) >= limits.CLIENTS:
                sentence = f"{limits.CLIENTS} clients are connected already; close one of them."
                self._send(routing_id, encode(messages.Refused(ErrorInfo(ErrorCode.QUOTA, sentence))))
                return
            client = self._clients[routing_id] = Client(routing_id, user, now_s, self._config.hold_bytes)
        if self._send(routing_id, encode(messages.Welcome(self._instance))):
            client.restart_counting()
        if self._info is not None:
            self._tell(routing_id, messages.Ready(self._info))
        if self._broken is not None:
            self._tell(routing_id, messages.Refused(self._broken))

    def _make_room(self, now_s: float) -> None:
        if len(self._clients) >= limits.CLIENTS:
            silent = min(self._clients.values(), key=lambda client: client.heard_at)
            if now_s - silent.heard_at > _SILENT_S:
                self._drop(silent)

    def _take_plate(self, client: Client, sha256: str, data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() != sha256:
            error = ErrorInfo(ErrorCode.BAD_PLATE, "The plate's bytes don't match its hash; send it again.")
            self._tell(client.routing_id, messages.Refused(error))
            return
        needed = self._scheduler.plates_of(client.routing_id)
        if client.keep_plate(sha256, data, needed):
            self._do(self._scheduler.plate_arrived(client.routing_id, sha256))
        else:
            sentence = "The plates of the waiting jobs are larger than 256 MiB together; wait or cancel a job."
            error = ErrorInfo(ErrorCode.QUOTA, sentence)
            self._do(self._scheduler.plate_refused(client.routing_id, sha256, error))

    def _look_after(self, client: Client, now_s: float) -> None:
        client.flush(self._send)
        if client.held and client.has_room:
            client.held = False
            self._do(self._scheduler.release(client.routing_id))
        elif not client.held and client.is_full:
            client.held = True
            self._do(self._scheduler.hold(client.routing_id))
        if client.is_hopeless or now_s - client.heard_at > self._config.client_idle_s:
            self._drop(client)

    def _drop(self, client: Client) -> None:
        del self._clients[client.routing_id]
        self._do(self._scheduler.drop_client(client.routing_id))

    # --- worker ----------------------------------------------------------------------------------------------------

    def _hear_worker(self, now_s: float) -> None:
        for event in self._host.poll(now_s):
            match event:
                case WorkerSaid(envelope=envelope):
                    self._worker_said(envelope.message, envelope.raw)
                case WorkerDied():
                    self._do(self._scheduler.worker_died())
                case WorkerGaveUp(error=error):
                    _LOG.error(error.sentence)
                    self._broken = error
                    for routing_id in self._clients:
                        self._tell(routing_id, messages.Refused(error))
                    self._do(self._scheduler.give_up(error))

    def _worker_said(self, message: Message, raw: tuple[bytes, ...]) -> None:
        if isinstance(message, messages.Ready):
            if self._info is None:
                self._info = message.info
                for routing_id in self._clients:
                    self._tell(routing_id, messages.Ready(message.info))
            self._do(self._scheduler.worker_ready())
        elif isinstance(message, messages.NeedPlate):
            self._host.send(messages.Plate(message.sha256), self._run_plate)
        else:
            self._do(self._scheduler.worker_said(message, raw))

    # --- effects ---------------------------------------------------------------------------------------------------

    def _do(self, effects: list[jobs.Effect]) -> None:
        for effect in effects:
            match effect:
                case jobs.Tell(client=routing_id, message=message, raw=raw):
                    self._log_job(message)
                    self._tell(routing_id, message, *raw)
                case jobs.Run(client=routing_id, message=sample):
                    self._run_plate = self._clients[routing_id].plate(sample.plate_sha256) or b""
                    self._host.send(sample)
                case jobs.Stop(job_id=job_id):
                    self._host.send(messages.Cancel(job_id))

    def _tell(self, routing_id: bytes, message: Message, *raw: bytes) -> None:
        parts = encode(message, *raw)
        client = self._clients.get(routing_id)
        if client is None:
            self._send(routing_id, parts)
        else:
            client.push(parts)

    def _send(self, routing_id: bytes, parts: list[bytes]) -> bool:
        try:
            self._socket.send_multipart([routing_id, *parts], flags=zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH, errno.EPIPE):
                raise
            return False
        return True

    def _log_job(self, message: Message) -> None:
        if not isinstance(message, messages.Frame | messages.Progress):
            _LOG.info("%s %s", type(message).__name__.lower(), getattr(message, "job_id", ""))
