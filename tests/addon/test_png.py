from __future__ import annotations

import cv2
import numpy as np
import pytest

from blender_addon.core.png import encode


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_come_back_from_a_png_as_they_were(kind, channels):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (7, 11, channels), kind, endpoint=True)
    read = cv2.imdecode(np.frombuffer(encode(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read.dtype == kind
    assert (read[..., [2, 1, 0, 3][:channels]] == pixels).all()
    assert encode(pixels[::-1][::-1]) == encode(pixels), "whatever their order in memory"
