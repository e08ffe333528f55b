"""A sheet to look at: stills with their arrows, and variants with how the picture along the arrow changes in time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipoke_values import Sampling

from ...data.optical_flow import to_bytes
from ...model import Model
from ..progress import tracked
from .stills import PokedStill

FILE = "contact_sheet.png"
VARIANTS = 4
_CELL_PX = 192
_STRIP_PX = 44
_GAP_PX = 4
_ARROW_BGR = (40, 40, 255)
_BEYOND = 0.15
"""How far the line of a strip reaches beyond both ends of the arrow, in sides of the still."""
Picture = NDArray[np.uint8]


@torch.inference_mode()
def contact_sheet(model: Model, stills: list[PokedStill], seed: int, file: Path) -> None:
    """Write one row a still: the arrow on it, then each variant's last frame, and under it its strip.

    A strip shows the line through the arrow, tail to tip from left to right, at all instants from top to bottom.
    """
    rows = [
        _row(still, model.sample(still.x0, still.pokes, VARIANTS, Sampling(seed)))
        for still in tracked(stills, len(stills), "still")
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.concatenate(rows))


def _row(still: PokedStill, clips: Tensor) -> Picture:
    cells = [_cell(_with_arrow(still), _strip(still, still.x0[None]))]
    for clip in clips:
        whole = torch.cat([still.x0[None], clip])
        cells.append(_cell(_shown(clip[-1]), _strip(still, whole)))
    return np.concatenate(cells, axis=1)


def _cell(frame: Picture, strip: Picture) -> Picture:
    return cv2.copyMakeBorder(np.concatenate([frame, strip]), 0, _GAP_PX, 0, _GAP_PX, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _shown(frame: Tensor) -> Picture:
    bgr = cv2.cvtColor(to_bytes(frame), cv2.COLOR_RGB2BGR)
    return np.asarray(cv2.resize(bgr, (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def _with_arrow(still: PokedStill) -> Picture:
    x, y, dx, dy = (_CELL_PX * value for value in still.pokes[0])
    tail, tip = (round(x), round(y)), (round(x + dx), round(y + dy))
    shown = _shown(still.x0)
    cv2.arrowedLine(shown, tail, tip, (255, 255, 255), 4, cv2.LINE_AA, tipLength=0.3)
    cv2.arrowedLine(shown, tail, tip, _ARROW_BGR, 2, cv2.LINE_AA, tipLength=0.3)
    return shown


def _strip(still: PokedStill, frames: Tensor) -> Picture:
    x, y, dx, dy = still.pokes[0]
    size_px, beyond = still.x0.shape[-1], _BEYOND / float(np.hypot(dx, dy))
    along = np.linspace(-beyond, 1 + beyond, _CELL_PX)
    columns, rows = ((start + along * step) * size_px - 0.5 for start, step in ((x, dx), (y, dy)))
    maps = columns[None].astype(np.float32), rows[None].astype(np.float32)
    lines = [cv2.remap(frame, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for frame in to_bytes(frames)]
    strip = cv2.cvtColor(np.concatenate(lines), cv2.COLOR_RGB2BGR)
    return np.asarray(cv2.resize(strip, (_CELL_PX, _STRIP_PX), interpolation=cv2.INTER_NEAREST), np.uint8)
