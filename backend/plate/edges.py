"""Owns the soft edge of a thing that is taken out of its plate: what shows of the old background in it does not move along.

In a band along the edge, the thing's colour F is continued from its inside and the background B from beside it. A pixel I of the
band that is like B and unlike F has less of the thing than its matte says, at most a = (I - B) . (F - B) / |F - B|^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..protocol.messages import Region
from .fill import Field, Mask
from .motion import spread, step
from .region import bands, enlarged

_SIDE_PX = 1024  # of the size at which colours are continued
_BAND_PX = 3.0  # of it, from the edge inwards
_SURE = 0.95  # of a matte; what has so much, away from the edge, has the thing's colours
_LEAST_MATTE = 0.02
_DIFFERENT = (0.06, 0.2)  # parts of white, between which colours begin to tell thing and background apart
_REACH_PX = 8  # how far inside the thing its colours are looked for
_ROOM = 0.05  # parts of white that an edge's colours may be beyond those
_FAR = 4.0  # parts of white, beyond all colours
_NEARER = 1.25  # what is so near to F is all thing


def cut_out(picture: Field, matte: Field, behind: Field, white: float) -> tuple[Field, Field]:
    """The thing's own colours times its matte (h, w, C), and its matte (h, w) without what the edge has of the background.

    picture, behind: (h, w, C) with and without the thing, on a scale where `white` is white.
    """
    moving = picture - (1 - matte[..., None]) * behind
    height, width = matte.shape
    scale = min(1.0, _SIDE_PX / max(matte.shape))
    size_px = max(1, round(width * scale)), max(1, round(height * scale))
    small, colours = (
        np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA), np.float32) for plane in (matte, picture)
    )
    depth_px = cv2.distanceTransform((small > _LEAST_MATTE).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    sure = (small >= _SURE) & (depth_px > _BAND_PX)
    if not sure.any() or sure.all():
        return moving, matte
    inside = _Inside.of(colours, sure, white)
    near = 1 - step(depth_px, _BAND_PX, 2 * _BAND_PX)
    whole, lessened = Region(0, 0, width, height), matte.copy()
    for band in bands(whole):
        rows = slice(band.y, band.y + band.h)
        edge = enlarged(near, whole, band) * (matte[rows] > 0)
        if (edge > 0).any():
            usual, least, most = (enlarged(plane, whole, band) for plane in (inside.usual, inside.least, inside.most))
            lessened[rows] = _lessened(picture[rows], matte[rows], behind[rows], usual, edge, white)
            share = lessened[rows, :, None]
            alone = picture[rows] - (1 - share) * behind[rows]
            moving[rows] = alone + edge[..., None] * (np.clip(alone, share * least, share * most) - alone)
    return moving, lessened


@dataclass(frozen=True)
class _Inside:
    """Which colours (h, w, C) a thing has near each place: usually, and at least and at most."""

    usual: Field
    least: Field
    most: Field

    @classmethod
    def of(cls, colours: Field, sure: Mask, white: float) -> _Inside:
        """From the colours (h, w, C) of a picture where it is surely the thing (h, w)."""
        usual = spread(colours.transpose(2, 0, 1), sure.astype(np.float32)).transpose(1, 2, 0)
        window = np.ones((2 * _REACH_PX + 1,) * 2, np.uint8)
        far, room = np.float32(_FAR * white), np.float32(_ROOM * white)
        most, least = (cv2.dilate(np.where(sure[..., None], sign * colours, -far), window) for sign in (1, -1))
        reached = cv2.dilate(sure.astype(np.uint8), window)[..., None] > 0
        return cls(np.ascontiguousarray(usual), np.where(reached, -least - room, -far), np.where(reached, most + room, far))


def _lessened(picture: Field, matte: Field, behind: Field, inside: Field, edge: Field, white: float) -> Field:
    apart = inside - behind
    length = np.maximum((apart**2).sum(axis=2), 1e-12)
    share = np.clip(_NEARER * ((picture - behind) * apart).sum(axis=2) / length, 0, 1)
    trust = edge * step(np.sqrt(length) / np.float32(white), *_DIFFERENT)
    return np.asarray(matte + trust * (np.minimum(matte, share) - matte), np.float32)
