"""What the front process and its helper say to each other."""

from __future__ import annotations

import pytest

from backend.front.cluster.helper_protocol import Admitted, Ended, Kill, Placed, Places, Start, Unusable, from_line, to_line

EVERY = (
    Start(1, 0, "tcp://10.0.0.1:5000", "server's key", ("-m", "backend.worker.main")),
    Admitted(1),
    Kill(1),
    Places(2, "10.0.0.1"),
    Unusable("No.\nNot at all."),
    Placed(1, "10.0.0.2", "worker's key"),
    Ended(1, "It ended."),
)


@pytest.mark.parametrize("word", EVERY, ids=lambda word: type(word).__name__)
def test_a_word_survives_its_line(word):
    line = to_line(word)
    assert line.count(b"\n") == 1
    assert from_line(line) == word


def test_no_word_has_room_for_a_secret_key():
    assert not [name for word in EVERY for name in word.__dataclass_fields__ if "secret" in name]
