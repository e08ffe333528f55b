"""All figures of a model in one folder, with their numbers in figures.json and as sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ...data.store import ClipStore
from ...metrics.estimates import Estimate
from ...model import Model
from . import contact_sheet, correlation, more_pokes, transfer
from .plots import require_matplotlib
from .stills import PokedStill

NUMBERS_FILE = "figures.json"
CORRELATION_FILE = "correlation.png"


def draw_figures(
    model: Model, store: ClipStore, stills: list[PokedStill], places: list[PokedStill], count: int, seed: int, folder: Path
) -> str:
    """Draw figures 9 and 6 from `count` clips, 7 of the places and a contact sheet of the stills.

    Returns the numbers, which are also written beside the figures, as Markdown.

    Raises:
        PlotError: matplotlib is not installed.
    """
    require_matplotlib()
    pokes = more_pokes.more_pokes(model, store, count, seed, folder / more_pokes.FILE)
    moved = transfer.transfer_figure(model, store, count, seed, folder / transfer.FILE)
    followers: Mapping[str, Mapping[str, float]] = {}
    if places:
        followers = correlation.correlation_figure(model, places, seed, folder / CORRELATION_FILE)
    if stills:
        contact_sheet.contact_sheet(model, stills, seed, folder / contact_sheet.FILE)
    numbers = {
        "more_pokes": {number: {key: asdict(cell) for key, cell in row.items()} for number, row in pokes.items()},
        "transfer": {key: asdict(cell) for key, cell in moved.items()},
        "correlation": followers,
    }
    (folder / NUMBERS_FILE).write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return "\n\n".join(filter(None, (_pokes_table(pokes), _transfer_line(moved), _followers_table(followers))))


def _pokes_table(pokes: Mapping[str, Mapping[str, Estimate]]) -> str:
    headings = {
        "motion_error_px": "motion, to the true clip, px",
        "motion_spread_px": "motion, between variants, px",
        "motion_spread_percent": "the same in % of the motion",
        "picture_error_levels": "pictures, to the true clip, of 255",
        "picture_spread_levels": "pictures, between variants, of 255",
    }
    lines = ["| Pokes (figure 9) | " + " | ".join(headings.values()) + " |", "|---" * (len(headings) + 1) + "|"]
    for number, row in pokes.items():
        cells = (f"{row[key].value:.2f} ({row[key].low:.2f} to {row[key].high:.2f})" for key in headings)
        lines.append(f"| {number} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _transfer_line(moved: Mapping[str, Estimate]) -> str:
    lost = moved["lost_percent"].value
    if "transfer" not in moved:
        return "Kinematics transfer (figure 6): all transfers were lost, the flow's inverse ran away."
    transferred, random, ahead = (moved[key] for key in ("transfer", "random", "transfer_ahead_percent"))
    return (
        f"Kinematics transfer (figure 6), cosine of the motion with the source's: transfer {transferred.value:.2f} "
        f"({transferred.low:.2f} to {transferred.high:.2f}), random draw {random.value:.2f} ({random.low:.2f} to "
        f"{random.high:.2f}); the transfer is nearer in {ahead.value:.0f} % of the pairs. "
        f"{lost:.0f} % of the transfers were lost, the flow's inverse ran away."
    )


def _followers_table(followers: Mapping[str, Mapping[str, float]]) -> str:
    if not followers:
        return ""
    lines = ["| Poked place (figure 7) | follows it, % of the picture | mean motion, % of the arrow |", "|---|---|---|"]
    lines += [f"| {name} | {row['follows_percent']:.1f} | {row['motion_percent']:.1f} |" for name, row in followers.items()]
    return "\n".join(lines)
