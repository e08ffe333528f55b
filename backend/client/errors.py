"""Owns the client's errors."""

from __future__ import annotations

from ..protocol.errors import ErrorCode, IpokeError


class LinkError(IpokeError):
    """There is no way to reach a backend: the connection file is missing, damaged or of another version."""

    code = ErrorCode.UNREACHABLE


class LaunchError(IpokeError):
    """A backend could not be started."""

    code = ErrorCode.UNREACHABLE


class DriveTimeoutError(IpokeError):
    """The awaited event did not come in time."""

    code = ErrorCode.UNREACHABLE
