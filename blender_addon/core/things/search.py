"""Which thing the backend is asked for: one question at a time, and of those that wait the newest goes next. No bpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._vendor.client import Level, ThingArrived, ThingOrigin, ThingRequest

LEVELS = tuple(Level)
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A thing that is wanted; questions with the same key have the same answer."""

    key: Key
    request: ThingRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found: masks as grey PNG files, each within the next. Where there are none, `sentence` says why."""

    origin: ThingOrigin = ThingOrigin.NONE
    masks: Mapping[Level, bytes] = field(default_factory=dict)
    sentence: str = ""

    @classmethod
    def of(cls, arrived: ThingArrived) -> Answer:
        """What the backend has answered."""
        found = arrived.found
        return cls(found.origin, dict(zip(found.levels, arrived.masks, strict=True)), found.reason)

    def nearest(self, wanted: Level) -> Level | None:
        """The level that was found and is nearest to a wanted one; None where nothing was found."""
        return min(self.masks, key=lambda level: abs(LEVELS.index(level) - LEVELS.index(wanted)), default=None)

    def beside(self, wanted: Level, step: int) -> Level | None:
        """The next larger (1) or smaller (-1) level that was found; None where there is none."""
        nearest = self.nearest(wanted)
        found = sorted(self.masks, key=LEVELS.index)
        if nearest is None or not 0 <= found.index(nearest) + step < len(found):
            return None
        return found[found.index(nearest) + step]


@dataclass(frozen=True, slots=True)
class Search:
    """The question that is under way, and the one that goes next."""

    asked: Question | None = None
    next: Question | None = None

    def with_question(self, question: Question) -> tuple[Search, Question | None]:
        """The search after another question, and what is to be asked now."""
        if self.asked is None:
            return Search(question), question
        return Search(self.asked, None if question.key == self.asked.key else question), None

    def after_answer(self) -> tuple[Search, Question | None]:
        """The search after the question under way has ended, and what is to be asked now."""
        return Search(self.next), self.next

    def asks(self, job_id: str) -> bool:
        """Whether this is the question under way."""
        return self.asked is not None and self.asked.request.job_id == job_id
