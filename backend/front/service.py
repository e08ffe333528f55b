"""Owns the front process: a ROUTER socket that lets known keys in, decodes, dispatches, sends. Never imports torch."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import threading
import time

import zmq

from ..client.connection_file import ConnectionFile
from ..config import BackendConfig
from ..log import keep_small
from ..protocol import messages
from ..protocol.codec import Envelope, decode, encode
from ..protocol.errors import ErrorCode, IpokeError, ProtocolError
from ..protocol.messages import FROM_CLIENT, ErrorInfo, Message, ServerInfo, Work
from ..protocol.version import PROTOCOL_VERSION
from ..security import Doorkeeper, Gate, KeyPair, make_server
from ..uploads import piece_bytes
from . import scheduler as jobs
from .admission import has_to_wait, is_lost, one_too_many, too_many, who_makes_room
from .clients import Client
from .connection_claim import ConnectionClaim
from .connections import Connections, Received
from .intake import Intake
from .status import status
from .trimming import Trimmer
from .workers.pool import WorkerDied, WorkerPool, WorkerSaid, WorkersGaveUp

_LOG = logging.getLogger("ipoke.service")
_TICK_MS = 100
_SHORT_TICK_MS = 20
_TRIM_S = 10.0
_STRANGER = "0" * 32
_MESSAGES_PER_TURN = 64


class BindError(IpokeError):
    """The address can't be listened on."""

    code = ErrorCode.UNREACHABLE


class Service:
    """The backend's front process. `run` serves until `stop` is set."""

    def __init__(self, config: BackendConfig) -> None:
        self._config = config
        self._instance = secrets.token_hex(16)
        self._began_s = time.monotonic()
        self._clients: dict[bytes, Client] = {}
        self._scheduler = jobs.Scheduler()
        self._intake = Intake(self._clients.values, self._scheduler)
        self._trimmer = Trimmer(every_s=_TRIM_S)
        self._info: ServerInfo | None = None
        self._broken: ErrorInfo | None = None
        self._claim = ConnectionClaim(config.connection_file)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._gate = Gate(self._context)
            self._door = Doorkeeper(self._gate, config.address, config.key_file, config.allow_list)
            self._pool = WorkerPool(self._context, self._gate, config)
            self._socket = self._context.socket(zmq.ROUTER)
            self._connections = Connections(self._context, self._socket)
        except IpokeError:
            self._context.destroy(linger=0)
            raise

    def run(self, stop: threading.Event) -> None:
        """Listen, write the connection file, serve until `stop` is set, clean up; IpokeError when it can't start."""
        try:
            self._listen()
            self._pool.start(time.monotonic())
            while not stop.is_set():
                self._turn()
        finally:
            self._claim.give_back()
            self._pool.stop()
            self._context.destroy(linger=0)

    def _listen(self) -> None:
        owner = KeyPair.new()
        self._socket.linger = 0
        self._socket.router_mandatory = True
        self._socket.router_handover = True
        make_server(self._socket, self._door.keys, self._door.DOMAIN)
        self._door.let_in_owner(owner.public)
        address, port = self._config.address, self._config.port
        try:
            if port:
                self._socket.bind(f"tcp://{address}:{port}")
            else:
                port = self._socket.bind_to_random_port(f"tcp://{address}")
        except zmq.ZMQError as error:
            raise BindError(_why_not_bound(address, port, error)) from error
        near, server = self._door.loopback_address, self._door.keys.public
        content = ConnectionFile(PROTOCOL_VERSION, near, port, server, owner.public, owner.secret, os.getpid())
        self._claim.take(content)
        _LOG.info("listening on %s:%d, connection file %s", address, port, self._config.connection_file)

    def _turn(self) -> None:
        poller = zmq.Poller()
        for socket in (self._gate.socket, self._connections.socket, self._socket, *self._pool.sockets):
            poller.register(socket, zmq.POLLIN)
        poller.poll(_SHORT_TICK_MS if self._connections.is_holding else _TICK_MS)
        now_s = time.monotonic()
        self._scheduler.pass_time(now_s)
        self._connections.look_after(now_s)
        if self._door.read_allow_list():
            self._drop_revoked()
        self._gate.answer()
        for _ in range(_MESSAGES_PER_TURN):
            if not self._hear_client(now_s):
                break
        self._hear_workers(now_s)
        for client in list(self._clients.values()):
            self._look_after(client, now_s)
        self._give_up(one_too_many(self._clients.values(), now_s))
        self._pool.look_after(self._scheduler.is_busy, now_s)
        self._claim.keep(now_s)
        self._trimmer.trim(now_s)
        if self._config.log_file is not None:
            keep_small(self._config.log_file)

    # --- clients ---------------------------------------------------------------------------------------------------

    def _hear_client(self, now_s: float) -> bool:
        received = self._connections.receive(now_s)
        if received is None:
            return False
        if not self._door.is_allowed(received.user):
            return True
        routing_id, user = received.routing_id, received.user
        client = self._clients.get(routing_id)
        if client is not None and client.user != user:
            return True
        try:
            envelope = decode(received.parts, FROM_CLIENT)
        except ProtocolError as error:
            self._refuse(routing_id, error.code, error.sentence)
            return True
        if client is not None:
            client.heard_at, client.connection = now_s, received.connection
        self._handle(received, envelope, now_s)
        return True

    def _handle(self, received: Received, envelope: Envelope, now_s: float) -> None:
        routing_id, message = received.routing_id, envelope.message
        client = self._clients.get(routing_id)
        if isinstance(message, messages.Hello):
            self._welcome(received, now_s)
            return
        if client is None:
            self._send(routing_id, encode(messages.Pong(_STRANGER, 0)))
            return
        match message:
            case messages.Ping(received_bytes=received_bytes):
                client.acknowledge(received_bytes)
                client.flush(self._send)
                self._send(routing_id, encode(messages.Pong(self._instance, client.sent)))
            case messages.Upload() as upload:
                self._apply(self._intake.take(client, upload, envelope.raw[0], now_s))
            case messages.Sample() | messages.Invert() | messages.FindThing():
                self._submit(client, message)
            case messages.Cancel(job_id=job_id):
                self._apply(self._scheduler.cancel(routing_id, job_id))
            case messages.CancelAll(everyone=everyone):
                self._cancel_all(client, everyone)
            case messages.ReleaseMemory():
                self._pool.release_memory(self._scheduler.is_busy)
            case messages.AskStatus():
                client.asks_status = True
            case messages.Bye():
                self._drop(client)

    def _welcome(self, received: Received, now_s: float) -> None:
        routing_id, user = received.routing_id, received.user
        client = self._clients.get(routing_id)
        if client is None:
            is_owner = self._door.is_owner(user)
            self._give_up(who_makes_room(self._clients.values(), user, is_owner, now_s))
            sentence = too_many(self._clients.values(), user, is_owner)
            if sentence:
                self._refuse(routing_id, ErrorCode.QUOTA, sentence)
                return
            client = Client(routing_id, user, now_s, self._config.hold_bytes, connection=received.connection, read_at=now_s)
            self._clients[routing_id] = client
        if self._send(routing_id, encode(messages.Welcome(self._instance))):
            client.restart_counting()
        if self._info is not None:
            self._tell(routing_id, messages.Ready(self._info))
        if self._broken is not None:
            self._tell(routing_id, messages.Refused(self._broken))
        self._intake.welcome(client, now_s)

    def _submit(self, client: Client, work: Work) -> None:
        missing = {sha256 for sha256 in work.uploads if client.upload(sha256) is None}
        self._apply(self._scheduler.submit(client.routing_id, work, missing))

    def _cancel_all(self, client: Client, everyone: bool) -> None:
        if everyone and not self._door.is_owner(client.user):
            self._refuse(client.routing_id, ErrorCode.NOT_ALLOWED, "Only the backend's owner may stop the jobs of others.")
            return
        self._apply(self._scheduler.cancel_all(None if everyone else client.routing_id))

    def _status(self, client: Client, now_s: float) -> messages.Status:
        asks = None if self._door.is_owner(client.user) else client
        uptime_s = now_s - self._began_s
        return status(self._info, uptime_s, self._clients.values(), self._pool.workers, self._scheduler, asks, now_s)

    def _look_after(self, client: Client, now_s: float) -> None:
        self._apply(self._intake.look_after(client, now_s))
        client.flush(self._send)
        client.note_reading(now_s)
        if client.asks_status and client.has_read_all:
            client.asks_status = False
            self._tell(client.routing_id, self._status(client, now_s))
            client.flush(self._send)
        if client.held != has_to_wait(client, self._clients.values()):
            client.held = not client.held
            change = self._scheduler.hold if client.held else self._scheduler.release
            self._apply(change(client.routing_id))
        if is_lost(client, self._config.client_idle_s, now_s):
            self._give_up(client)

    def _drop_revoked(self) -> None:
        for client in list(self._clients.values()):
            if not self._door.is_allowed(client.user):
                _LOG.info("a client was dropped, its key is not on the allow-list any more")
                self._give_up(client)

    def _give_up(self, client: Client | None) -> None:
        """Forget a client, and close its connection with all that is on its way; when it comes back, it begins anew."""
        if client is not None:
            if client.connection is not None:
                self._connections.cut(client.connection)
            self._drop(client)

    def _drop(self, client: Client) -> None:
        del self._clients[client.routing_id]
        self._apply(self._scheduler.drop_client(client.routing_id))

    # --- workers ---------------------------------------------------------------------------------------------------

    def _hear_workers(self, now_s: float) -> None:
        for event in self._pool.poll(now_s):
            match event:
                case WorkerSaid(worker=worker, envelope=envelope):
                    self._worker_said(worker, envelope.message, envelope.raw)
                case WorkerDied(worker=worker):
                    self._apply(self._scheduler.worker_died(worker))
                case WorkersGaveUp(error=error):
                    _LOG.error(error.sentence)
                    is_news, self._broken = self._broken is None, error
                    for routing_id in self._clients if is_news else ():
                        self._tell(routing_id, messages.Refused(error))
                    self._apply(self._scheduler.give_up(error))

    def _worker_said(self, worker: int, message: Message, raw: tuple[bytes, ...]) -> None:
        if isinstance(message, messages.Ready):
            if self._info is None or self._broken is not None:
                self._info, self._broken = message.info, None
                for routing_id in self._clients:
                    self._tell(routing_id, messages.Ready(message.info))
            self._apply(self._scheduler.worker_ready(worker))
        elif isinstance(message, messages.NeedUpload):
            self._hand_over(worker, message)
        elif not isinstance(message, messages.Memory):
            self._apply(self._scheduler.worker_said(worker, message, raw))

    def _hand_over(self, worker: int, asked: messages.NeedUpload) -> None:
        job = self._scheduler.job_of(worker)
        client = self._clients.get(job[0]) if job is not None else None
        data = client.upload(asked.sha256) if client is not None else None
        if data is not None:
            end = asked.start + piece_bytes(len(data), asked.start)
            piece = bytes(memoryview(data)[asked.start : end])
            self._pool.send(worker, messages.Upload(asked.sha256, len(data), asked.start), piece)

    # --- effects ---------------------------------------------------------------------------------------------------

    def _apply(self, effects: list[jobs.Effect]) -> None:
        for effect in effects:
            match effect:
                case jobs.Tell(client=routing_id, message=messages.NeedUpload(sha256=sha256)):
                    self._intake.want(self._clients[routing_id], sha256, time.monotonic())
                case jobs.Tell(client=routing_id, message=message, raw=raw):
                    self._log_job(message)
                    self._tell(routing_id, message, *raw)
                case jobs.Run(worker=worker, message=work):
                    self._pool.send(worker, work)
                case jobs.Stop(worker=worker, job_id=job_id):
                    self._pool.send(worker, messages.Cancel(job_id))

    def _refuse(self, routing_id: bytes, code: ErrorCode, sentence: str) -> None:
        self._tell(routing_id, messages.Refused(ErrorInfo(code, sentence)))

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


def _why_not_bound(address: str, port: int, error: zmq.ZMQError) -> str:
    where = f"{address}:{port}" if port else address
    if error.errno in (zmq.EADDRNOTAVAIL, errno.ENODEV):
        return f"{address} is no address of this machine; choose one that is with --bind, or 0.0.0.0 for all of them."
    if error.errno == errno.EACCES:
        return f"{where} can't be listened on without more rights; choose a port from 1024 on."
    if error.errno == zmq.EADDRINUSE:
        return f"{where} can't be listened on, another program does; choose another port."
    return f"{where} can't be listened on ({zmq.strerror(error.errno or 0)})."
