"""The thing of a plate while it is played with: which puppet an object has, how it lies now, and how the play ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import bpy

from ..core.gestures.plane import Vec2
from ..core.jobs.job import JobKind
from ..core.jobs.settings import PokeSetting, asked
from ..core.lifetime import WhileEnabled
from ..core.things.puppet import Points, Puppet
from ..core.things.thing import Mask
from ..scene import plates, screens
from . import running, things

SWING_S = 0.2
"""How long a thing that is let go takes to be the still's again, or to give way to the frames that have come."""
STEP_S = 1 / 60


class End(Enum):
    """How a play ends: the thing swings back to where the still has it, or the picture gives way to a clip."""

    SWINGS_BACK = auto()
    FADES = auto()


@dataclass(frozen=True, eq=False)
class PlayedThing:
    """The puppet of a thing, and the mask that it was made of."""

    sha256: str
    mask: Mask
    puppet: Puppet


@dataclass(frozen=True, eq=False)
class Play:
    """What is shown over a plate instead of its still. `pose` is the body's; once let go, it ends from `since_s` on.

    What other arrows hold swings to where they hold it, from `begun_s` on.
    """

    object_name: str
    thing: PlayedThing
    pose: Points
    begun_s: float
    end: End | None = None
    since_s: float = 0.0

    def share(self, now_s: float) -> float:
        """How much of the play is left, 1 until its end begins."""
        return 1.0 if self.end is None else min(max(1 - (now_s - self.since_s) / SWING_S, 0.0), 1.0)

    def shown_pose(self, now_s: float) -> Points:
        """The pose (V, 2) at present."""
        rest = self.thing.puppet.rest
        begun = min((now_s - self.begun_s) / SWING_S, 1.0)
        left = self.share(now_s) if self.end is End.SWINGS_BACK else 1.0
        return rest + (1 - (1 - begun) ** 2) * left**2 * (self.pose - rest)

    def moves(self, now_s: float) -> bool:
        """Whether it changes by itself."""
        return self.end is not None or now_s < self.begun_s + SWING_S + 2 * STEP_S

    def opacity(self, now_s: float) -> float:
        """How much of the picture is shown."""
        return self.share(now_s) if self.end is End.FADES else 1.0


@dataclass
class Playing:
    """What is played with at present."""

    last: PlayedThing | None = None
    """The puppet that was made last; making one takes a while."""
    play: Play | None = None
    """What is shown over a plate instead of its still."""
    is_held: bool = False
    """Whether the mouse holds the thing."""


state = WhileEnabled(Playing)


def of(obj: bpy.types.Object) -> PlayedThing | None:
    """Return the puppet of an object's thing, made where it is not yet; None where nothing says what the thing is."""
    thing = things.known(obj)
    if thing is None:
        return None
    own = state()
    if own.last is None or own.last.sha256 != thing.sha256:
        own.last = PlayedThing(thing.sha256, thing.mask, Puppet(thing.mask))
    return own.last


def ready(obj: bpy.types.Object) -> PlayedThing | None:
    """Return the puppet of an object's thing where it is made already."""
    last, thing = state().last, things.drawn(obj)
    return last if last is not None and thing is not None and thing.sha256 == last.sha256 else None


def ground(obj: bpy.types.Object) -> list[Vec2]:
    """Return the pins that hold the thing by themselves, as few as are shown; none where it is not made, or free."""
    plate, thing = plates.plate_of(obj), ready(obj)
    if plate is None or thing is None or plate.free_ground:
        return []
    return thing.puppet.shown_ground(tails(plates.poke_settings(plate.pokes)))


def tails(pokes: Sequence[PokeSetting]) -> list[Vec2]:
    """Return where the arrows that take part begin."""
    return [poke.arrow.tail for poke in pokes if poke.enabled and not poke.arrow.is_pin]


def follow(obj: bpy.types.Object, pokes: Sequence[PokeSetting]) -> Play | None:
    """Let the thing lie as these arrows and pins hold it; None where nothing says what it is."""
    thing = of(obj)
    if thing is None:
        return None
    own, now_s = state(), time.monotonic()
    thing.puppet.follow(asked(pokes), free_ground=obj.ipoke.free_ground)
    goes_on = own.play is not None and own.play.thing is thing and own.play.end is None
    own.play = Play(obj.name, thing, thing.puppet.pose, own.play.begun_s if goes_on else now_s)
    own.is_held = True
    _keep_time()
    return own.play


def let_go() -> None:
    """The mouse holds the thing no more: the play ends at once, or where a preview was asked for with its first frames."""
    own = state()
    own.is_held = False
    if own.play is not None:
        own.play.thing.puppet.rest_again()
        _keep_time()
    if bpy.app.background:
        forget()


def forget() -> None:
    """End the play at once."""
    state().play = None


def stop() -> None:
    """Keep no time any more: the add-on is being disabled."""
    forget()
    if bpy.app.timers.is_registered(_step):
        bpy.app.timers.unregister(_step)


def _keep_time() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_step):
        bpy.app.timers.register(_step, first_interval=STEP_S)


def _step() -> float | None:
    own, now_s = state(), time.monotonic()
    if own.play is None:
        return None
    if not own.is_held and own.play.end is None:
        own.play = _waited(own.play, now_s)
    if own.play.moves(now_s):
        screens.redraw()
    if own.play.share(now_s) <= 0:
        own.play = None
        return None
    return STEP_S


def _waited(play: Play, now_s: float) -> Play:
    """The play, which ends once no preview is open that has no frames yet."""
    obj = bpy.data.objects.get(play.object_name)
    jobs = [] if obj is None else running.open_jobs(obj)
    if any(job.kind is JobKind.LIVE and not job.clips for job in jobs):
        return play
    shown = obj is not None and obj.ipoke.shown == "VARIANT"
    return replace(play, end=End.FADES if shown else End.SWINGS_BACK, since_s=now_s)
