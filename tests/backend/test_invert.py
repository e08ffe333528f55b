"""Which motion of a clip is taken for its poke."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from backend.invert import strongest_motion
from backend.plate.image import PlateImage, decode_plate

SIDE_PX, FRAMES = 256, 11


def leaving(px_a_frame: float) -> Iterator[PlateImage]:
    """A texture of which the right fifth is stretched out of the picture, fastest at its edge."""
    noise = np.random.default_rng(3).integers(0, 256, (SIDE_PX, 2 * SIDE_PX), dtype=np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    rows, columns = np.indices((SIDE_PX, SIDE_PX), dtype=np.float32)
    for frame in range(FRAMES):
        gone = px_a_frame * frame * np.clip((columns - 200) / 55, 0, 1)
        grey = cv2.remap(texture, columns - gone + 40, rows, cv2.INTER_LINEAR)
        png = cv2.imencode(".png", cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))[1].tobytes()
        yield decode_plate(png, upright=True, premultiplied=False)


def test_what_leaves_the_picture_is_poked_where_its_tip_is_still_inside():
    poke = strongest_motion(leaving(1.0))
    assert poke.x > 0.8
    assert 0.02 < poke.dx <= 1 - poke.x
    assert abs(poke.dy) < 0.01
