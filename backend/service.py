"""Owns the front process: a ROUTER socket that lets known keys in, decodes, dispatches, sends. Never imports torch."""

from __future__ import annotations

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
from .connection_claim import ConnectionClaim
from .log import keep_small
from .protocol import limits, messages
from .protocol.codec import decode, encode
from .protocol.errors import ErrorCode, IpokeError, ProtocolError
from .protocol.messages import FROM_CLIENT, ErrorInfo, Message, ServerInfo, Work
from .protocol.version import PROTOCOL_VERSION
from .security import Doorkeeper, Gate, KeyPair, make_server
from .status import status
from .worker_pool import WorkerDied, WorkerPool, WorkerSaid, WorkersGaveUp

_LOG = logging.getLogger("ipoke.service")
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
        self._config = config
        self._instance = secrets.token_hex(16)
        self._began_s = time.monotonic()
        self._clients: dict[bytes, Client] = {}
        self._scheduler = jobs.Scheduler()
        self._info: ServerInfo | None = None
        self._broken: ErrorInfo | None = None
        self._claim = ConnectionClaim(config.connection_file)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._gate = Gate(self._context)
            self._door = Doorkeeper(self._gate, config.address, config.key_file, config.allow_list)
            self._pool = WorkerPool(self._context, self._gate, config)
            self._socket = self._context.socket(zmq.ROUTER)
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
        self._socket.maxmsgsize = limits.RAW_BYTES
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
        for socket in (self._gate.socket, self._socket, *self._pool.sockets):
            poller.register(socket, zmq.POLLIN)
        poller.poll(_TICK_MS)
        now_s = time.monotonic()
        self._scheduler.pass_time(now_s)
        if self._door.read_allow_list():
            self._drop_revoked()
        self._gate.answer()
        for _ in range(_MESSAGES_PER_TURN):
            if not self._hear_client(now_s):
                break
        self._hear_workers(now_s)
        for client in list(self._clients.values()):
            self._look_after(client, now_s)
        self._pool.look_after(self._scheduler.is_busy, now_s)
        self._claim.keep(now_s)
        if self._config.log_file is not None:
            keep_small(self._config.log_file)

    # --- clients ---------------------------------------------------------------------------------------------------

    def _hear_client(self, now_s: float) -> bool:
        try:
            frames = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        user = str(frames[-1].get("User-Id"))
        if not self._door.is_allowed(user):
            return True
        routing_id, *parts = [frame.bytes for frame in frames]
        client = self._clients.get(routing_id)
        if client is not None and client.user != user:
            return True
        try:
            envelope = decode(parts, FROM_CLIENT)
        except ProtocolError as error:
            self._refuse(routing_id, error.code, error.sentence)
            return True
        if client is not None:
            client.heard_at = now_s
        self._handle(routing_id, user, envelope.message, envelope.raw, now_s)
        return True

    def _handle(self, routing_id: bytes, user: str, message: Message, raw: tuple[bytes, ...], now_s: float) -> None:
        client = self._clients.get(routing_id)
        if isinstance(message, messages.Hello):
            self._welcome(routing_id, user, now_s)
            return
        if client is None:
            self._send(routing_id, encode(messages.Pong(_STRANGER, 0)))
            return
        match message:
            case messages.Ping(received_bytes=received_bytes):
                client.acknowledge(received_bytes)
                client.flush(self._send)
                self._send(routing_id, encode(messages.Pong(self._instance, client.sent)))
            case messages.Upload(sha256=sha256):
                self._take_upload(client, sha256, raw[0])
            case messages.Sample() | messages.Invert():
                self._submit(client, message)
            case messages.Cancel(job_id=job_id):
                self._do(self._scheduler.cancel(routing_id, job_id))
            case messages.CancelAll(everyone=everyone):
                self._cancel_all(client, everyone)
            case messages.ReleaseMemory():
                self._pool.release_memory(self._scheduler.is_busy)
            case messages.AskStatus():
                self._tell(routing_id, self._status(client, now_s))
            case messages.Bye():
                self._drop(client)

    def _welcome(self, routing_id: bytes, user: str, now_s: float) -> None:
        client = self._clients.get(routing_id)
        if client is None:
            self._make_room(now_s)
            sentence = self._too_many(user)
            if sentence:
                self._refuse(routing_id, ErrorCode.QUOTA, sentence)
                return
            client = self._clients[routing_id] = Client(routing_id, user, now_s, self._config.hold_bytes)
        if self._send(routing_id, encode(messages.Welcome(self._instance))):
            client.restart_counting()
        if self._info is not None:
            self._tell(routing_id, messages.Ready(self._info))
        if self._broken is not None:
            self._tell(routing_id, messages.Refused(self._broken))

    def _too_many(self, user: str) -> str:
        own = sum(client.user == user for client in self._clients.values())
        if not self._door.is_owner(user) and own >= limits.CLIENTS_PER_KEY:
            return f"{own} clients are connected with this key already; close one of them."
        if len(self._clients) >= limits.CLIENTS:
            return f"{limits.CLIENTS} clients are connected already; close one of them."
        return ""

    def _make_room(self, now_s: float) -> None:
        if len(self._clients) >= limits.CLIENTS:
            silent = min(self._clients.values(), key=lambda client: client.heard_at)
            if now_s - silent.heard_at > _SILENT_S:
                self._drop(silent)

    def _submit(self, client: Client, work: Work) -> None:
        missing = {sha256 for sha256 in work.uploads if client.upload(sha256) is None}
        self._do(self._scheduler.submit(client.routing_id, work, missing))

    def _take_upload(self, client: Client, sha256: str, data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() != sha256:
            self._refuse(client.routing_id, ErrorCode.BAD_PLATE, "The file's bytes don't match its hash; send it again.")
            return
        needed = self._scheduler.uploads_of(client.routing_id)
        if client.keep_upload(sha256, data, needed):
            self._do(self._scheduler.upload_arrived(client.routing_id, sha256))
        else:
            sentence = "The files of the waiting jobs are larger than 256 MiB together; wait or cancel a job."
            error = ErrorInfo(ErrorCode.QUOTA, sentence)
            self._do(self._scheduler.upload_refused(client.routing_id, sha256, error))

    def _cancel_all(self, client: Client, everyone: bool) -> None:
        if everyone and not self._door.is_owner(client.user):
            self._refuse(client.routing_id, ErrorCode.NOT_ALLOWED, "Only the backend's owner may stop the jobs of others.")
            return
        self._do(self._scheduler.cancel_all(None if everyone else client.routing_id))

    def _status(self, client: Client, now_s: float) -> messages.Status:
        asks = None if self._door.is_owner(client.user) else client
        uptime_s = now_s - self._began_s
        return status(self._info, uptime_s, self._clients.values(), self._pool.workers, self._scheduler, asks, now_s)

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

    def _drop_revoked(self) -> None:
        for client in list(self._clients.values()):
            if not self._door.is_allowed(client.user):
                _LOG.info("a client was dropped, its key is not on the allow-list any more")
                self._drop(client)

    def _drop(self, client: Client) -> None:
        del self._clients[client.routing_id]
        self._do(self._scheduler.drop_client(client.routing_id))

    # --- workers ---------------------------------------------------------------------------------------------------

    def _hear_workers(self, now_s: float) -> None:
        for event in self._pool.poll(now_s):
            match event:
                case WorkerSaid(worker=worker, envelope=envelope):
                    self._worker_said(worker, envelope.message, envelope.raw)
                case WorkerDied(worker=worker):
                    self._do(self._scheduler.worker_died(worker))
                case WorkersGaveUp(error=error):
                    _LOG.error(error.sentence)
                    is_news, self._broken = self._broken is None, error
                    for routing_id in self._clients if is_news else ():
                        self._tell(routing_id, messages.Refused(error))
                    self._do(self._scheduler.give_up(error))

    def _worker_said(self, worker: int, message: Message, raw: tuple[bytes, ...]) -> None:
        if isinstance(message, messages.Ready):
            if self._info is None or self._broken is not None:
                self._info, self._broken = message.info, None
                for routing_id in self._clients:
                    self._tell(routing_id, messages.Ready(message.info))
            self._do(self._scheduler.worker_ready(worker))
        elif isinstance(message, messages.NeedUpload):
            self._hand_over(worker, message.sha256)
        elif not isinstance(message, messages.Memory):
            self._do(self._scheduler.worker_said(worker, message, raw))

    def _hand_over(self, worker: int, sha256: str) -> None:
        job = self._scheduler.job_of(worker)
        client = self._clients.get(job[0]) if job is not None else None
        data = client.upload(sha256) if client is not None else None
        if data is not None:
            self._pool.send(worker, messages.Upload(sha256), data)

    # --- effects ---------------------------------------------------------------------------------------------------

    def _do(self, effects: list[jobs.Effect]) -> None:
        for effect in effects:
            match effect:
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
        if not isinstance(message, messages.Frame | messages.Progress | messages.NeedUpload):
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
