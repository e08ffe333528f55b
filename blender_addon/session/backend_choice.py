"""The choice of the backend: one that runs already, or a child of this process."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import bpy

from .._vendor.client import ConnectionFile, IpokeError, Launcher, LocalBackend, default_runtime_dir, find_backend
from .._vendor.ipoke_values.names import MODELS_VARIABLE
from ..core.jobs.outside_backend import Fix, NoBackendError, RemoteBackend
from ..core.jobs.runtime import Backend
from ..core.setup import environment
from ..scene import preferences

BACKEND_VARIABLE = "IPOKE_BACKEND"
"""Where a backend looks for models beside its own, folders as in PATH."""
PACKAGE_LISTS = Path(__file__).parents[1] / "environment"


def open_backend() -> Backend:
    """Start the backend as a child, or connect to the one in the preferences; raises `IpokeError`."""
    chosen = preferences.get()
    if chosen.connection_file:
        return _remote(Path(bpy.path.abspath(chosen.connection_file)))
    return LocalBackend(Launcher(_command(), default_runtime_dir(), _models_environment(chosen.models_folder)))


def lacking() -> NoBackendError | None:
    """Return why no backend could be started here, before anybody tries to; None where there is one, or one runs elsewhere."""
    if preferences.get().connection_file:
        return None
    try:
        _command()
    except NoBackendError as error:
        return error
    return None


def _command() -> tuple[str, ...]:
    """The backend's command; raises `NoBackendError`."""
    chosen = preferences.get().backend_path
    named = bpy.path.abspath(chosen) if chosen else os.environ.get(BACKEND_VARIABLE)
    managed = environment.managed_python(managed_root())
    command = find_backend(named or (None if managed is None else str(managed)))
    if command is not None:
        return command
    if named:
        sentence = f"No backend was found at {named}; install it, or set its path in the add-on's preferences."
        raise NoBackendError(sentence, Fix.PREFERENCES)
    lost = environment.lost_python(managed_root())
    if lost is not None:
        sentence = f"The backend was set up with {lost}, which is gone; press Set Up Backend to set it up anew."
        raise NoBackendError(sentence, Fix.SET_UP)
    raise NoBackendError("No backend was found on this machine; press Set Up Backend.", Fix.SET_UP)


def managed_root() -> Path:
    """Return the folder of the add-on's own environment for the backend."""
    return Path(bpy.utils.extension_path_user(preferences.ADDON, path="env", create=True))


def _models_environment(folder: str) -> dict[str, str]:
    """The backend's environment, with the artist's folder of models before those that are named there already."""
    if not folder:
        return {}
    given = os.environ.get(MODELS_VARIABLE)
    return {MODELS_VARIABLE: os.pathsep.join([bpy.path.abspath(folder), *([given] if given else [])])}


def _remote(file: Path) -> RemoteBackend:
    try:
        address = ConnectionFile.read(file).address
    except IpokeError as error:
        raise NoBackendError(error.sentence, Fix.PREFERENCES) from error
    if not _is_loopback(address) and not bpy.app.online_access:
        sentence = "The backend runs on another machine; allow online access in Blender's System preferences."
        raise NoBackendError(sentence, Fix.ONLINE_ACCESS)
    return RemoteBackend(file)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
