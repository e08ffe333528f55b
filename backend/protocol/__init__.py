"""The wire protocol, shared by backend and every client. Standard library, msgpack and relative imports only."""

from __future__ import annotations

from .codec import Envelope, decode, encode
from .errors import ErrorCode, IpokeError, ProtocolError
from .messages import ErrorInfo, JobSummary, ModelEntry, OutputSize, Poke, Region, ServerInfo
from .version import PRODUCT_VERSION, PROTOCOL_VERSION

__all__ = [
    "PRODUCT_VERSION",
    "PROTOCOL_VERSION",
    "Envelope",
    "ErrorCode",
    "ErrorInfo",
    "IpokeError",
    "JobSummary",
    "ModelEntry",
    "OutputSize",
    "Poke",
    "ProtocolError",
    "Region",
    "ServerInfo",
    "decode",
    "encode",
]
