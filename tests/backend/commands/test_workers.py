"""Where workers run, as the command line says it."""

from __future__ import annotations

import pytest

from backend.commands.errors import UsageError
from backend.commands.workers import read_workers
from backend.config import ClusterConfig


def test_a_number_is_processes_on_this_machine():
    assert read_workers("3", None, None) == (3, None)


@pytest.mark.parametrize("address", ["ray", "ray://head.studio:10001", "10.0.0.9:6379", "ray://localhost:10001"])
def test_anything_else_is_a_cluster(address):
    assert read_workers(address, 4, "10.0.0.1")[1] == ClusterConfig(address, "10.0.0.1", 4)
    assert read_workers(address, None, None)[1] == ClusterConfig(address)


@pytest.mark.parametrize(
    ("words", "most", "own", "sentence"),
    [
        ("0", None, None, "between 1 and 64"),
        ("65", None, None, "between 1 and 64"),
        ("2", 3, None, "are for a cluster"),
        ("2", None, "10.0.0.1", "are for a cluster"),
        ("many", None, None, "neither a number of workers nor a cluster"),
        ("ray://head", None, None, "neither a number of workers nor a cluster"),
        ("http://head:80", None, None, "neither a number of workers nor a cluster"),
        ("-head:80", None, None, "neither a number of workers nor a cluster"),
        ("ray://head:70000", None, None, "neither a number of workers nor a cluster"),
        ("ray", 0, None, "--max-workers must be between 1 and 64"),
        ("ray", None, "head", "takes an IPv4 address of this machine"),
        ("ray", None, "0.0.0.0", "must be one address"),
    ],
)
def test_what_is_neither_is_refused_with_the_fix(words, most, own, sentence):
    with pytest.raises(UsageError, match=sentence):
        read_workers(words, most, own)
