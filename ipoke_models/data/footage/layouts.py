"""Folder layouts of footage, and how each is divided into a training and a held-out part.

`folder` takes any videos and picture sequences. The others read a public data set as its owners distribute it, divided and
stepped as in the paper. Those of iPER and Tai-Chi-HD follow the owners' own instructions and loader, the other two the names that
are in common use; none could be checked against the data sets themselves, only against small synthetic folders of that layout.

poking-plants  one folder of videos; of each, the first 80 % of its frames train and the last 20 % test
iper           `images_HD/PERSON/CLOTHES/MOTION/*.jpg` or `iPER_*_video_release/PERSON_CLOTHES_MOTION.mp4`, beside the owners'
               `train.txt` and `val.txt`, which divide them
taichi         `train/` and `test/`, each with clips as MP4 or as folders of PNG
h36m           `S1/Videos/*.mp4` and so on; S1, S5, S6, S7, S8 train and S9, S11 test; videos called `_ALL*` are left out
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from .sources import FootageError, Source

PLANTS_TRAIN_SHARE = 0.8
H36M_TRAIN, H36M_HELD_OUT = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")


class Part(Enum):
    """Which part of divided footage; WHOLE is all of it, undivided."""

    TRAIN = "train"
    HELD_OUT = "held-out"
    WHOLE = "whole"


class Crop(Enum):
    """The square of a source that the model sees: the largest in its centre, or one around all that moves in it."""

    CENTRE = "centre"
    SUBJECT = "subject"


@dataclass(frozen=True)
class Excerpt:
    """A source between two fractions of its frames."""

    source: Source
    start: float = 0.0
    stop: float = 1.0


Divide = Callable[[Path, list[Source], float], dict[Part, list[Excerpt]]]
"""Folder, its sources and the share to hold out -> the parts TRAIN and HELD_OUT."""


@dataclass(frozen=True)
class Layout:
    """How a layout is divided, and the defaults that go with it."""

    divide: Divide
    frame_step: int = 1
    """Raw frames from one frame of a clip to the next."""
    crop: Crop = Crop.CENTRE
    people: bool = False
    """Whether pokes keep to a person in the middle."""
    even: bool = False
    """Whether training draws all sources alike, however long they are."""


def by_source(_: Path, sources: list[Source], share: float) -> dict[Part, list[Excerpt]]:
    """Hold out this share of the sources, at least one and not all unless the share is 0 or 1; SHA-256 of the names decides.

    A lone source is divided in time.
    """
    if len(sources) == 1 and 0 < share < 1:
        return _in_time(sources, 1 - share)
    count = round(share * len(sources)) if share in (0, 1) else min(max(1, round(share * len(sources))), len(sources) - 1)
    ranked = sorted(sources, key=lambda source: hashlib.sha256(source.name.encode()).digest())
    held_out = set(ranked[:count])
    return {
        Part.TRAIN: [Excerpt(source) for source in sources if source not in held_out],
        Part.HELD_OUT: [Excerpt(source) for source in sources if source in held_out],
    }


def _in_time(sources: list[Source], train_share: float) -> dict[Part, list[Excerpt]]:
    return {
        Part.TRAIN: [Excerpt(source, 0.0, train_share) for source in sources],
        Part.HELD_OUT: [Excerpt(source, train_share, 1.0) for source in sources],
    }


def _poking_plants(_: Path, sources: list[Source], __: float) -> dict[Part, list[Excerpt]]:
    return _in_time(sources, PLANTS_TRAIN_SHARE)


def _iper(folder: Path, sources: list[Source], _: float) -> dict[Part, list[Excerpt]]:
    named = {"_".join(_numbers(source.name.rpartition(".mp4")[0] or source.name)[-3:]): source for source in sources}
    return {
        Part.TRAIN: [Excerpt(named[name]) for name in _listed(folder / "train.txt") if name in named],
        Part.HELD_OUT: [Excerpt(named[name]) for name in _listed(folder / "val.txt") if name in named],
    }


def _listed(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").split()
    except OSError as error:
        raise FootageError(f"{file} is missing; the iper layout needs the train.txt and val.txt of the data set.") from error
    return ["_".join(_numbers(line)) for line in lines]


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _taichi(_: Path, sources: list[Source], __: float) -> dict[Part, list[Excerpt]]:
    def below(top: str) -> list[Excerpt]:
        return [Excerpt(source) for source in sources if PurePosixPath(source.name).parts[0] == top]

    return {Part.TRAIN: below("train"), Part.HELD_OUT: below("test")}


def _h36m(_: Path, sources: list[Source], __: float) -> dict[Part, list[Excerpt]]:
    def of(subjects: tuple[str, ...]) -> list[Excerpt]:
        return [Excerpt(source) for source in sources if _subject(source) in subjects]

    return {Part.TRAIN: of(H36M_TRAIN), Part.HELD_OUT: of(H36M_HELD_OUT)}


def _subject(source: Source) -> str | None:
    path = PurePosixPath(source.name)
    if source.pictures or path.name.startswith("_ALL") or path.parent.name != "Videos":
        return None
    return path.parent.parent.name


LAYOUTS = {
    "folder": Layout(by_source),
    "poking-plants": Layout(_poking_plants, frame_step=2, even=True),
    "iper": Layout(_iper, people=True),
    "taichi": Layout(_taichi, frame_step=2, people=True),
    "h36m": Layout(_h36m, frame_step=8, crop=Crop.SUBJECT),
}
"""Steps give the lags of the published flow: 20, 10, 20 and 80 raw frames from x0 to the last frame of a clip with T = 10.

The published description of h36m (every eighth raw frame, then every second of these) fits none of its own flow lags of 40 and
80 raw frames; the step of 8 does.
"""
