"""Owns the errors about plates."""

from __future__ import annotations

from ..protocol.errors import ErrorCode, IpokeError


class PlateError(IpokeError):
    """The still can't be used."""

    code = ErrorCode.BAD_PLATE


class RegionError(IpokeError):
    """The region does not fit the plate or the pokes."""

    code = ErrorCode.BAD_REGION
