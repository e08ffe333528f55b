"""Runs the contestants over the clips and sums up what they score: the tables, as Markdown and as JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain

import numpy as np
import torch

from ..data.store import ClipStore
from . import columns
from .columns import TABLES, Column, Table
from .contestants import TRUTH, WARP, Contestants
from .estimates import Estimate, Values, estimate
from .examples import Example, examples
from .lpips import Lpips
from .progress import tracked
from .scores import Likeness, Scores, control

Row = Mapping[Column, Estimate]


@dataclass(frozen=True)
class Report:
    """The rows by name, what could not be measured and why, and what the run took."""

    rows: Mapping[str, Row]
    clips: int
    left_out: tuple[str, ...]
    took_s: float

    def markdown(self) -> str:
        """The tables that have something to show."""
        parts = [text for table in TABLES if (text := _markdown(table, self.rows))]
        return "\n\n".join([*parts, *(f"Left out: {sentence}" for sentence in self.left_out)])

    def document(self) -> dict[str, object]:
        """For JSON."""
        rows = {name: {column.key: asdict(cell) for column, cell in row.items()} for name, row in self.rows.items()}
        return {"clips": self.clips, "took_s": round(self.took_s, 1), "left_out": self.left_out, "rows": rows}


class _Sheet:
    """Collects scores, by row and column, clip by clip."""

    def __init__(self) -> None:
        self._scores: dict[str, list[Scores]] = {}

    def add(self, row: str, scores: Scores) -> None:
        self._scores.setdefault(row, []).append(scores)

    def compare(self, column: Column, baseline: str, ahead: Column) -> None:
        """Fill the column `ahead` with where a row's mean lies below that of the baseline, clip by clip."""
        for row, scored in self._scores.items():
            for scores, others in zip(scored, self._scores[baseline], strict=True):
                if row != baseline and column in scores:
                    scores[ahead] = np.array([100.0 * (scores[column].mean() < others[column].mean())])

    def rows(self) -> dict[str, dict[Column, Estimate]]:
        return {name: dict(_estimates(scored)) for name, scored in self._scores.items()}


def _estimates(scored: list[Scores]) -> list[tuple[Column, Estimate]]:
    found = []
    for column in scored[0]:
        values: Values = np.stack([scores[column] for scores in scored])
        if (cell := estimate(values, column.statistic)) is not None:
            found.append((column, cell))
    return found


@torch.inference_mode()
def evaluate(
    contestants: Contestants, store: ClipStore, count: int, seed: int, lpips: Lpips | None, left_out: tuple[str, ...] = ()
) -> Report:
    """Measure all rows on the first `count` clips of a store that can be poked."""
    started, sheet, clips = time.monotonic(), _Sheet(), 0
    for clips, example in enumerate(tracked(examples(store, count, seed), min(count, len(store)), "clip"), start=1):
        _score(sheet, example, contestants, seed + clips - 1, lpips)
    if lpips:
        sheet.compare(columns.LPIPS, WARP, columns.AHEAD_LPIPS)
    return Report(sheet.rows(), clips, left_out, time.monotonic() - started)


def _score(sheet: _Sheet, example: Example, contestants: Contestants, seed: int, lpips: Lpips | None) -> None:
    likeness = Likeness(example, lpips)
    for row, clips in contestants.clips(example, seed).items():
        sheet.add(row, control(example, clips) | likeness.scores(clips))
    sheet.add(TRUTH, control(example, example.clip[None, 1:]))


def _markdown(table: Table, rows: Mapping[str, Row]) -> str:
    shown = [column for column in table.columns if any(column in row for row in rows.values())]
    listed = {name: row for name, row in rows.items() if any(column in row for column in shown)}
    if not listed:
        return ""
    lines = [f"| {table.title} | " + " | ".join(column.heading for column in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, row in listed.items():
        cells = (_cell(column, row[column]) if column in row else "" for column in shown)
        lines.append("| " + " | ".join(chain([name], cells)) + " |")
    return "\n".join(lines)


def _cell(column: Column, cell: Estimate) -> str:
    value, low, high = (f"{number:.{column.decimals}f}" for number in (cell.value, cell.low, cell.high))
    return f"{value} ({low} to {high})" if column.shows_interval else value
