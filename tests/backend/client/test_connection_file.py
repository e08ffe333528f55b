"""A connection file is read whole and right, or refused in a sentence."""

from __future__ import annotations

import json

import pytest

from backend.client import ConnectionFile, LinkError
from backend.protocol.version import PROTOCOL_VERSION

CONTENT = ConnectionFile(PROTOCOL_VERSION, "127.0.0.1", 5555, "S" * 40, "P" * 40, "K" * 40, 77)


def test_what_was_written_is_read(tmp_path):
    file = tmp_path / "connection.json"
    file.write_text(CONTENT.to_json())
    assert ConnectionFile.read(file) == CONTENT
    assert CONTENT.endpoint == "tcp://127.0.0.1:5555"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LinkError, match="ipoke serve"):
        ConnectionFile.read(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    "change",
    [{"version": 0}, {"port": "5555"}, {"pid": None}, {"client_secret": "short"}, {"address": 1}, {"more": 1}, {"port": True}],
)
def test_a_damaged_file_is_refused(tmp_path, change):
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(json.loads(CONTENT.to_json()) | change))
    with pytest.raises(LinkError):
        ConnectionFile.read(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "connection.json"
    file.write_text(text)
    with pytest.raises(LinkError):
        ConnectionFile.read(file)
