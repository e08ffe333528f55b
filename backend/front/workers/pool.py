"""Owns all workers of a backend: hears them, and tells those that have nothing to do to release their memory. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import zmq

from ...config import BackendConfig
from ...protocol.codec import Envelope
from ...protocol.messages import ErrorInfo, Message, ReleaseMemory
from ...security import Gate
from ...worker_memory import default_limit_mb
from ..cluster.cluster import Cluster
from .host import Died, GaveUp, WorkerHost
from .process import ThisMachine, Workplace


@dataclass(frozen=True, slots=True)
class WorkerSaid:
    """A message of a worker."""

    worker: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """A worker is gone; another takes its number, at once or later."""

    worker: int


@dataclass(frozen=True, slots=True)
class WorkersGaveUp:
    """No worker is left and none came up when it was tried again and again; it stays so until one is ready."""

    error: ErrorInfo


PoolEvent = WorkerSaid | WorkerDied | WorkersGaveUp


class WorkerPool:
    """Keeps as many workers running as their workplace has room for."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, config: BackendConfig) -> None:
        """Raises ClusterError when the workers are to run on a cluster that can't be used."""
        self._place = _workplace(config)
        self.workers = [WorkerHost(context, gate, config, self._place, number) for number in range(self._place.workers)]
        self._unload_s = config.unload_s

    @property
    def sockets(self) -> list[zmq.Socket[bytes]]:
        """The sockets to poll for the workers' messages."""
        return [worker.socket for worker in self.workers if worker.socket is not None]

    def start(self, now_s: float) -> None:
        """Start every worker."""
        for worker in self.workers:
            worker.start(now_s)

    def send(self, worker: int, message: Message, *raw: bytes) -> None:
        """Send a message to a worker."""
        self.workers[worker].send(message, *raw)

    def poll(self, now_s: float) -> list[PoolEvent]:
        """Hear the workers and look after them."""
        self._place.poll()
        events: list[PoolEvent] = []
        for number, worker in enumerate(self.workers):
            for event in worker.poll(now_s):
                match event:
                    case Died():
                        events.append(WorkerDied(number))
                    case GaveUp(error=error):
                        events.append(WorkerDied(number))
                        if all(other.gave_up for other in self.workers):
                            events.append(WorkersGaveUp(error))
                    case envelope:
                        events.append(WorkerSaid(number, envelope))
        return events

    def look_after(self, is_busy: Callable[[int], bool], now_s: float) -> None:
        """Say which workers have a job, and unload those that had none for long."""
        for number, worker in enumerate(self.workers):
            worker.set_busy(is_busy(number), now_s)
            if worker.memory.models and worker.idle_s(now_s) > self._unload_s:
                worker.send(ReleaseMemory())
                worker.note_released()

    def release_memory(self, is_busy: Callable[[int], bool]) -> None:
        """Unload the models of every worker that has no job."""
        for number, worker in enumerate(self.workers):
            if not is_busy(number):
                worker.send(ReleaseMemory())

    def stop(self) -> None:
        """End every worker at once."""
        for worker in self.workers:
            worker.stop()
        self._place.close()


def _workplace(config: BackendConfig) -> Workplace:
    if config.cluster is None:
        memory_mb = default_limit_mb(config.workers) if config.worker_memory_mb is None else config.worker_memory_mb
        return ThisMachine(config.worker_command, config.workers, memory_mb)
    return Cluster(config.cluster, config.worker_command)
