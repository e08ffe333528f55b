"""Owns how the front takes clients' files: asked for in pieces, announced before they are kept, within shares of the memory.

No sockets. What is to be told or done is pushed to the client or returned as the scheduler's effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..protocol.codec import encode
from ..protocol.errors import ErrorCode, ProtocolError
from ..protocol.limits import MIB
from ..protocol.messages import ErrorInfo, Refused, Upload
from ..uploads import FileInPieces
from .clients import Client, Share
from .scheduler import Effect, Scheduler

FILES = Share(sure_bytes=8 * MIB, shared_bytes=256 * MIB)
"""Files of all clients: each is sure of small ones, whatever the others have sent."""
SILENT_S = 3.0
"""A client says something each second; after so long it is not blamed for what doesn't come."""
_ASK_AGAIN_S = 10.0
_GIVE_UP_S = 30.0
_FORGET_S = 20.0


class Intake:
    """Takes the files that the jobs in `scheduler` need from `clients`."""

    def __init__(self, clients: Callable[[], Iterable[Client]], scheduler: Scheduler) -> None:
        self._clients = clients
        self._scheduler = scheduler

    def want(self, client: Client, sha256: str, now_s: float) -> None:
        """Ask a client for a file."""
        client.incoming.want(sha256, now_s)
        self._ask(client)

    def welcome(self, client: Client, now_s: float) -> None:
        """A client counts anew: what was on its way may be lost."""
        client.incoming.ask_again(now_s)
        self._ask(client)

    def take(self, client: Client, upload: Upload, piece: bytes, now_s: float) -> list[Effect]:
        """Keep a piece that was asked for; any other is refused in a sentence."""
        try:
            file = client.incoming.expect(upload, now_s)
            size = upload.size_with(piece)
        except ProtocolError as error:
            client.push(encode(Refused(ErrorInfo(error.code, error.sentence))))
            return []
        effects: list[Effect] = []
        try:
            if file is not None and (file.size is not None or self._admit(client, upload.sha256, size)):
                file.take(upload, piece)
                if file.is_complete:
                    effects = self._keep(client, file)
        except ProtocolError as error:
            effects = self._refuse(client, upload.sha256, error)
        self._ask(client)
        return effects

    def look_after(self, client: Client, now_s: float) -> list[Effect]:
        """Ask again for what was lost, end jobs whose files don't come, free what a silent client had sent."""
        if client.silent_s(now_s) > SILENT_S:
            if client.file_bytes and client.silent_s(now_s) > _FORGET_S:
                client.incoming.give_up_bytes()
                client.forget_spare_uploads(self._needed(client))
            client.incoming.moved_s = client.incoming.asked_s = now_s
            return []
        if not client.incoming:
            return []
        client.incoming.keep_only(self._needed(client))
        effects: list[Effect] = []
        if client.incoming and now_s - client.incoming.moved_s > _GIVE_UP_S:
            effects = self._refuse(client, client.incoming.first, _not_come(client.incoming.waits_for_room))
            client.incoming.moved_s = now_s
        if now_s - client.incoming.asked_s > _ASK_AGAIN_S:
            client.incoming.ask_again(now_s)
        self._ask(client)
        return effects

    def has_room(self, client: Client, size: int) -> bool:
        """True when a file of `size` fits beside what all clients hold; what no job needs makes room."""
        others = [other for other in self._clients() if other is not client]
        for other in (*sorted(others, key=lambda one: one.heard_at), client):
            if FILES.has_room(client.file_bytes + size, (one.file_bytes for one in others)):
                return True
            other.forget_spare_uploads(self._needed(other))
        return FILES.has_room(client.file_bytes + size, (one.file_bytes for one in others))

    def _admit(self, client: Client, sha256: str, size: int) -> bool:
        if not client.make_room(size, self._needed(client)):
            sentence = "The files of the waiting jobs are larger than 256 MiB together; wait or cancel a job."
            raise ProtocolError(sentence, "size", ErrorCode.QUOTA)
        if not self.has_room(client, size):
            client.incoming.postpone(sha256, size)
            return False
        client.incoming.admit(sha256, size)
        return True

    def _keep(self, client: Client, file: FileInPieces) -> list[Effect]:
        client.incoming.forget(file.sha256)
        client.keep_upload(file.sha256, file.data, self._needed(client))
        return self._scheduler.upload_arrived(client.routing_id, file.sha256)

    def _refuse(self, client: Client, sha256: str, error: ProtocolError) -> list[Effect]:
        client.incoming.forget(sha256)
        return self._scheduler.upload_refused(client.routing_id, sha256, ErrorInfo(error.code, error.sentence))

    def _ask(self, client: Client) -> None:
        for question in client.incoming.questions(lambda size: self.has_room(client, size)):
            client.push(encode(question))

    def _needed(self, client: Client) -> set[str]:
        return self._scheduler.uploads_of(client.routing_id)


def _not_come(for_want_of_room: bool) -> ProtocolError:
    if for_want_of_room:
        sentence = "The files of other clients' jobs leave no room for this one; try again when some of them have ended."
        return ProtocolError(sentence, "size", ErrorCode.QUOTA)
    return ProtocolError("A file that the job needs did not come within 30 s; try again.", "start", ErrorCode.UNREACHABLE)
