"""A connection file belongs to the backend that wrote it, and to nobody else."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import ConnectionFile
from backend.client.private_files import PrivateFileError
from backend.front.connection_claim import ConnectionClaim, ConnectionFileTakenError
from backend.protocol.version import PROTOCOL_VERSION

LOOK_S = 3.0


@pytest.fixture
def port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def content(port: int, secret: str = "K", pid: int | None = None) -> ConnectionFile:
    pid = os.getpid() if pid is None else pid
    return ConnectionFile(PROTOCOL_VERSION, "127.0.0.1", port, "S" * 40, "P" * 40, secret * 40, pid)


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "run" / "connection.json"


@pytest.fixture
def claim(file, port) -> ConnectionClaim:
    claim = ConnectionClaim(file)
    claim.take(content(port))
    return claim


def test_the_file_is_its_owners_alone_and_is_gone_at_the_end(claim, file, port):
    assert ConnectionFile.read(file) == content(port)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["connection.json"]
    claim.give_back()
    assert not file.exists()


def test_a_second_backend_is_refused_and_harms_nothing(claim, file, port):
    second = ConnectionClaim(file)
    with pytest.raises(ConnectionFileTakenError, match=r"A backend runs already with .*choose another --connection-file"):
        second.take(content(port, "L"))
    second.keep(LOOK_S)
    second.give_back()
    assert ConnectionFile.read(file) == content(port)


def test_the_file_of_a_backend_that_has_ended_is_replaced(claim, file, port):
    for over in (content(port, pid=ended_pid()), content(1), dataclasses.replace(content(1), version=0)):
        file.write_text(over.to_json())
        ConnectionClaim(file).take(content(port, "L"))
        assert ConnectionFile.read(file) == content(port, "L")


def test_an_empty_file_is_taken(file, port):
    file.parent.mkdir()
    file.touch()
    ConnectionClaim(file).take(content(port))
    assert ConnectionFile.read(file) == content(port)


@pytest.mark.parametrize("text", ["my notes", "[1]", "{}", "[" * 4000, '{"pid": true, "port": 1, "address": "a"}', "\x00\xff"])
def test_what_is_no_connection_file_is_kept(file, port, text):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(ConnectionFileTakenError, match="no connection file and is kept"):
        ConnectionClaim(file).take(content(port))
    assert file.read_text() == text


def test_an_artists_file_for_another_machine_is_kept(file, port):
    file.parent.mkdir()
    file.write_text(content(port, pid=0).to_json())
    with pytest.raises(ConnectionFileTakenError, match="another machine and is kept"):
        ConnectionClaim(file).take(content(port, "L"))
    assert ConnectionFile.read(file).pid == 0


def test_a_link_and_a_folder_are_no_connection_file(file, port, tmp_path):
    file.parent.mkdir()
    (tmp_path / "notes").write_text("mine")
    file.symlink_to(tmp_path / "notes")
    with pytest.raises(ConnectionFileTakenError, match="no regular file"):
        ConnectionClaim(file).take(content(port))
    file.unlink()
    file.mkdir()
    with pytest.raises(ConnectionFileTakenError, match="no regular file"):
        ConnectionClaim(file).take(content(port))
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_folder_in_which_everybody_may_replace_files_is_refused(file, port):
    file.parent.mkdir()
    file.parent.chmod(0o777)
    with pytest.raises(ConnectionFileTakenError, match="Everybody may replace files"):
        ConnectionClaim(file).take(content(port))


def test_a_file_or_folder_that_was_taken_away_comes_back(claim, file, port):
    file.unlink()
    claim.keep(LOOK_S)
    assert ConnectionFile.read(file) == content(port)
    shutil.rmtree(file.parent)
    claim.keep(LOOK_S + 0.1)
    assert not file.exists(), "it is not looked at all the time"
    claim.keep(2 * LOOK_S)
    assert ConnectionFile.read(file) == content(port)
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_another_put_there_is_neither_replaced_nor_removed(claim, file, port):
    other = json.dumps({"of": "somebody else"})
    file.write_text(other)
    claim.keep(LOOK_S)
    claim.give_back()
    assert file.read_text() == other


def test_a_place_that_can_not_be_written_any_more_ends_nothing(claim, file):
    shutil.rmtree(file.parent)
    file.parent.touch()
    for turn in range(1, 4):
        claim.keep(turn * LOOK_S)
    claim.give_back()
    assert file.parent.is_file()


def test_a_place_that_can_not_be_written_is_named(tmp_path, port):
    (tmp_path / "file").touch()
    with pytest.raises((ConnectionFileTakenError, PrivateFileError), match="choose another"):
        ConnectionClaim(tmp_path / "file" / "connection.json").take(content(port))


RACER = """
import sys, time
from pathlib import Path
from backend.client import ConnectionFile
from backend.front.connection_claim import ConnectionClaim, ConnectionFileTakenError
import os, socket
listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen()
port = listening.getsockname()[1]
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
try:
    ConnectionClaim(Path(sys.argv[1])).take(ConnectionFile(1, "127.0.0.1", port, "S" * 40, "P" * 40, "K" * 40, os.getpid()))
    print("taken", flush=True)
except ConnectionFileTakenError:
    print("refused", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_of_backends_that_start_at_once_one_gets_the_file(file):
    file.parent.mkdir()
    file.write_text(content(1).to_json())
    command = [sys.executable, "-c", RACER, str(file), str(time.time() + 1.5)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = [racer.stdout.readline().strip() for racer in racers]
    for racer in racers:
        racer.communicate()
    assert sorted(said) == ["refused"] * 5 + ["taken"]
