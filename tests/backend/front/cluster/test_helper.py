"""What the helper tells of nodes that fail, with a Ray that does what the test says. `tests/cluster` has a real one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from backend.front.cluster import helper as module
from backend.front.cluster import node
from backend.front.cluster.helper import Helper
from backend.front.cluster.helper_protocol import Admitted, Ended, Kill, Placed, Start

START = Start(7, 0, "tcp://10.0.0.1:5000", "server's key", ("-m", "backend.worker.main"))
OFFER = (node.VERSION, "worker's key")


class Actor:
    """Each call is answered at once with what `answers` has for it; a call without an answer does not return."""

    def __init__(self, answers: dict[str, object]) -> None:
        for step in ("offer", "run"):
            setattr(self, step, SimpleNamespace(remote=lambda *arguments, step=step: answers.get(step, "pending")))


class FakeRay:
    def __init__(self, **answers: object) -> None:
        self.rows = [{"NodeID": "n", "NodeManagerAddress": "10.0.0.2", "Alive": True, "Resources": {"CPU": 1.0}}]
        self.killed: list[Actor] = []
        self._answers = answers

    def nodes(self) -> list[dict]:
        return self.rows

    def remote(self, **_needs):
        return lambda _class: self

    def options(self, **_strategy):
        return SimpleNamespace(remote=lambda: Actor(self._answers))

    def wait(self, calls, num_returns, timeout):
        return [call for call in calls if call != "pending"][:num_returns], []

    def get(self, call):
        if isinstance(call, Exception):
            raise call
        return call

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(module, "place_on", lambda _node: None)
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)


def said(ray: FakeRay, turns: int = 4, *, words=(START,)) -> list:
    told: list = []
    helper = Helper(ray, told.append)
    for word in words:
        helper.obey(word)
    for _ in range(turns):
        helper.turn()
        if told and isinstance(told[-1], Placed):
            helper.obey(Admitted(told[-1].serial))
    return told


def test_a_worker_that_starts_is_told_with_its_public_key():
    ray = FakeRay(offer=OFFER)
    assert said(ray) == [Placed(7, "10.0.0.2", "worker's key")]
    assert not ray.killed


def test_a_worker_that_ends_says_where_and_how():
    ray = FakeRay(offer=OFFER, run="The worker ended with code 3.")
    assert said(ray)[1:] == [Ended(7, "Node 10.0.0.2: The worker ended with code 3.")]
    assert len(ray.killed) == 1


def test_a_node_with_another_ipoke_is_named_with_both_versions():
    (ended,) = said(FakeRay(offer=("0.0.9 (protocol 1)", "worker's key")))
    assert "0.0.9 (protocol 1)" in ended.sentence
    assert node.VERSION in ended.sentence
    assert "install the same on both" in ended.sentence


def test_a_node_without_ipoke_is_named():
    error = RuntimeError("Traceback:\n  File x\nModuleNotFoundError: No module named 'backend'")
    (ended,) = said(FakeRay(offer=error))
    assert ended.sentence == "Node 10.0.0.2: its Python has no ipoke; install ipoke on every node."


def test_a_node_that_dies_ends_its_worker_with_rays_own_last_line():
    error = RuntimeError("The actor died.\n\tclass_name: NodeWorker\nIts node has died.\n")
    assert said(FakeRay(offer=error)) == [Ended(7, "Node 10.0.0.2: Its node has died.")]


def test_a_worker_without_a_place_waits_until_a_node_comes():
    ray = FakeRay(offer=OFFER)
    rows, ray.rows = ray.rows, []
    told: list = []
    helper = Helper(ray, told.append)
    helper.obey(START)
    helper.turn()
    assert (told, helper.capacity()) == ([], 0)
    ray.rows = rows
    helper.obey(Start(8, 1, "", "", ()))
    for _ in range(4):
        helper.turn()
    assert told == [Placed(7, "10.0.0.2", "worker's key")]


def test_a_worker_that_is_not_wanted_any_more_is_killed_or_never_placed():
    ray = FakeRay()
    assert said(ray, words=(START, Kill(7))) == []
    assert not ray.killed
    told: list = []
    helper = Helper(ray, told.append)
    helper.obey(START)
    helper.turn()
    helper.obey(Kill(7))
    assert len(ray.killed) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'ray'"), "pip install 'ipoke[ray]'"),
        (ConnectionError("ray client connection timeout"), "can't be reached (ray client connection timeout)"),
        (ConnectionRefusedError(111, "Connection refused"), "can't be reached (Connection refused)"),
        (RuntimeError("Version mismatch: The cluster was started with:\n Ray: 1\n"), "another version of Ray or Python"),
    ],
)
def test_a_cluster_that_can_not_be_used_is_explained_in_a_sentence(error, words):
    sentence = module.why_unusable("ray://10.0.0.9:10001", error)
    assert words in sentence
    assert "\n" not in sentence
