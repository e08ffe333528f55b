"""Owns `ipoke keygen`: keys for a backend that other machines may use, and for the machines that use it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from ..client.connection_file import ConnectionFile
from ..client.private_files import write_private
from ..protocol.version import PROTOCOL_VERSION
from ..security import KEY_CHARACTERS, KeyPair, is_key
from .console import say
from .errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="F", help="where to write (mode 0600)")
    parser.add_argument("--server", metavar="HOST:PORT", help="make a connection file for this backend instead of its keys")
    parser.add_argument("--server-key", metavar="KEY", help="the backend's public key, with --server")


def run(arguments: argparse.Namespace) -> int:
    """Make keys; the public one is printed, the secret one stays in the file."""
    target: Path = arguments.output
    if os.path.lexists(target):
        raise UsageError(f"{target} exists; keys are not overwritten, choose another file with -o.")
    if bool(arguments.server) != bool(arguments.server_key):
        raise UsageError("--server and --server-key belong together; give both, or none for a backend's own keys.")
    keys = KeyPair.new()
    if arguments.server:
        text = _connection(arguments.server, arguments.server_key, keys).to_json()
    else:
        text = json.dumps({"public": keys.public, "secret": keys.secret}) + "\n"
    write_private(target, text)
    say(keys.public)
    return 0


def _connection(server: str, server_key: str, keys: KeyPair) -> ConnectionFile:
    host, _, port = server.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and len(port) <= 5) or not 0 < int(port) < 65536:
        raise UsageError(f"--server {server} is not HOST:PORT, such as workstation:5599.")
    if ":" in host:
        raise UsageError(f"{host} is an IPv6 address, and a backend speaks IPv4 only; use its name or its IPv4 address.")
    if not is_key(server_key):
        raise UsageError(f"--server-key is not a public key of {KEY_CHARACTERS} characters; copy what `ipoke keygen` printed.")
    return ConnectionFile(PROTOCOL_VERSION, host, int(port), server_key, keys.public, keys.secret, pid=0)
