"""Owns the memory of what kills workers: how often the content of a request did, and until when it is refused. No clock."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass

from ..protocol.messages import Work

DEATHS = 3
REFUSED_S = 600.0
_CONTENTS = 256
_NO_ID = "-"


@dataclass(slots=True)
class _Count:
    deaths: int
    last_s: float


def content_of(work: Work) -> Work:
    """What a request asks for, whatever its job's id: two that ask for the same are equal."""
    return dataclasses.replace(work, job_id=_NO_ID)


class Deaths:
    """Deaths of workers by the content that they worked on, of the last ten minutes and the latest 256 contents."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Work, _Count] = OrderedDict()
        self._now_s = 0.0

    def pass_time(self, now_s: float) -> None:
        """Forget what is long ago; `now_s` is any steady clock."""
        self._now_s = now_s
        while self._counts and now_s - next(iter(self._counts.values())).last_s > REFUSED_S:
            self._counts.popitem(last=False)

    def count(self, work: Work) -> int:
        """A worker died of this content; returns how many have by now."""
        content = content_of(work)
        count = self._counts.setdefault(content, _Count(0, self._now_s))
        count.deaths, count.last_s = count.deaths + 1, self._now_s
        self._counts.move_to_end(content)
        while len(self._counts) > _CONTENTS:
            self._counts.popitem(last=False)
        return count.deaths

    def is_poison(self, work: Work) -> bool:
        """True for a content that has killed too many."""
        count = self._counts.get(content_of(work))
        return count is not None and count.deaths >= DEATHS

    def forget(self, work: Work) -> None:
        """This content came to its end with a worker that lives: its deaths were accidents."""
        self._counts.pop(content_of(work), None)
