"""Owns keys and who may speak: CURVE key pairs, the ZAP allow-list, and writing the connection file."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from .client.connection_file import ConnectionFile
from .protocol.errors import ErrorCode, IpokeError

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_ZAP_VERSION = b"1.0"


class SecurityError(IpokeError):
    """Refuses a set-up that would let strangers in."""

    code = ErrorCode.UNREACHABLE


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair as Z85 text. Its text form never shows the secret."""

    public: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> KeyPair:
        """A fresh key pair."""
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode())


def make_server(socket: zmq.Socket[bytes], keys: KeyPair, domain: bytes) -> None:
    """Make `socket` accept only CURVE clients that the gate allows into `domain`; call before bind."""
    socket.curve_server = True
    socket.curve_secretkey = keys.secret.encode()
    socket.curve_publickey = keys.public.encode()
    socket.zap_domain = domain


class Gate:
    """The allow-list: answers libzmq's ZAP requests. It must exist before the first bind, or every key gets in."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ZAP_ENDPOINT)
        self._allowed: set[tuple[bytes, bytes]] = set()

    def allow(self, domain: bytes, public: str) -> None:
        """Let the owner of a public key (Z85 text) into a domain."""
        self._allowed.add((domain, z85.decode(public)))

    def revoke(self, domain: bytes, public: str) -> None:
        """Take the permission back; connections that stand are not cut."""
        self._allowed.discard((domain, z85.decode(public)))

    def answer(self) -> None:
        """Answer every waiting request."""
        while True:
            try:
                request = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self.socket.send_multipart(self._decide(request))

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _decide(self, request: list[bytes]) -> list[bytes]:
        request_id = request[1] if len(request) > 1 else b""
        if len(request) == 7 and request[0] == _ZAP_VERSION and request[5] == b"CURVE":
            domain, key = request[2], request[6]
            if (domain, key) in self._allowed:
                return [_ZAP_VERSION, request_id, b"200", b"OK", z85.encode(key), b""]
        return [_ZAP_VERSION, request_id, b"400", b"not on the allow-list", b"", b""]


def require_loopback(address: str) -> None:
    """Refuse an address that other machines can reach, since no keys were exchanged with any."""
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise SecurityError(f"{address} is not an IP address; use 127.0.0.1.") from error
    if not loopback:
        raise SecurityError(f"{address} can be reached from other machines; only loopback addresses are served.")


def write_connection_file(path: Path, content: ConnectionFile) -> None:
    """Write the file atomically, mode 0600 from its first moment; raises SecurityError."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content.to_json())
        os.replace(half, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        raise SecurityError(f"The connection file {path} can't be written ({error.strerror}); choose another.") from error
