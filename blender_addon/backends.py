"""Owns the choice of the backend: one that runs already, or a child of this process."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import bpy

from . import preferences
from ._vendor.client import (
    ConnectionFile,
    Launcher,
    LocalBackend,
    default_runtime_dir,
    find_backend,
)
from .core.link import Fix, NoBackendError, RemoteBackend
from .core.runtime import Backend

BACKEND_VARIABLE = "IPOKE_BACKEND"


def open_backend() -> Backend:
    """Start the backend as a child, or connect to the one in the preferences; raises `IpokeError`."""
    chosen = preferences.get()
    if chosen.connection_file:
        return _remote(Path(bpy.path.abspath(chosen.connection_file)))
    wish = bpy.path.abspath(chosen.backend_path) if chosen.backend_path else os.environ.get(BACKEND_VARIABLE)
    command = find_backend(wish)
    if command is None:
        where = f"at {wish}" if wish else "on this machine"
        sentence = f"No backend was found {where}; install it, or set its path in the add-on's preferences."
        raise NoBackendError(sentence, Fix.PREFERENCES)
    return LocalBackend(Launcher(command, default_runtime_dir()))


def _remote(file: Path) -> RemoteBackend:
    if not _is_loopback(ConnectionFile.read(file).address) and not bpy.app.online_access:
        sentence = "The backend runs on another machine; allow online access in Blender's System preferences."
        raise NoBackendError(sentence, Fix.ONLINE_ACCESS)
    return RemoteBackend(file)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
