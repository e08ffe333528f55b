"""A connection file is read whole and right, or refused in a sentence."""

from __future__ import annotations

import json
import os
import sys

import pytest

from backend.client import Connection, ConnectionFile, LinkError
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
    [
        {"version": 0},
        {"port": "5555"},
        {"pid": None},
        {"client_secret": "short"},
        {"address": 1},
        {"more": 1},
        {"port": True},
        {"port": 0},
        {"port": 65536},
        {"pid": -1},
        {"pid": 10**30},
        {"address": "\ud800"},
        {"address": "host\n"},
        {"client_secret": "é" * 40},
    ],
)
def test_a_damaged_file_is_refused(tmp_path, change):
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(json.loads(CONTENT.to_json()) | change))
    with pytest.raises(LinkError):
        ConnectionFile.read(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 50_000, '{"port": NaN}', " " * 70_000])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "connection.json"
    file.write_text(text)
    with pytest.raises(LinkError):
        ConnectionFile.read(file)


@pytest.mark.parametrize("change", [{"client_secret": "~" * 40}, {"server_public": "\\" * 40}, {"address": "not an address"}])
def test_what_no_socket_takes_is_a_damaged_file(tmp_path, change):
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(json.loads(CONTENT.to_json()) | {"pid": 0} | change))
    with pytest.raises(LinkError, match="damaged"):
        Connection.open(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_nobody_waits_for_a_pipe_nor_reads_a_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(LinkError, match="can't be read"):
            ConnectionFile.read(tmp_path / name)
