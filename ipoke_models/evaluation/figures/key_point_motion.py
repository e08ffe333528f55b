"""Figure 8 drawn: the error at the poked key point, and how far the parts of the body that were not poked move."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...metrics.estimates import Estimate
from ..columns import Column
from ..contestants import RECONSTRUCTION, STILL, UNHELD
from ..key_point_control import MOVED, PARTS, SPREAD, TIP_PX, KeyPointReport
from .plots import new_figure, save

FILE = "key_points.png"


def key_point_figure(report: KeyPointReport, file: Path) -> None:
    """Draw the report: errors with their intervals, and mean motions with the spread between variants as bars."""
    figure = new_figure(11, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    errors = {name: row[TIP_PX] for name, row in report.rows.items() if TIP_PX in row}
    values = np.array([cell.value for cell in errors.values()])
    below = values - [cell.low for cell in errors.values()]
    above = [cell.high for cell in errors.values()] - values
    left.barh(list(errors), values, xerr=[below, above], capsize=3)
    left.invert_yaxis()
    left.set_xlabel("error of the poked key point, median px")
    shown = [name for name in report.parts if name not in (UNHELD, STILL, RECONSTRUCTION)]
    for number, name in enumerate(shown):
        _bars(right, report.parts[name], (number - (len(shown) - 1) / 2) / (len(shown) + 1), 1 / (len(shown) + 1), name)
    right.set_xticks(range(len(PARTS)), PARTS)
    right.set_ylim(bottom=0)
    right.set_ylabel("motion of key points not poked, px")
    right.set_title("black: deviation between variants", fontsize=8)
    right.legend(fontsize=8)
    save(figure, file)


def _bars(axes: Any, parts: Mapping[str, Mapping[Column, Estimate]], offset: float, width: float, label: str) -> None:
    def of(column: Column) -> list[float]:
        return [parts[part][column].value if column in parts[part] else np.nan for part in PARTS]

    axes.bar(np.arange(len(PARTS)) + offset, of(MOVED), width, yerr=of(SPREAD), capsize=2, label=label)
