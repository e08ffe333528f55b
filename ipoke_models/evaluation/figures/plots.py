"""Curves and pictures on paper, by matplotlib, which is optional."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...metrics.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


class PlotError(ModelError):
    """Figures can't be drawn here."""


def require_matplotlib() -> None:
    """Say at once what would be missing in the end.

    Raises:
        PlotError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise PlotError("Figures are drawn with matplotlib, which is not installed: pip install 'ipoke[evaluate]'.")


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def save(figure: Figure, file: Path) -> None:
    """Write a PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI)


def curve(axes: Any, x: list[int], estimates: list[Estimate], label: str) -> None:
    """A line with its interval."""
    values, low, high = (np.array(part) for part in zip(*((e.value, e.low, e.high) for e in estimates), strict=True))
    axes.errorbar(x, values, yerr=[values - low, high - values], marker="o", capsize=3, label=label)


def picture(axes: Any, pixels: NDArray[Any], title: str = "", **how: Any) -> Any:
    """A picture without ticks; returns matplotlib's image."""
    axes.set_axis_off()
    axes.set_title(title, fontsize=8)
    return axes.imshow(pixels, **how)
