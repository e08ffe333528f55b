"""What an artist had set when a job was asked for, so that it can be recalled and like jobs stand together. No bpy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..._vendor.client import Poke, Sampling
from ..._vendor.protocol.messages import Playback
from ..gestures.plane import Vec2
from ..gestures.pokes import Arrow, to_poke
from ..gestures.region import Box
from ..things.thing import Source, ThingSetting

NO_SETTING = ThingSetting()
NOTHING_DRAWN = Sampling(seed=0)
"""Of what replays a motion."""


@dataclass(frozen=True, slots=True)
class PokeSetting:
    """A poke as it stands in the list: the arrow as it was drawn, its strength, and whether it takes part."""

    name: str
    arrow: Arrow
    strength: float = 1.0
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Replay:
    """A motion of the library, by its file (none when empty); `strength` stretches the arrows, `mirror` swaps left and right."""

    kinematics: str = ""
    strength: float = 1.0
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything. `region` None leaves the choice to the backend; `replay` names a motion of the library.

    `model` is a name, or empty for the one that the backend takes by itself. `still_frame` is the number of the frame that is
    the still, where that is a sequence or a movie. With `free_ground` nothing holds a thing by itself. `playback` None leaves
    the clips at the model's own pace.
    """

    pokes: tuple[PokeSetting, ...] = ()
    samples: int = 1
    region: Box | None = None
    replay: Replay = Replay()
    sampling: Sampling = NOTHING_DRAWN
    model: str = ""
    still_frame: int = 0
    thing: ThingSetting = NO_SETTING
    free_ground: bool = False
    playback: Playback | None = None

    @property
    def asked(self) -> tuple[Poke, ...]:
        """The pokes that travel: the enabled ones, stretched by their strength and that of a replay."""
        return asked(self.pokes, self.replay.strength)

    @property
    def whole_region(self) -> bool:
        """Whether there is no thing on purpose."""
        return self.thing.source is Source.REGION

    def key(self, plate_sha256: str, model: str, thing_sha256: str = "") -> str:
        """What is the same in two jobs that differ in their seeds only; `model` is the one that made their variants."""
        pokes: tuple[Vec2, ...] = tuple(pair for poke in self.asked for pair in ((poke.x, poke.y), (poke.dx, poke.dy)))
        mirrored = [True] if self.replay.mirror else []
        options = [(name, value) for name, value in self.sampling.options.items() if name != "like"]
        freed = ["free ground"] if self.free_ground else []
        things = [("thing", thing_sha256)] if thing_sha256 else [("whole region",)] if self.whole_region else []
        timed = [] if self.playback is None else [self.playback]
        more = (*mirrored, *options, *freed, *things, *timed, *self.sampling.like)
        text = repr((plate_sha256, model, pokes, self.region, self.replay.kinematics, *more))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def asked(pokes: Iterable[PokeSetting], strength: float = 1.0) -> tuple[Poke, ...]:
    """Return the pokes that travel: the enabled ones, stretched by their own strength and this."""
    return tuple(to_poke(poke.arrow, strength * poke.strength) for poke in pokes if poke.enabled)


@dataclass(slots=True)
class Group:
    """Jobs of one plate that differ in their seeds only, by their position in the plate's list."""

    key: str
    jobs: list[int] = field(default_factory=list)


def grouped(keys: Sequence[str]) -> list[Group]:
    """Return the jobs' groups, that with the newest job first, and inside a group the newest job first."""
    groups: dict[str, Group] = {}
    for position in reversed(range(len(keys))):
        groups.setdefault(keys[position], Group(keys[position])).jobs.append(position)
    return list(groups.values())


def numbered(names: Iterable[str], stem: str) -> str:
    """Return the first of 'Poke 1', 'Poke 2', ... that is not taken."""
    taken = set(names)
    number = 1
    while f"{stem} {number}" in taken:
        number += 1
    return f"{stem} {number}"
