"""A mask that ipoke wrote is told from every other file, and from itself after somebody has painted on it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.commands.errors import CommandError
from backend.commands.mask_file import check_signed, signed
from ipoke_media.errors import ImageError
from ipoke_media.image import read_image

MASK = cv2.imencode(".png", np.eye(40, dtype=np.uint8) * 255)[1].tobytes()


def test_a_signed_mask_is_ours_and_shows_the_same():
    check_signed(signed(MASK))
    assert np.array_equal(read_image(signed(MASK)).rgb, read_image(MASK).rgb)


def test_a_mask_that_was_painted_on_or_never_ours_is_not():
    for other in (MASK, signed(MASK)[:-20] + b"x" + signed(MASK)[-19:], signed(MASK)[:-1]):
        with pytest.raises((CommandError, ImageError)):
            check_signed(other)


@pytest.mark.parametrize("junk", [b"", b"\x89PNG\r\n\x1a\n", b"text", b"\xff\xd8\xff" * 9])
def test_what_is_no_png_is_not_ours(junk):
    with pytest.raises(ImageError):
        check_signed(junk)
