"""The numbers in the names of frames: which pictures of a folder are a sequence, in which order, and how to walk along it.

Standard library only; the add-on carries a copy.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".exr", ".bmp"))
NAMES_SHOWN = 3

_NUMBERED = re.compile(r"(?P<head>.*?)(?P<digits>[0-9]+)(?P<tail>[^0-9]*)", re.DOTALL)
_THUMBNAIL = re.compile(r"(?<![a-z])thumb(nail)?s?(?![a-z])", re.IGNORECASE)
_SIGNED = re.compile(r"(?:^|[._ ])-$")


class SequenceError(ValueError):
    """A folder that is not one sequence: the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class FrameName:
    """A file's name around the last group of digits of its stem: `sh010.` `1001` `.comp.png`."""

    head: str
    digits: str
    tail: str

    @property
    def counted(self) -> int:
        """The number as Blender counts on from it: without a sign."""
        return int(self.digits)

    @property
    def number(self) -> int:
        """The frame's number; a minus counts where it begins the name or follows one of `. _` and a space: `f_-001`."""
        return -self.counted if _SIGNED.search(self.head) else self.counted

    @property
    def sequence(self) -> tuple[str, str]:
        """What all names of one sequence have in common: what stands before the number and its sign, and after it."""
        return _SIGNED.sub(lambda found: found[0][:-1], self.head), self.tail

    @property
    def pattern(self) -> str:
        """The sequence's name for people, such as `sh010.####.comp.png`."""
        head, tail = self.sequence
        return f"{head}{'#' * len(self.digits)}{tail}"

    def at(self, number: int) -> str:
        """The file that Blender plays as this number: as many digits as this name has, at least."""
        sign = "-" if number < 0 else ""
        return f"{self.head}{sign}{abs(number):0{len(self.digits)}d}{self.tail}"


def frame_name(name: str) -> FrameName | None:
    """Read the number in a file's name, as Blender finds it; None where there is none."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:  # no suffix at all, or a name that begins with its only dot
        stem, dot, suffix = name, "", ""
    found = _NUMBERED.fullmatch(stem)
    return None if found is None else FrameName(found["head"], found["digits"], f"{found['tail']}{dot}{suffix}")


def is_hidden(path: Path) -> bool:
    """Tell whether a file is one that systems leave beside others: `._0001.png`, `.DS_Store`."""
    return path.name.startswith(".")


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts names and paths as people count: 2 before 10."""
    parts = re.split(r"([0-9]+)", text.lower())
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts if part]


def sequences(paths: Iterable[Path]) -> list[list[Path]]:
    """The sequences among a folder's pictures, each in the order of its numbers; hidden files and thumbnails are left out.

    Single pictures beside a sequence are no part of it. Where no two names differ in their number alone, all are one
    sequence, in the order of their names.
    """
    shown = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES and not is_hidden(path)]
    pictures = [path for path in shown if _THUMBNAIL.search(path.name) is None] or shown
    groups: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path in pictures:
        name = frame_name(path.name)
        if name is not None:
            groups.setdefault(name.sequence, []).append((name.number, path))
    found = [[path for _, path in sorted(group)] for _, group in sorted(groups.items()) if len(group) > 1]
    return found or ([sorted(pictures, key=lambda path: natural(path.name))] if pictures else [])


def only_sequence(folder: Path) -> list[Path]:
    """The pictures of a folder in their order; none where it holds none.

    Raises:
        SequenceError: it holds several sequences.
    """
    found = sequences(path for path in folder.iterdir() if path.is_file())
    if len(found) > 1:
        patterns = [name.pattern for name in (frame_name(frames[0].name) for frames in found) if name is not None]
        more = ", ..." if len(patterns) > NAMES_SHOWN else ""
        raise SequenceError(
            f"{folder} holds {len(found)} sequences ({', '.join(patterns[:NAMES_SHOWN])}{more}); give each a folder of its own."
        )
    return found[0] if found else []


def numbers(frames: Sequence[Path]) -> list[int]:
    """The numbers of a sequence's frames; their places, from 0 on, where the names don't count."""
    names = [frame_name(path.name) for path in frames]
    found = [name.number for name in names if name is not None]
    counting = len(found) == len(frames) and len({name.sequence for name in names if name is not None}) == 1
    return found if counting else list(range(len(frames)))


def gap(frames: Sequence[Path]) -> tuple[int, str] | None:
    """Where a sequence's numbers stop being evenly spaced: the place of the last frame before, and what is missing."""
    counted = numbers(frames)
    steps = [later - earlier for earlier, later in zip(counted, counted[1:], strict=False)]
    usual = min(steps, default=1)
    for place, step in enumerate(steps):
        if step > usual > 0:
            first, last = counted[place] + usual, counted[place + 1] - usual
            return place, f"frame {first} is missing" if first == last else f"the frames {first} to {last} are missing"
    return None


def evenly(times: Sequence[float], count: int) -> list[int]:
    """Places of `count` frames, evenly over time from the first to the last: which one is on the screen at each moment.

    `times` (s, or numbers of frames) says when each begins to be shown, ascending.
    """
    span = times[-1] - times[0]
    slack = 1e-6 * max(span, 1.0)
    moments = (times[0] + span * step / max(count - 1, 1) for step in range(count))
    return [max(bisect_right(times, moment + slack) - 1, 0) for moment in moments]
