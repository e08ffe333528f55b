"""Owns the connection file: where a backend listens and the keys that open it. Readable by its owner only."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from ..protocol.version import PROTOCOL_VERSION
from .errors import LinkError
from .owned import read_regular

_KEY_CHARACTERS = 40
_PROBE_S = 0.5
_MOST_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class ConnectionFile:
    """Address and CURVE keys (Z85 text) of a running backend."""

    version: int
    address: str
    port: int
    server_public: str
    client_public: str
    client_secret: str
    pid: int

    def __repr__(self) -> str:
        return f"ConnectionFile({self.address}:{self.port}, pid {self.pid})"

    @property
    def endpoint(self) -> str:
        """The ZeroMQ endpoint to connect to."""
        return f"tcp://{self.address}:{self.port}"

    def is_stale(self) -> bool:
        """True when the backend that wrote the file runs no more. Not known of another machine."""
        return self.pid > 0 and not is_running(self.pid, self.address, self.port)

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def read(cls, file: Path) -> ConnectionFile:
        """Read and check a connection file; raises LinkError."""
        try:
            plain = json.loads(read_regular(file, _MOST_BYTES))
        except FileNotFoundError as error:
            raise LinkError(f"There is no connection file {file}; start the backend with `ipoke serve`.") from error
        except (OSError, ValueError, RecursionError) as error:
            raise LinkError(f"The connection file {file} can't be read; restart the backend.") from error
        if not isinstance(plain, dict) or plain.get("version") != PROTOCOL_VERSION:
            raise LinkError(f"The connection file {file} is of another version; install the same version on both sides.")
        text_fields = ("address", "server_public", "client_public", "client_secret")
        number_fields = ("version", "port", "pid")
        good = (
            set(plain) == {*text_fields, *number_fields}
            and all(type(plain[name]) is str for name in text_fields)
            and all(type(plain[name]) is int for name in number_fields)
            and all(len(plain[name]) == _KEY_CHARACTERS and plain[name].isascii() for name in text_fields[1:])
            and plain["address"].isascii()
            and plain["address"].isprintable()
            and 0 < plain["port"] < 2**16
            and 0 <= plain["pid"] < 2**31
        )
        if not good:
            raise LinkError(f"The connection file {file} is damaged; restart the backend.")
        return cls(**plain)


def is_running(pid: int, address: str, port: int) -> bool:
    """Whether a backend of this machine runs still: its process is there, and a loopback port of its is listened on."""
    if os.name == "posix" and not _is_alive(pid):
        return False
    try:
        if not ipaddress.ip_address(address).is_loopback:
            return True
        with socket.create_connection((address, port), _PROBE_S):
            return True
    except ConnectionRefusedError:
        return False
    except (OSError, ValueError, OverflowError):
        return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
