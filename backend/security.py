"""Owns keys and who may speak: CURVE key pairs and the ZAP allow-list."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from .protocol.errors import ErrorCode, IpokeError

_LOG = logging.getLogger("ipoke.security")
KEY_CHARACTERS = 40
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
        """A fresh key pair. Its public key can follow an option on a command line: one in 85 begins with '-' and is not taken."""
        while True:
            public, secret = zmq.curve_keypair()
            if not public.startswith(b"-"):
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


class Doorkeeper:
    """Who may speak to the backend: its owner, who reads the connection file, and the keys on the allow-list."""

    DOMAIN = b"client"

    def __init__(self, gate: Gate, address: str, key_file: Path | None, allow_list: Path | None) -> None:
        """Raises SecurityError for an address that others can reach without keys for it, or for files that are no use."""
        if key_file is None or allow_list is None:
            require_loopback(address)
        else:
            require_ipv4(address)
        self._gate = gate
        self._file = allow_list
        self._owner = ""
        self._listed: set[str] = set()
        self._seen: tuple[int, int] | None = None
        self.loopback_address = "127.0.0.1" if address == "0.0.0.0" else address
        self.keys = read_key_file(key_file) if key_file is not None else KeyPair.new()
        if allow_list is not None:
            if not allow_list.is_file():
                raise SecurityError(f"There is no allow-list {allow_list}; write a public key a line into it.")
            self.read_allow_list()

    def let_in_owner(self, public: str) -> None:
        """Let in who holds the connection file's key."""
        self._owner = public
        self._gate.allow(self.DOMAIN, public)

    def is_owner(self, user: str) -> bool:
        """True for the key of the connection file."""
        return user == self._owner

    def is_allowed(self, user: str) -> bool:
        """False for a key that was let in earlier and has been revoked since."""
        return user == self._owner or user in self._listed

    def read_allow_list(self) -> bool:
        """Take over the allow-list if it has changed; says whether a key was revoked."""
        if self._file is None:
            return False
        try:
            stat = self._file.stat()
            if (stat.st_mtime_ns, stat.st_size) == self._seen:
                return False
            self._seen = (stat.st_mtime_ns, stat.st_size)
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            _LOG.warning("the allow-list can't be read (%s); the last one stays", type(error).__name__)
            return False
        listed = {line[:KEY_CHARACTERS] for line in lines if _is_entry(line)}
        bad = [str(number) for number, line in enumerate(lines, start=1) if line.strip() and not _is_entry(line)]
        if bad:
            _LOG.warning("the allow-list has no key of 40 characters in line %s", ", ".join(bad))
        revoked, new = self._listed - listed, listed - self._listed
        for public in revoked:
            self._gate.revoke(self.DOMAIN, public)
        for public in new:
            self._gate.allow(self.DOMAIN, public)
        self._listed = listed
        _LOG.info("the allow-list has %d keys", len(listed))
        return bool(revoked)


def require_ipv4(address: str) -> None:
    """Refuse what is no IPv4 address: the backend and its clients speak no other."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError as error:
        raise SecurityError(f"{address} is not an IP address; use 127.0.0.1, or 0.0.0.0 for every network.") from error
    if version != 4:
        raise SecurityError(f"{address} is an IPv6 address, and only IPv4 is spoken here; use 127.0.0.1, or 0.0.0.0 with keys.")


def require_loopback(address: str) -> None:
    """Refuse an address that other machines can reach, since no keys were exchanged with any."""
    require_ipv4(address)
    if not ipaddress.IPv4Address(address).is_loopback:
        raise SecurityError(f"{address} can be reached from other machines; add --keys and --allow-list, see `ipoke keygen`.")


def read_key_file(path: Path) -> KeyPair:
    """The keys that `ipoke keygen` wrote; raises SecurityError."""
    try:
        others_may_read = os.name == "posix" and path.stat().st_mode & 0o077
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SecurityError(f"The key file {path} can't be read; make one with `ipoke keygen -o {path}`.") from error
    if others_may_read:
        raise SecurityError(f"The key file {path} can be read by others; run `chmod 600 {path}`.")
    if not (isinstance(plain, dict) and set(plain) == {"public", "secret"} and all(is_key(key) for key in plain.values())):
        raise SecurityError(f"{path} is no key file; make one with `ipoke keygen`.")
    keys = KeyPair(**plain)
    if zmq.curve_public(keys.secret.encode()).decode() != keys.public:
        raise SecurityError(f"The keys in {path} don't belong together; make new ones with `ipoke keygen`.")
    return keys


def is_key(text: object) -> bool:
    """True for a CURVE key as Z85 text."""
    if not isinstance(text, str) or len(text) != KEY_CHARACTERS or not text.isascii():
        return False
    try:
        return z85.encode(z85.decode(text)) == text.encode()
    except (ValueError, KeyError, struct.error):
        return False


def _is_entry(line: str) -> bool:
    return is_key(line[:KEY_CHARACTERS]) and not line[KEY_CHARACTERS : KEY_CHARACTERS + 1].strip()
