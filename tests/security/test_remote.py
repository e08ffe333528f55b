"""A backend for other machines: keys, an allow-list that is read again, quotas, nobody sees the job of another."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq

from backend.cli import main
from backend.client import Cancelled, Connection, ConnectionFile, ErrorCode, Lost, Queued, Session, Status, drive
from backend.config import BackendConfig
from backend.front.service import Service
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from backend.security import KeyPair, SecurityError, read_key_file
from tests.faults.work import request
from tests.machine import allowed
from tests.processes import eventually

from .conftest import IDLE_WORKER, noted_decodes


@dataclass
class Remote:
    """A running front process on every network, its allow-list, and what reached its decoder."""

    port: int
    server_key: str
    allow_list: Path
    owner: ConnectionFile
    decoded: list[list[bytes]]
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def new_artist(self, name: str, *, allowed: bool = True) -> ConnectionFile:
        """What `ipoke keygen --server` makes on an artist's machine."""
        file = self.folder / f"{name}.json"
        words = ["keygen", "--server", f"127.0.0.1:{self.port}", "--server-key", self.server_key, "-o", str(file)]
        assert main(words) == 0
        public = self.capsys.readouterr().out.strip()
        if allowed:
            with self.allow_list.open("a") as lines:
                lines.write(f"{public} {name}\n")
        return ConnectionFile.read(file)

    def revoke(self, name: str) -> None:
        lines = self.allow_list.read_text().splitlines(keepends=True)
        self.allow_list.write_text("".join(line for line in lines if not line.endswith(f" {name}\n")))


@pytest.fixture
def remote(tmp_path, capsys, monkeypatch) -> Iterator[Remote]:
    keys, allow_list, file = tmp_path / "server.key", tmp_path / "artists.txt", tmp_path / "run" / "connection.json"
    assert main(["keygen", "-o", str(keys)]) == 0
    public = capsys.readouterr().out.strip()
    allow_list.touch()
    decoded = noted_decodes(monkeypatch)
    config = BackendConfig(file, address="0.0.0.0", key_file=keys, allow_list=allow_list, worker_command=IDLE_WORKER)
    stop = threading.Event()
    thread = threading.Thread(target=Service(config).run, args=(stop,))
    thread.start()
    eventually(file.exists, "the service did not start")
    owner = ConnectionFile.read(file)
    yield Remote(owner.port, public, allow_list, owner, decoded, tmp_path, capsys)
    stop.set()
    thread.join(allowed(10))
    assert not thread.is_alive()


def connection(target: ConnectionFile) -> contextlib.closing[Connection]:
    return contextlib.closing(Connection(target))


def answer(opened: Connection, message: m.Message, timeout_s: float = 5.0) -> m.Message | None:
    opened.send(encode(message))
    parts = opened.receive() if opened.wait(timeout_s) else None
    return decode(parts, m.FROM_BACKEND).message if parts else None


def session(target: ConnectionFile) -> contextlib.closing[Session]:
    return contextlib.closing(Session(Connection(target)))


def test_a_key_on_the_list_gets_in_and_any_other_reaches_no_decoder(remote):
    with connection(remote.new_artist("stranger", allowed=False)) as stranger:
        assert answer(stranger, m.Hello(), 0.5) is None
    assert remote.decoded == []
    with connection(remote.new_artist("anna")) as anna:
        eventually(lambda: isinstance(answer(anna, m.Hello()), m.Welcome), "a key on the list was not let in")


def test_a_revoked_key_reaches_no_decoder_from_then_on_and_its_jobs_go(remote):
    with connection(remote.new_artist("anna")) as anna, session(remote.owner) as owner:
        assert isinstance(answer(anna, m.Hello()), m.Welcome)
        anna.send(encode(request().message()))
        eventually(lambda: len(status_of(owner).clients) == 2, "the client is not there")
        remote.revoke("anna")
        eventually(lambda: len(status_of(owner).clients) == 1, "the client is still there")
        owner.close()
        while anna.wait(0.2):
            anna.receive()
        remote.decoded.clear()
        assert answer(anna, m.Hello(), 0.5) is None
        assert remote.decoded == []
        with connection(ConnectionFile.read(remote.folder / "anna.json")) as again:
            assert answer(again, m.Hello(), 0.5) is None
        assert remote.decoded == []


def status_of(opened: Session) -> Status:
    opened.ask_status()
    found = drive(opened, lambda event: isinstance(event, Status), allowed(5.0))
    assert isinstance(found, Status)
    return found


def test_the_owners_key_does_not_open_with_another_server_key(remote):
    wrong = dataclasses.replace(remote.owner, server_public=KeyPair.new().public)
    with connection(wrong) as opened:
        assert answer(opened, m.Hello(), 0.5) is None
    assert remote.decoded == []


def test_a_client_neither_sees_nor_stops_the_job_of_another(remote):
    asked = request()
    with session(remote.new_artist("anna")) as anna, session(remote.new_artist("bert")) as bert, session(remote.owner) as owner:
        anna.submit(asked)
        drive(anna, lambda event: isinstance(event, Queued), allowed(5.0))
        assert [client.waiting for client in status_of(bert).clients] == [0]
        bert._send(m.Cancel(asked.job_id))
        bert._send(m.CancelAll(everyone=True))
        refused = drive(bert, lambda event: isinstance(event, Lost), allowed(5.0))
        assert "owner" in refused.sentence
        assert sorted(client.waiting for client in status_of(owner).clients) == [0, 0, 1]
        owner.cancel_all(everyone=True)
        assert drive(anna, lambda event: isinstance(event, Cancelled), allowed(5.0)) == Cancelled(asked.job_id)


def test_a_routing_id_of_another_key_is_of_no_use(remote):
    name = b"the-routing-id-of-anna"
    with zmq.Context() as context:
        sockets = []
        for artist in (remote.new_artist("anna"), remote.new_artist("bert")):
            socket = context.socket(zmq.DEALER)
            sockets.append(socket)
            socket.linger, socket.routing_id = 0, name
            socket.curve_serverkey = remote.server_key.encode()
            socket.curve_publickey, socket.curve_secretkey = artist.client_public.encode(), artist.client_secret.encode()
            socket.connect(f"tcp://127.0.0.1:{remote.port}")
            socket.send_multipart(encode(m.Hello()))
            answered = bool(socket.poll(1000))
            assert answered == (len(sockets) == 1)
        for socket in sockets:
            socket.close()


def test_one_key_opens_so_many_clients_and_no_more(remote):
    artist = remote.new_artist("anna")
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connection(artist)) for _ in range(limits.CLIENTS_PER_KEY + 1)]
        answers = [answer(one, m.Hello()) for one in opened]
        assert [isinstance(one, m.Welcome) for one in answers] == [True] * limits.CLIENTS_PER_KEY + [False]
        assert answers[-1].error.code is ErrorCode.QUOTA
        with connection(remote.owner) as owner:
            assert isinstance(answer(owner, m.Hello()), m.Welcome)


def test_clients_that_crashed_leave_their_places_to_the_same_key_at_once(remote):
    artist = remote.new_artist("anna")
    for _ in range(limits.CLIENTS_PER_KEY):
        with connection(artist) as crashed:
            assert isinstance(answer(crashed, m.Hello()), m.Welcome)
    with connection(artist) as fifth:
        assert isinstance(answer(fifth, m.Hello()), m.Welcome)


@pytest.mark.parametrize("given", [{}, {"key_file"}, {"allow_list"}])
def test_other_machines_are_served_only_with_keys_and_allow_list(tmp_path, given):
    files = {name: tmp_path / name for name in given}
    for file in files.values():
        file.touch()
    with pytest.raises(SecurityError, match="--keys and --allow-list"):
        Service(BackendConfig(tmp_path / "c.json", address="0.0.0.0", **files))


def test_key_files_that_are_no_use_are_named(tmp_path, capsys):
    file = tmp_path / "server.key"
    with pytest.raises(SecurityError, match="ipoke keygen"):
        read_key_file(file)
    assert main(["keygen", "-o", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key_file(file).public == capsys.readouterr().out.strip()
    assert main(["keygen", "-o", str(file)]) == 2
    assert "not overwritten" in capsys.readouterr().err
    plain = json.loads(file.read_text())
    file.write_text(json.dumps(plain | {"secret": KeyPair.new().secret}))
    with pytest.raises(SecurityError, match="don't belong together"):
        read_key_file(file)
    file.chmod(0o644)
    with pytest.raises(SecurityError, match="chmod 600"):
        read_key_file(file)


@pytest.mark.parametrize("words", [("--server", "host:1"), ("--server-key", "x"), ("--server", "host", "--server-key", "x" * 40)])
def test_keygen_refuses_what_makes_no_sense(tmp_path, capsys, words):
    assert main(["keygen", "-o", str(tmp_path / "f"), *words]) == 2
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("--bind", "0.0.0.0"), "--keys and --allow-list"),
        (("--bind", "workstation"), "is not an IP address"),
        (("--workers", "0"), "between 1 and"),
        (("--port", "70000"), "between 0 and"),
        (("--log-file", "/nowhere/backend.log"), "choose another --log-file"),
        (("--keys", "nothing.key", "--allow-list", "nothing.txt"), "ipoke keygen"),
    ],
)
def test_serve_refuses_what_makes_no_sense_in_one_sentence(tmp_path, capsys, monkeypatch, words, fix):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--connection-file", "c.json", *words]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert fix in line
    assert list(tmp_path.iterdir()) == []


def test_no_secret_is_printed(tmp_path, capsys):
    main(["keygen", "-o", str(tmp_path / "k")])
    told = capsys.readouterr()
    assert json.loads((tmp_path / "k").read_text())["secret"] not in told.out + told.err
