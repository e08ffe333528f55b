"""Owns the process that holds the connection to a Ray cluster: the only module that imports Ray.

    python -m backend.front.cluster.helper ADDRESS

Ray's calls may wait for minutes when a node or the network fails, so they are kept out of the front process. Words come
over standard input and go out over standard output, see `helper_protocol`. When standard input ends, the workers are killed and
this process ends; when a call of Ray's does not come back, this process ends without it, and Ray kills the workers.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from . import node, placement
from .helper_protocol import Admitted, Ended, HelperMessage, Kill, Placed, Places, Start, Unusable, from_line, to_line

_TURN_S = 0.2
_LOOK_S = 1.0
_STUCK_S = 60.0
_END_S = 5.0
_PROBE_S = 10.0
THIS_CLUSTER = "ray"
_NO_RAY = "Ray is not installed here; install it with pip install 'ipoke[ray]', in the version that the cluster has."


@dataclass(slots=True)
class _Placed:
    """A worker on a node, and the one call of its actor that has not returned yet; None while it waits to be admitted."""

    start: Start
    node: placement.Node
    actor: Any
    call: Any
    is_running: bool = False


class Helper:
    """Starts workers where there is room and tells what becomes of them."""

    def __init__(self, ray: Any, say: Callable[[HelperMessage], None]) -> None:
        self._ray = ray
        self._say = say
        self._needs = placement.needs_in(ray.nodes())
        self._waiting: dict[int, Start] = {}
        self._workers: dict[int, _Placed] = {}
        self._looked_s = 0.0

    def capacity(self) -> int:
        """How many workers the cluster has room for."""
        return sum(one.places for one in placement.nodes_for(self._needs, self._ray.nodes()))

    def obey(self, message: HelperMessage) -> None:
        """Do what the front process says."""
        if isinstance(message, Start):
            self._waiting[message.serial] = message
            self._looked_s = 0.0
        elif isinstance(message, Admitted) and message.serial in self._workers:
            self._run(self._workers[message.serial])
        elif isinstance(message, Kill):
            self._waiting.pop(message.serial, None)
            self._drop(message.serial)

    def turn(self) -> None:
        """Place who waits, and hear what the actors' calls returned."""
        if self._waiting and time.monotonic() - self._looked_s > _LOOK_S:
            self._place()
            self._looked_s = time.monotonic()
        calls = {worker.call: serial for serial, worker in self._workers.items() if worker.call is not None}
        if calls:
            for call in self._ray.wait(list(calls), num_returns=1, timeout=_TURN_S)[0]:
                self._returned(calls[call])
        else:
            time.sleep(_TURN_S)

    def end(self) -> None:
        """Kill every worker."""
        for serial in list(self._workers):
            self._drop(serial)

    def _place(self) -> None:
        nodes = placement.nodes_for(self._needs, self._ray.nodes())
        for serial, start in list(self._waiting.items()):
            free = placement.free_node(nodes, [worker.node.node_id for worker in self._workers.values()])
            if free is None:
                return
            make = self._ray.remote(num_cpus=self._needs.processors, num_gpus=self._needs.gpus)(node.NodeWorker)
            actor = make.options(scheduling_strategy=place_on(free)).remote()
            del self._waiting[serial]
            self._workers[serial] = _Placed(start, free, actor, actor.offer.remote())

    def _returned(self, serial: int) -> None:
        worker = self._workers[serial]
        try:
            value = self._ray.get(worker.call)
        except Exception as error:  # whatever Ray raises: the worker is gone, and the front process must hear of it
            self._gone(serial, _sentence(error))
            return
        if worker.is_running:
            self._gone(serial, value)
            return
        version, public = value
        if version == node.VERSION:
            worker.call = None
            self._say(Placed(serial, worker.node.name, public))
        else:
            self._gone(serial, f"it has ipoke {version} and this machine {node.VERSION}; install the same on both.")

    def _run(self, worker: _Placed) -> None:
        start = worker.start
        worker.is_running = True
        worker.call = worker.actor.run.remote(start.command, start.number, start.endpoint, start.server_public)

    def _gone(self, serial: int, sentence: str) -> None:
        self._say(Ended(serial, f"Node {self._workers[serial].node.name}: {sentence}"))
        self._drop(serial)

    def _drop(self, serial: int) -> None:
        worker = self._workers.pop(serial, None)
        if worker is not None:
            self._ray.kill(worker.actor)


def _sentence(error: Exception) -> str:
    text = str(error)
    if "No module named 'backend'" in text or "No module named 'zmq'" in text:
        return "its Python has no ipoke; install ipoke on every node."
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), type(error).__name__)


def place_on(free: placement.Node) -> Any:
    """Ray's word for: on this node and no other."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(free.node_id, soft=False)


def connect(address: str) -> tuple[Any, str]:
    """Ray, connected, and this machine's address on the way there; raises OSError, ImportError and what Ray raises."""
    import ray

    if address == THIS_CLUSTER:
        ray.init("auto", namespace="ipoke", logging_level=logging.WARNING)
        return ray, str(ray.util.get_node_ip_address())
    target = urlsplit(address if "//" in address else f"//{address}")
    with socket.create_connection((target.hostname, target.port), _PROBE_S) as probe:
        own_address = str(probe.getsockname()[0])
    ray.init(address, namespace="ipoke", logging_level=logging.WARNING)
    return ray, own_address


def main(address: str) -> int:
    """Serve the front process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever Ray prints goes to the log.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    messages: queue.SimpleQueue[HelperMessage] = queue.SimpleQueue()
    ended, alive = threading.Event(), threading.Event()
    threading.Thread(target=_read, args=(messages, ended), daemon=True).start()
    threading.Thread(target=_end_when_stuck, args=(alive,), daemon=True).start()
    try:
        serve(address, out, messages, ended, alive)
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and its own
        _say(out, Unusable(why_unusable(address, error)))
        return 1
    return 0


def serve(
    address: str, out: IO[bytes], messages: queue.SimpleQueue[HelperMessage], ended: threading.Event, alive: threading.Event
) -> None:
    """Connect, obey until `ended` is set, clean up; sets `alive` again and again. Raises what Ray raises."""
    ray, own_address = connect(address)
    helper = Helper(ray, lambda message: _say(out, message))
    if helper.capacity():
        _say(out, Places(helper.capacity(), own_address))
    else:
        _say(out, Unusable(f"The cluster {address} has no node with a processor for a worker; add one to it."))
        return
    while not ended.is_set():
        alive.set()
        while not messages.empty():
            helper.obey(messages.get())
        helper.turn()
    helper.end()
    ray.shutdown()


def _say(out: IO[bytes], message: HelperMessage) -> None:
    with contextlib.suppress(BrokenPipeError):  # the front process is gone, as the end of standard input says too
        out.write(to_line(message))
        out.flush()


def why_unusable(address: str, error: Exception) -> str:
    """The sentence for what `serve` raised."""
    if isinstance(error, ImportError):
        return _NO_RAY
    text = (error.strerror if isinstance(error, OSError) else None) or str(error).strip() or type(error).__name__
    first = text.splitlines()[0].split(". ")[0]
    if "ersion mismatch" in str(error):
        return f"The cluster {address} has another version of Ray or Python than this machine; install the same on both. {first}"
    return f"The cluster {address} can't be reached ({first}); is the address right, and does Ray run there?"


def _read(messages: queue.SimpleQueue[HelperMessage], ended: threading.Event) -> None:
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as lines:
        for line in lines:
            messages.put(from_line(line))
    ended.set()
    time.sleep(_END_S)
    os._exit(1)


def _end_when_stuck(alive: threading.Event) -> None:
    while alive.wait(_STUCK_S):
        alive.clear()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
