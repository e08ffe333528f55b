"""What segmenters are asked when they are measured: composites of held-out pictures, or photographs with masks drawn by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.pictures import PictureError, read_bgr
from .composites import Kind, random_composite
from .contestants import Rgb
from .interaction import Click, Mask, first_click
from .network import POSITIVE
from .stock import Stock, load_stock

PLATE_SIDE_PX = 512
STARTS = 3
SEED = 28
COMPOSITES = 500
THINGS_FILE = "things.json"
"""A list of {name, click, ...}: the photograph NAME.jpg, the mask NAME.mask.png, a first click in fractions of the picture."""
PHOTOGRAPH = "photograph"


@dataclass(frozen=True)
class Trial:
    """A picture (H, W, 3), the thing on it (H, W), and first clicks to begin with, one at a time."""

    name: str
    kind: str
    rgb: Rgb
    wanted: Mask
    starts: tuple[Click, ...]


@dataclass(frozen=True)
class Trials:
    """`count` trials, made or read when asked for by number."""

    description: str
    kinds: tuple[str, ...]
    count: int
    trial: Callable[[int], Trial]


def open_trials(folder: Path, count: int | None = None) -> Trials:
    """The first `count` photographs of a folder with things.json, otherwise as many composites of the folder's held-out part.

    Raises:
        PictureError: the folder is missing or holds nothing of use.
    """
    if (folder / THINGS_FILE).is_file():
        entries = _entries(folder / THINGS_FILE)[:count]
        description = f"{len(entries)} photographs that no training saw, with masks drawn by hand."
        return Trials(description, (PHOTOGRAPH,), len(entries), lambda number: _photograph(folder, entries[number]))
    stock = load_stock(folder, held_out=True, side_px=PLATE_SIDE_PX)
    kinds = tuple(kind.value for kind in Kind)
    chosen = COMPOSITES if count is None else count
    return Trials(f"Held-out pictures: {stock.summary()}.", kinds, chosen, lambda number: composite_trial(stock, number))


def composite_trial(stock: Stock, number: int) -> Trial:
    """A composite of the protocol and three first clicks anywhere on its thing."""
    rng = np.random.default_rng([SEED, number])
    composite = random_composite(rng, stock, PLATE_SIDE_PX, bars=False)
    places = [first_click(rng, composite.thing) for _ in range(STARTS)]
    starts = tuple(((x + 0.5) / PLATE_SIDE_PX, (y + 0.5) / PLATE_SIDE_PX, POSITIVE) for x, y in places)
    return Trial(str(number), composite.kind.value, composite.rgb, composite.thing > 0.5, starts)


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        for entry in entries:
            str(entry["name"]), [float(value) for value in entry["click"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PictureError(f"{path} is no list of photographs with a name and a click each ({error!r}); mend it.") from error
    return list(entries)


def _photograph(folder: Path, entry: dict[str, Any]) -> Trial:
    name, (x, y) = str(entry["name"]), entry["click"]
    photo, mask = (read_bgr(folder / f"{name}{ending}") for ending in (".jpg", ".mask.png"))
    if photo is None or mask is None or photo.shape[:2] != mask.shape[:2]:
        raise PictureError(f"{folder / name}.jpg and {name}.mask.png are no photograph and a mask of its size; mend them.")
    rgb = np.ascontiguousarray(photo[..., 2::-1])
    return Trial(name, PHOTOGRAPH, rgb, mask[..., 0] > 127, ((float(x), float(y), POSITIVE),))
