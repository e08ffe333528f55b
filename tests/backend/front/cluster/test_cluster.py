"""The front process's side of a cluster, with helpers that are programs of a line or two. `tests/cluster` has the real one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest

from backend.config import ClusterConfig
from backend.front.cluster import cluster as cluster_module
from backend.front.cluster.cluster import Cluster, ClusterError
from backend.worker_link import Meeting
from tests.machine import allowed
from tests.processes import eventually

MEETING = Meeting("tcp://127.0.0.1:5000", "server's key")
READY = """
import sys
from backend.front.cluster.helper_protocol import *
def say(word):
    sys.stdout.buffer.write(to_line(word))
    sys.stdout.flush()
"""
ROOM = READY + "say(Places(3, '127.0.0.1'));"
ECHO = """
for line in sys.stdin.buffer:
    word = from_line(line)
    if isinstance(word, Start):
        say(Placed(word.serial, '10.0.0.2', 'its key'))
    elif isinstance(word, Admitted):
        say(Ended(word.serial, 'It was admitted and has ended.'))
    else:
        say(Ended(word.serial, 'Nobody hears this.'))
"""
ENDS = "\nline = sys.stdin.readline(); say(Unusable('The head node is gone.'))"


@pytest.fixture
def connect() -> Iterator[Callable[..., Cluster]]:
    made: list[Cluster] = []

    def connect(program: str, **changes) -> Cluster:
        changes = {"connect_s": 20.0} | changes
        cluster = Cluster(
            ClusterConfig("ray://10.0.0.9:10001", **changes), ("python", "-m", "w"), (sys.executable, "-c", program)
        )
        made.append(cluster)
        return cluster

    yield connect
    for cluster in made:
        cluster.close()


def polled(cluster: Cluster, condition: Callable[[], bool], what: str) -> None:
    def look() -> bool:
        cluster.poll()
        return condition()

    eventually(look, what)


def test_the_number_of_workers_is_what_the_cluster_has_room_for_or_the_limit(connect):
    assert connect(ROOM + ECHO).workers == 3
    assert connect(ROOM + ECHO, workers=2).workers == 2
    assert connect(ROOM + ECHO, workers=5).workers == 3


@pytest.mark.parametrize(
    ("program", "changes", "words"),
    [
        (READY + "say(Unusable('There is no such cluster.'))", {}, "There is no such cluster."),
        ("import time; time.sleep(60)", {"connect_s": 0.5}, "No answer within 0 s"),
        ("raise SystemExit(3)", {}, "The cluster's helper ended"),
        (ROOM + ECHO, {"worker_address": "192.0.2.77"}, "192.0.2.77 is no address of this machine"),
    ],
)
def test_a_cluster_that_can_not_be_used_is_refused_in_a_sentence(connect, program, changes, words):
    with pytest.raises(ClusterError, match=words):
        connect(program, **changes)


def test_a_worker_is_admitted_before_it_starts(connect):
    cluster, admitted = connect(ROOM + ECHO), []
    worker = cluster.start(0, MEETING, admitted.append)
    polled(cluster, lambda: worker.ending() is not None, "the worker was not admitted")
    assert (worker.ending(), admitted) == ("It was admitted and has ended.", ["its key"])


def test_nothing_is_heard_of_a_worker_that_was_killed(connect):
    cluster, admitted = connect(ROOM + ECHO), []
    worker, last = cluster.start(0, MEETING, admitted.append), cluster.start(1, MEETING, admitted.append)
    worker.kill()
    polled(cluster, lambda: last.ending() is not None, "the other worker was not admitted")
    assert (worker.ending(), admitted) == (None, ["its key"])


def test_workers_of_a_helper_that_ended_are_gone_and_new_ones_get_another_helper_after_a_while(connect, monkeypatch):
    cluster, admitted = connect(ROOM + ENDS), []
    worker = cluster.start(0, MEETING, admitted.append)
    polled(cluster, lambda: worker.ending() is not None, "the worker still runs")
    assert worker.ending() == "The connection to the cluster ended. The head node is gone."
    again = cluster.start(0, MEETING, admitted.append)
    cluster.poll()
    assert again.ending() is None
    monkeypatch.setattr(cluster_module, "_AGAIN_S", 0.0)
    polled(cluster, lambda: again.ending() is not None, "no helper was started for the worker")
    assert not admitted


def test_the_front_process_never_waits_for_a_helper_that_is_stuck(connect):
    cluster = connect(ROOM + "import time; time.sleep(60)")
    began_s = time.monotonic()
    for number in range(200):
        cluster.start(number, MEETING, lambda _public: None).kill()
        cluster.poll()
    assert time.monotonic() - began_s < allowed(5.0)
    cluster._helper.kill()
