"""Owns a file that comes in pieces, and which pieces of which files a client has been asked for. No sockets, no clock.

Whoever needs a file asks for its pieces, a few at a time, and takes nothing else: so what is on its way is bounded, and a
file's size is known before its bytes are kept. A client answers in the order of the questions.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable

from .protocol import limits
from .protocol.errors import ErrorCode, ProtocolError
from .protocol.messages import NeedUpload, Upload


class FileInPieces:
    """A file on its way: the size that its first piece announced, the bytes so far, and their running hash."""

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256
        self.size: int | None = None
        self.data = bytearray()
        self._hash = hashlib.sha256()

    @property
    def received(self) -> int:
        """Bytes that are here; the next piece begins there."""
        return len(self.data)

    @property
    def is_complete(self) -> bool:
        """True when all bytes are here and the hash is right."""
        return self.received == self.size

    def take(self, upload: Upload, piece: bytes) -> None:
        """Add the piece that follows; ProtocolError for one that doesn't, or when the whole file has another hash."""
        told = upload.size_with(piece)
        size = told if self.size is None else self.size
        if told != size or upload.start != self.received or len(piece) != piece_bytes(size, upload.start):
            raise ProtocolError("A piece does not follow the one before it, or has another length; send the file again.", "start")
        self.size = size
        self.data += piece
        self._hash.update(piece)
        if self.is_complete and self._hash.hexdigest() != self.sha256:
            raise ProtocolError("The file's bytes don't match its hash; send it again.", "sha256", ErrorCode.BAD_PLATE)


class _Wanted(FileInPieces):
    """A file that a client was asked for, up to the byte `asked`; one for which there is no room waits with its size."""

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256)
        self.asked = 0
        self.needs_room_for = 0


class Incoming:
    """The files that one client was asked for, one after the other."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, _Wanted] = OrderedDict()
        self._asked: set[tuple[str, int]] = set()
        self._late: deque[tuple[str, int]] = deque(maxlen=8 * limits.PIECES_ASKED)
        self.announced_bytes = 0
        """Sizes of the files that were admitted."""
        self.moved_s = self.asked_s = 0.0
        """When a piece came, and when pieces that did not come were asked for again."""

    def __bool__(self) -> bool:
        return bool(self._files)

    @property
    def first(self) -> str:
        """Hash of the file that is next to be complete."""
        return next(iter(self._files))

    @property
    def waits_for_room(self) -> bool:
        """True when the next file is larger than what is free."""
        return bool(self._files[self.first].needs_room_for)

    def want(self, sha256: str, now_s: float) -> None:
        """Have a file asked for."""
        if not self._files:
            self.moved_s = self.asked_s = now_s
        self._files.setdefault(sha256, _Wanted(sha256))

    def keep_only(self, needed: set[str]) -> None:
        """Forget the files that no job needs any more."""
        for sha256 in [sha256 for sha256 in self._files if sha256 not in needed]:
            self.forget(sha256)

    def forget(self, sha256: str) -> None:
        """Ask no more for a file."""
        file = self._files.pop(sha256, None)
        if file is not None:
            self.announced_bytes -= file.size or 0
            on_their_way = {place for place in self._asked if place[0] == sha256}
            self._asked -= on_their_way
            self._late.extend(on_their_way)

    def questions(self, has_room: Callable[[int], bool]) -> list[NeedUpload]:
        """What to ask for now; a file that waited is asked for when `has_room` says so for its size."""
        asked: list[NeedUpload] = []
        for file in self._files.values():
            if file.needs_room_for and not has_room(file.needs_room_for):
                break
            file.needs_room_for = 0
            while len(self._asked) < limits.PIECES_ASKED and file.asked < (file.size or 1):
                asked.append(NeedUpload(file.sha256, file.asked))
                self._asked.add((file.sha256, file.asked))
                file.asked += limits.PIECE_BYTES
        return asked

    def ask_again(self, now_s: float) -> None:
        """Take every piece that has not come for lost."""
        self.asked_s = now_s
        self._take_for_lost()
        for file in self._files.values():
            file.asked = file.received

    def give_up_bytes(self) -> None:
        """Begin every file anew."""
        self._take_for_lost()
        self._files = OrderedDict((sha256, _Wanted(sha256)) for sha256 in self._files)
        self.announced_bytes = 0

    def expect(self, upload: Upload, now_s: float) -> FileInPieces | None:
        """The file to which the next piece belongs; None for a piece that comes late, ProtocolError for one not asked for."""
        place = (upload.sha256, upload.start)
        if place not in self._asked:
            if place not in self._late:
                raise ProtocolError("The backend has not asked for this piece of a file; nothing of it is kept.", "start")
            self._late.remove(place)
            return None
        self._asked.discard(place)
        file = self._files.get(upload.sha256)
        if file is None or upload.start > file.received:
            return None
        self.moved_s = self.asked_s = now_s
        return file

    def _take_for_lost(self) -> None:
        self._late.extend(self._asked)
        self._asked.clear()

    def admit(self, sha256: str, size: int) -> None:
        """There is room for a file of the size that its first piece announces."""
        self._files[sha256].size = size
        self.announced_bytes += size

    def postpone(self, sha256: str, size: int) -> None:
        """Ask again for a file from its beginning when there is room for it."""
        file = self._files[sha256]
        file.asked = 0
        file.needs_room_for = size


def piece_bytes(size: int, start: int) -> int:
    """Length of the piece that begins at `start` of a file of `size` bytes."""
    return max(0, min(limits.PIECE_BYTES, size - start))
