"""Owns what runs on a node: an actor that starts a worker there and waits for its end. No Ray, no torch.

Ray kills the actor when the helper goes, and the worker ends with the actor since its standard input ends. The actor
makes the worker's keys and tells the public one: no secret travels over Ray's connections, which are not encrypted
unless the cluster is set up so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ...protocol.version import PRODUCT_VERSION, PROTOCOL_VERSION
from ...security import KeyPair
from ...worker_link import Meeting
from ..workers.process import LocalWorker

VERSION = f"{PRODUCT_VERSION} (protocol {PROTOCOL_VERSION})"


class NodeWorker:
    """The actor."""

    def __init__(self) -> None:
        self._keys = KeyPair.new()

    def offer(self) -> tuple[str, str]:
        """Which ipoke the node has, and the public key of its worker to be."""
        return VERSION, self._keys.public

    def run(self, command: Sequence[str], number: int, endpoint: str, server_public: str) -> str:
        """Run the worker with this node's Python until it ends; says how it did."""
        meeting = Meeting(endpoint, server_public)
        return LocalWorker((sys.executable, *command), number, meeting, self._keys, ends_with_link=True).wait()
