"""Owns how the command line says where workers run: a number of processes here, or a Ray cluster."""

from __future__ import annotations

import ipaddress
import re

from ..config import ClusterConfig
from ..protocol import limits
from .errors import UsageError

CLUSTERS = "ray://HOST:10001, HOST:6379, or ray for the one that this machine is part of"
_ADDRESS = re.compile(r"(ray://)?[A-Za-z0-9][A-Za-z0-9.-]*:(?P<port>\d{1,5})")


def read_workers(words: str, most: int | None, own_address: str | None) -> tuple[int, ClusterConfig | None]:
    """Number of processes on this machine, and the cluster if one is named; raises UsageError."""
    if re.fullmatch(r"-?\d+", words):
        if not 1 <= int(words) <= limits.WORKERS:
            raise UsageError(f"--workers must be between 1 and {limits.WORKERS}, not {words}.")
        if most is not None or own_address is not None:
            raise UsageError("--max-workers and --worker-address are for a cluster; name it: --workers ray://HOST:10001.")
        return int(words), None
    if most is not None and not 1 <= most <= limits.WORKERS:
        raise UsageError(f"--max-workers must be between 1 and {limits.WORKERS}, not {most}.")
    return 1, ClusterConfig(read_cluster(words), _own(own_address), most)


def read_cluster(words: str) -> str:
    """The address of a cluster; raises UsageError."""
    if words == "ray":
        return words
    match = _ADDRESS.fullmatch(words)
    if match is None or not 0 < int(match["port"]) <= 65535:
        raise UsageError(f"{words} is neither a number of workers nor a cluster: {CLUSTERS}.")
    return words


def _own(address: str | None) -> str | None:
    if address is None:
        return None
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError as error:
        raise UsageError(f"--worker-address takes an IPv4 address of this machine, not {address}.") from error
    if parsed.is_unspecified:
        raise UsageError("--worker-address must be one address, the one that the nodes reach; 0.0.0.0 is every address.")
    return address
