"""When a command waits for a backend, and when there is no hope."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from backend.client import ConnectionFile, Failed, Finished, LocalBackend, Lost, Queued, Session, VariantDone
from backend.client import events as happened
from backend.commands import connected_backend
from backend.commands.connected_backend import ConnectedBackend
from backend.commands.errors import CommandError
from backend.protocol.version import PROTOCOL_VERSION

from ..protocol.examples import ERROR, SUMMARY
from .made import request

AWAY = Lost("The backend does not answer; it is tried again until it does.")
QUEUED = Queued("job", 0)
FINISHED = Finished("job", SUMMARY)


class Scripted(Session):
    """A session whose polls bring what the test says."""

    def __init__(self, *polls: list[happened.Event]) -> None:
        super().__init__()
        self.polls = deque(polls)
        self.attached: list[Any] = []

    def poll(self, now_s: float, budget_s: float = 0.004) -> list[happened.Event]:
        return self.polls.popleft() if self.polls else []

    def attach(self, link: Any) -> None:
        self.attached.append(link)
        link.close()


def run(driven: Session | LocalBackend, check=lambda: None) -> list[happened.Event]:
    taken: list[happened.Event] = []
    ConnectedBackend(driven, check).run(request(), taken.append)
    return taken


def test_a_backend_that_answers_again_is_waited_for():
    assert run(Scripted([QUEUED], [AWAY], [QUEUED], [FINISHED])) == [QUEUED, AWAY, QUEUED, FINISHED]


def test_a_backend_that_never_answered_is_not_waited_for():
    with pytest.raises(CommandError, match="does not answer; see that it runs"):
        run(Scripted([AWAY], [FINISHED]))


def test_a_refusal_ends_the_command_once_what_came_before_is_taken():
    done = VariantDone("job", 0, ("ab" * 32,))
    taken: list[happened.Event] = []
    with pytest.raises(CommandError, match="Four clients"):
        ConnectedBackend(Scripted([QUEUED], [done, Lost("Four clients are connected.", final=True)]), lambda: None).run(
            request(), taken.append
        )
    assert done in taken


def test_a_backend_of_our_own_is_given_up_when_it_can_not_be_kept_running():
    backend = LocalBackend(launcher=None)
    polls = deque([[Lost("It ended with code 3.")], [QUEUED], [Lost("It ended again.", final=True)], []])
    backend.poll = lambda now_s, budget_s=0.0: polls.popleft()
    with pytest.raises(CommandError, match="It ended again"):
        run(backend)


def test_a_silence_that_lasts_ends_the_command(monkeypatch):
    monkeypatch.setattr(connected_backend, "PATIENCE_S", 0.2)
    with pytest.raises(CommandError, match="has not answered for"):
        run(Scripted([QUEUED], [AWAY]))


def test_a_job_that_fails_says_why():
    with pytest.raises(CommandError, match=ERROR.sentence):
        run(Scripted([QUEUED], [Failed("job", ERROR)]))


def test_what_asks_the_command_to_end_is_looked_at_in_every_step():
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Scripted([FINISHED]), check)


def test_a_backend_that_was_started_again_is_found_by_its_connection_file(tmp_path, monkeypatch):
    monkeypatch.setattr(connected_backend, "_LOOK_S", 0.0)
    file = tmp_path / "connection.json"
    keys = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    before = ConnectionFile(PROTOCOL_VERSION, "127.0.0.1", 5555, keys, keys, keys, 0)
    file.write_text(before.to_json())
    session = Scripted([QUEUED], [AWAY], [], [], [FINISHED])
    backend = ConnectedBackend(session, lambda: None, file)
    file.write_text(ConnectionFile(PROTOCOL_VERSION, "127.0.0.1", 5556, keys, keys, keys, 0).to_json())
    backend.run(request(), lambda event: None)
    assert len(session.attached) == 1
