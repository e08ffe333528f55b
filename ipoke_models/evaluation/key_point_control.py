"""The paper's figure 8: a key point of a person is poked. Does it go there, and what do the others do in each variant?

The pokes are the true clip's: tail and tip are where the point is found in x0 and in the true last frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.store import ClipStore, StoreError
from ..metrics.estimates import Estimate, Values, estimate
from ..metrics.key_points import NAMES, KeyPointFinder, Points
from . import columns
from .columns import Column, Table
from .contestants import TRUTH, Contestants
from .examples import SHORTEST_ARROW_PX, Example, example_of
from .progress import tracked
from .report import Row, markdown_table
from .scores import control

MIRRORED = "truth, found in its mirror image"
"""What the finder itself is off by: the same frame, seen the other way round."""
LEAST_POINTS = 5
"""Of the nine, to be found in x0 and in the true last frame for a clip to show a person."""
TIP_PERCENT = Column("key_point_error_percent", "poked point: error, median % of the arrow", 1, np.nanmedian)
TIP_PX = Column("key_point_error_px", "the same, median px", 2, np.nanmedian)
TRACKED = Column(columns.TIP_PERCENT.key, "the same by tracking, median %", 1, np.nanmedian)
MOVED = Column("others_moved_px", "other points: motion, mean px", 2)
SPREAD = Column("others_spread_px", "their spread between variants, mean px", 2)
ERROR = Column("others_error_px", "their distance to the truth's, mean px", 2)
FOUND = Column("found_percent", "points found, %", 1, shows_interval=False)
TABLE = Table("Key points (figure 8)", (TIP_PERCENT, TIP_PX, TRACKED, MOVED, SPREAD, ERROR, FOUND))
PARTS = tuple(dict.fromkeys(name.split()[-1] for name in NAMES))
"""Parts of the body, left and right taken together."""


@dataclass(frozen=True)
class KeyPointReport:
    """The rows by name, motion and spread of the points that are not poked by row and part, and what it rests on."""

    rows: Mapping[str, Row]
    parts: Mapping[str, Mapping[str, Mapping[Column, Estimate]]]
    looked_at: int
    people: int
    """Clips that show a person, of those looked at."""
    clips: int
    """Clips in which a point moves far enough to be poked."""
    pokes: int
    arrow_px: float
    """Median length of the arrows."""

    def markdown(self) -> str:
        """The table, and what it rests on."""
        return (
            f"{markdown_table(TABLE, self.rows)}\n\n{self.looked_at} clips looked at, {self.people} with a person, {self.clips} "
            f"in which a key point moves by {SHORTEST_ARROW_PX:g} px or more; {self.pokes} pokes, one at a time, arrows of "
            f"{self.arrow_px:.1f} px (median); in brackets 95 % bootstrap intervals over clips."
        )

    def document(self) -> dict[str, object]:
        """For JSON."""
        about = {key: getattr(self, key) for key in ("looked_at", "people", "clips", "pokes", "arrow_px")}
        parts = {row: {part: _cells(cells) for part, cells in found.items()} for row, found in self.parts.items()}
        return {**about, "rows": {row: _cells(cells) for row, cells in self.rows.items()}, "parts": parts}


@dataclass(frozen=True)
class _Person:
    """A clip's points in x0 and in its true last frame, (K, 2), and those that move far enough to be poked."""

    index: int
    start: Points
    end: Points
    targets: list[int]


@dataclass(frozen=True)
class _Poked:
    """Points (V, K, 2) of a row's last frames, one poke's; `target` is the one that was poked."""

    person: _Person
    target: int
    points: Points
    tracked: Values

    @property
    def others(self) -> list[int]:
        """Points that were not poked and whose truth is known."""
        known = ~np.isnan(self.person.start + self.person.end).any(axis=1)
        return [number for number in np.flatnonzero(known) if number != self.target]

    def scores(self) -> dict[Column, Values]:
        """What the poke says about each column."""
        person, target = self.person, self.target
        error = np.linalg.norm(self.points[:, target] - person.end[target], axis=-1)
        arrow = np.linalg.norm(person.end[target] - person.start[target])
        moved, spread = self.motion(self.others)
        return {
            TIP_PERCENT: 100 * error / arrow,
            TIP_PX: error,
            TRACKED: self.tracked,
            MOVED: moved,
            SPREAD: spread,
            ERROR: np.linalg.norm(self.points - person.end, axis=-1)[:, self.others].ravel(),
            FOUND: 100.0 * ~np.isnan(self.points[:, [target, *self.others], 0]).ravel(),
        }

    def motion(self, chosen: list[int]) -> tuple[Values, Values]:
        """How far points move in each variant, and the deviation of where they end; NaN for one variant."""
        points = self.points[:, chosen]
        moved = np.linalg.norm(points - self.person.start[chosen], axis=-1).ravel()
        found = (~np.isnan(points[..., 0])).sum(axis=0)
        squares = np.nansum((points - _mean(points)) ** 2, axis=(0, 2))
        return moved, np.sqrt(squares / np.where(found > 1, found - 1, np.nan))


@torch.inference_mode()
def key_point_control(
    contestants: Contestants, store: ClipStore, count: int, seed: int, finder: KeyPointFinder
) -> KeyPointReport:
    """Poke each key point that moves, one at a time, in the first `count` clips of a store.

    Raises:
        StoreError: nobody moves in these clips.
        KeyPointError: the finder failed.
    """
    count = min(count, len(store))
    people = [person for index in range(count) if (person := _person(store, index, finder)) is not None]
    moving = [person for person in people if person.targets]
    if not moving:
        raise StoreError(
            f"In none of {count} clips a person's key point moves by {SHORTEST_ARROW_PX:g} px; take clips that people fill "
            "more than half of."
        )
    made = [list(_poked(contestants, store, person, seed, finder)) for person in tracked(moving, len(moving), "clip of figure 8")]
    rows = {row: [[poke[row] for poke in clip] for clip in made] for row in made[0][0]}
    arrows = [np.linalg.norm(person.end[target] - person.start[target]) for person in moving for target in person.targets]
    return KeyPointReport(
        {row: _summed_up([_joined([poke.scores() for poke in clip]) for clip in clips], row) for row, clips in rows.items()},
        {row: _by_part(clips) for row, clips in rows.items() if row != MIRRORED},
        count,
        len(people),
        len(moving),
        len(arrows),
        float(np.median(arrows)),
    )


def _person(store: ClipStore, index: int, finder: KeyPointFinder) -> _Person | None:
    frames = store.batch(np.array([index])).frames[0]
    start, end = finder.find(frames[0]), finder.find(frames[-1])
    length = np.linalg.norm(end - start, axis=1)
    if (~np.isnan(length)).sum() < LEAST_POINTS:
        return None
    return _Person(index, start, end, [int(target) for target in np.flatnonzero(length >= SHORTEST_ARROW_PX)])


def _poked(
    contestants: Contestants, store: ClipStore, person: _Person, seed: int, finder: KeyPointFinder
) -> Iterator[dict[str, _Poked]]:
    """Every row of each poke, the truth and its mirror image last."""
    batch = store.batch(np.array([person.index]))
    mirrored = finder.find_mirrored(batch.frames[0, -1])[None]
    for target in person.targets:
        place = np.floor(person.start[target, ::-1])[None].astype(np.int64)
        shift = (person.end[target] - person.start[target])[None].astype(np.float32)
        example = example_of(store, person.index, batch, place, shift)

        def found(clips: Tensor, points: Points, example: Example = example, target: int = target) -> _Poked:
            return _Poked(person, target, points, control(example, clips)[columns.TIP_PERCENT])

        rows = contestants.clips(example, seed + person.index)
        truth = batch.frames[:, 1:]
        yield {
            **{row: found(clips, np.stack([finder.find(clip[-1]) for clip in clips])) for row, clips in rows.items()},
            TRUTH: found(truth, person.end[None]),
            MIRRORED: found(truth, mirrored),
        }


def _by_part(clips: list[list[_Poked]]) -> dict[str, dict[Column, Estimate]]:
    found = {}
    for part in PARTS:
        scored = []
        for clip in clips:
            chosen = [(poke, [number for number in poke.others if NAMES[number].endswith(part)]) for poke in clip]
            scored.append(_joined([dict(zip((MOVED, SPREAD), poke.motion(numbers), strict=True)) for poke, numbers in chosen]))
        found[part] = _estimates(scored)
    return found


def _joined(scores: list[dict[Column, Values]]) -> dict[Column, Values]:
    return {column: np.concatenate([one[column] for one in scores]) for column in scores[0]}


def _summed_up(scored: list[dict[Column, Values]], row: str) -> dict[Column, Estimate]:
    own = {TRUTH: (TRACKED, MOVED), MIRRORED: (TIP_PERCENT, TIP_PX, MOVED, ERROR, FOUND)}
    return _estimates([{column: one[column] for column in own.get(row, one)} for one in scored])


def _estimates(scored: list[dict[Column, Values]]) -> dict[Column, Estimate]:
    found = {}
    for column in scored[0]:
        values = [one[column] for one in scored]
        width = max(len(value) for value in values)
        padded = [np.pad(value, (0, width - len(value)), constant_values=np.nan) for value in values]
        if width and (cell := estimate(np.stack(padded), column.statistic)) is not None:
            found[column] = cell
    return found


def _mean(points: Points) -> Points:
    """Of variants, (K, 2), without those in which a point is not found."""
    number = (~np.isnan(points)).sum(axis=0)
    return np.nansum(points, axis=0) / np.where(number, number, np.nan)


def _cells(row: Mapping[Column, Estimate]) -> dict[str, dict[str, float]]:
    return {column.key: asdict(cell) for column, cell in row.items()}
