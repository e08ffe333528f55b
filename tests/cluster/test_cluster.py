"""Workers on a real Ray cluster of two nodes: both work, and a node, the helper or the front that dies costs nobody a job."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from backend.client import Connected, Finished, FrameArrived, Launcher, LocalBackend, Session, Started, Status, drive
from tests.faults.fake_worker import Fault
from tests.faults.serve_with_fake_worker import CHANGES
from tests.faults.work import ENDINGS, TIMEOUT_S, Taken, expected, request
from tests.machine import RUN
from tests.processes import eventually, is_alive, processes_with

from .ray_cluster import PROJECT, TwoNodes

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ipoke[ray]'")
pytestmark = pytest.mark.timeout(300)
HELPER = "backend.front.cluster.helper"


def helpers() -> list[int]:
    """Ids of this run's own helpers; others may test on the same machine."""
    return processes_with(HELPER, os.environ[RUN])


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    cluster = TwoNodes()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def backend(cluster, tmp_path_factory) -> Iterator[LocalBackend]:
    """A backend, whose worker is the fake one. It lives through all tests: each leaves it with both workers up.

    Ray waits half a minute for the return of a client that was killed, here a second.
    """
    folder = tmp_path_factory.mktemp("cluster")
    (folder / CHANGES).write_text(json.dumps({"cluster": {"address": cluster.address}}))
    environment = {"PYTHONPATH": str(PROJECT), "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "1"}
    launcher = Launcher([sys.executable, "-m", "tests.faults.serve_with_fake_worker", str(folder)], folder / "run", environment)
    backend = LocalBackend(launcher)
    drive(backend, lambda event: isinstance(event, Connected), TIMEOUT_S)
    wait_for_workers(backend.session)
    yield backend
    backend.close()
    eventually(lambda: not (processes_with(str(folder)) or helpers()), "a process outlived the backend")


def wait_for_workers(session: Session) -> None:
    def are_up() -> bool:
        session.ask_status()
        status = drive(session, lambda event: isinstance(event, Status), TIMEOUT_S)
        return isinstance(status, Status) and sum(worker.is_up for worker in status.workers) == 2

    eventually(are_up, "a worker is not up", TIMEOUT_S)


class Load:
    """Jobs that are submitted together, what they bring, and how many of them ran at the same time."""

    def __init__(self, jobs: int) -> None:
        self._asked = [request(Fault.SLOW, samples=2) for _ in range(jobs)]
        self._taken = {one.job_id: Taken() for one in self._asked}
        self._running: set[str] = set()
        self.most_together = 0

    def run(self, backend: LocalBackend, at_first_frame=lambda: None) -> None:
        todo = [at_first_frame]

        def take(event) -> None:
            if getattr(event, "job_id", None) in self._taken:
                self._taken[event.job_id].take(event)
            if isinstance(event, Started):
                self._running.add(event.job_id)
            elif isinstance(event, ENDINGS):
                self._running.discard(event.job_id)
            self.most_together = max(self.most_together, len(self._running))
            if isinstance(event, FrameArrived) and todo:
                todo.pop()()

        for one in self._asked:
            backend.session.submit(one)
        drive(backend, lambda event: isinstance(event, ENDINGS) and not backend.session.open_jobs, TIMEOUT_S, take)

    @property
    def restarts(self) -> int:
        return sum(len(taken.restarts) for taken in self._taken.values())

    def check(self) -> None:
        """Each job ended exactly once, well, and with the right bytes."""
        for taken in self._taken.values():
            assert [type(event) for event in taken.events if isinstance(event, ENDINGS)] == [Finished]
            assert taken.frames == expected(Fault.SLOW, samples=2)


def test_both_nodes_work_and_a_node_killed_under_load_costs_no_job(backend, cluster):
    load = Load(4)
    load.run(backend)
    load.check()
    assert load.most_together == 2
    load = Load(6)
    load.run(backend, cluster.kill_node)
    load.check()
    assert load.restarts >= 1
    cluster.add_node()
    wait_for_workers(backend.session)


def test_a_killed_helper_is_started_again_and_costs_no_job(backend):
    def kill_helper() -> None:
        (helper,) = helpers()
        os.kill(helper, signal.SIGKILL)

    load = Load(2)
    load.run(backend, kill_helper)
    load.check()
    assert load.restarts >= 1
    wait_for_workers(backend.session)


def test_a_killed_front_takes_workers_and_helper_along(backend):
    front, helper = backend.launcher.pid, helpers()
    workers = processes_with("tests.faults.fake_worker", os.environ[RUN])
    assert (len(workers), len(helper)) == (2, 1)
    os.kill(front, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, [front, *workers, *helper])), "a process outlived the front")
