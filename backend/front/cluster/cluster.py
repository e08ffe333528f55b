"""Owns the front process's side of a cluster: the helper process, and the workers that it starts. Never waits, but for the
first connection.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from ...child_python import python_environment
from ...config import ClusterConfig
from ...protocol import limits
from ...protocol.errors import ErrorCode, IpokeError
from ...worker_link import Meeting
from ..workers.process import Admit
from .helper_protocol import Admitted, Ended, HelperMessage, Kill, Placed, Places, Start, Unusable, from_line, to_line

_LOG = logging.getLogger("ipoke.cluster")
_CLOSE_S = 2.0
# Workers wait meanwhile, as for a node: a cluster that is started anew finds its backend waiting.
_AGAIN_S = 15.0
HELPER = (sys.executable, "-P", "-m", "backend.front.cluster.helper")


class ClusterError(IpokeError):
    """The cluster can't be used."""

    code = ErrorCode.UNREACHABLE


class Cluster:
    """Workers on the nodes of a cluster. The helper is started again when it has ended and a worker is wanted."""

    def __init__(self, config: ClusterConfig, worker_command: Sequence[str], helper: Sequence[str] = HELPER) -> None:
        """Connect; raises ClusterError within `config.connect_s`."""
        self._command = (*helper, config.address)
        self._worker_command = tuple(worker_command[1:])
        self._workers: dict[int, ClusterWorker] = {}
        self._serials = itertools.count()
        self._unsaid: list[Start] = []
        self._why = ""
        self._is_connected = False
        self._helper = _Helper(self._command)
        self._began_s = time.monotonic()
        try:
            places = self._connected(config)
            self.address = config.worker_address or places.address
            _require_own(self.address)
        except ClusterError:
            self._helper.kill()
            raise
        self.workers = min(places.count, config.workers or places.count, limits.WORKERS)
        _LOG.info("the cluster %s has room for %d workers, %d are used", config.address, places.count, self.workers)

    def start(self, number: int, meeting: Meeting, admit: Admit) -> ClusterWorker:
        """Start a worker on some node, as soon as one has room."""
        serial = next(self._serials)
        worker = self._workers[serial] = ClusterWorker(self, serial, admit)
        self._unsaid.append(Start(serial, number, meeting.endpoint, meeting.server_public, self._worker_command))
        return worker

    def poll(self) -> None:
        """Take in what the helper said."""
        was_over = self._helper.is_over
        while (message := self._helper.hear(0.0)) is not None:
            match message:
                case Placed(serial=serial, node=node, public=public) if serial in self._workers:
                    self._workers[serial].placed(node, public)
                    self._helper.say(Admitted(serial))
                case Ended(serial=serial, sentence=sentence) if serial in self._workers:
                    self._workers.pop(serial).end(sentence)
                case Places():
                    self._is_connected = True
                case Unusable(sentence=sentence):
                    self._why = sentence
        if was_over:
            self._end_workers(f"The connection to the cluster ended. {self._why}".strip())
            self._start_helper_again()
        elif self._is_connected:
            self._say_starts()

    def forget(self, serial: int) -> None:
        """A worker is not wanted any more."""
        if self._workers.pop(serial, None) is not None:
            self._unsaid = [start for start in self._unsaid if start.serial != serial]
            self._helper.say(Kill(serial))

    def close(self) -> None:
        """Let the helper end, which kills its workers."""
        self._helper.close()

    def _say_starts(self) -> None:
        for start in self._unsaid:
            self._helper.say(start)
        self._unsaid.clear()

    def _end_workers(self, sentence: str) -> None:
        unsaid = {start.serial for start in self._unsaid}
        for serial in self._workers.keys() - unsaid:
            self._workers.pop(serial).end(sentence)

    def _start_helper_again(self) -> None:
        if self._unsaid and time.monotonic() - self._began_s > _AGAIN_S:
            self._helper.kill()
            self._is_connected = False
            self._helper = _Helper(self._command)
            self._began_s = time.monotonic()

    def _connected(self, config: ClusterConfig) -> Places:
        message = self._helper.hear(config.connect_s)
        if isinstance(message, Places):
            self._is_connected = True
            return message
        if isinstance(message, Unusable):
            raise ClusterError(message.sentence)
        what = "The cluster's helper ended; see the log" if self._helper.is_over else f"No answer within {config.connect_s:.0f} s"
        raise ClusterError(f"{what}: the cluster {config.address} can't be used; is the address right, and does Ray run there?")


class ClusterWorker:
    """A worker on a node, or on its way to one."""

    pid = None

    def __init__(self, cluster: Cluster, serial: int, admit: Admit) -> None:
        self.name = "on a node of the cluster"
        self._cluster = cluster
        self._serial = serial
        self._admit = admit
        self._ending: str | None = None

    def ending(self) -> str | None:
        """How it ended, None while it runs or waits for a node."""
        return self._ending

    def kill(self) -> None:
        """End it, without waiting for that."""
        self._cluster.forget(self._serial)

    def placed(self, node: str, public: str) -> None:
        """It has a node now and waits to be admitted."""
        _LOG.info("a worker starts on node %s", node)
        self._admit(public)

    def end(self, sentence: str) -> None:
        """It is gone."""
        self._ending = sentence


class _Helper:
    """The process that holds the connection to the cluster, and the lines from and to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=python_environment())
        assert self._process.stdout is not None
        self._messages: queue.SimpleQueue[HelperMessage | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), name="cluster-helper", daemon=True)
        self._reader.start()

    @property
    def is_over(self) -> bool:
        """True when everything that it said was read and nothing more will come."""
        return not self._reader.is_alive()

    def hear(self, limit_s: float) -> HelperMessage | None:
        """Its next message; None when there is none in time, or none will come."""
        try:
            return self._messages.get(timeout=limit_s) if limit_s else self._messages.get_nowait()
        except queue.Empty:
            return None

    def say(self, message: HelperMessage) -> None:
        """Tell it something; nobody hears it when it is over."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(to_line(message))
            self._process.stdin.flush()

    def close(self) -> None:
        """Let it end, and don't wait long: it kills itself when it can't."""
        self._close_stdin()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_S)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._close_stdin()

    def _close_stdin(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                self._messages.put(from_line(line))
        self._messages.put(None)


def _require_own(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            sentence = f"{address} is no address of this machine ({error.strerror}); name one that nodes reach: --worker-address."
            raise ClusterError(sentence) from error
