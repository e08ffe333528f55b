"""Owns what a renderer says of the pixels of a frame: which place of the still each shows, and where that was and will be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region
from .image import Field

Places = tuple[Field, Field]


@dataclass(frozen=True)
class Trace:
    """A band of a frame. Planes are (h, w); places are x and y in pixels of the plate.

    band: where it lies. shown: the matte of what moves, as it stands in the frame; still: as it stands in the still.
    source: which place of the still is shown; before, after: where that stands in the frame before and in the one after.
    moves: whether anything moves there. trust: how far the motion is known, in [0, 1].
    """

    band: Region
    shown: Field
    still: Field
    source: Places
    before: Places
    after: Places
    moves: NDArray[np.bool_]
    trust: Field
