"""Which motion of a clip is taken for its poke."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from backend.client.request import InvertRequest, SampleRequest
from backend.plate.image import PlateImage, decode_plate
from backend.protocol.messages import Poke
from backend.worker.invert_job import InvertJob, strongest_motion
from backend.worker.sample_job import SampleJob
from ipoke_values import Sampling

from ..plate.files import encoded, noise
from .test_sample_job import ShiftingModel

SIDE_PX, FRAMES = 256, 11
SAMPLE_REQUEST = SampleRequest("job", b"", "plate.png", (Poke(0.2, 0.4, 0.05, 0.0),), None, 1, Sampling(3))


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


class NotedModel(ShiftingModel):
    """Notes what it was asked to invert."""

    def variant_residual(self, x0, pokes, variant, *, as_body=False, thing=None):
        self.asked, self.thing = (x0, pokes, as_body), thing
        return np.zeros((3, 8, 8), np.float32)

    def features(self, x0):
        return np.zeros(5, np.float32)


@pytest.mark.parametrize(("thing", "whole"), [(None, False), ("a mask", False), (None, True)])
def test_a_variant_is_inverted_as_it_was_drawn_at_its_things_square(thing, whole):
    plate, mask = noise(200, 100, 4), np.zeros((100, 200, 3), np.uint8)
    plate[..., 3] = 0
    plate[30:60, 20:60, 3] = mask[30:60, 20:60] = 255
    sampled = dataclasses.replace(SAMPLE_REQUEST, thing=encoded(mask) if thing else None, whole_region=whole)
    sampled = dataclasses.replace(sampled, plate=encoded(plate))
    asked = InvertRequest.of_variant("job", sampled, 0)
    model, told = NotedModel(), []
    InvertJob(asked.message(), model).run(lambda *message: told.append(message), asked.uploads().__getitem__, lambda: False)
    drawn = []

    class Drawing(ShiftingModel):
        def frames(self, x0, pokes, *rest, as_body=False, **more):
            drawn.append((x0, pokes, as_body))
            return super().frames(x0, pokes, *rest, as_body=as_body, **more)

    drawing = Drawing()
    SampleJob(sampled.message(), drawing, decode_plate(sampled.plate), sampled.uploads().__getitem__).run(
        lambda *_: None, lambda: False
    )
    for mine, its in zip(model.asked, drawn[0], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert model.asked[2] is not whole
    assert (model.thing is None) == (drawing.thing is None) == whole
    if model.thing is not None and drawing.thing is not None:
        np.testing.assert_array_equal(model.thing.mask, drawing.thing.mask)


def test_what_leaves_the_picture_is_poked_where_its_tip_is_still_inside():
    poke = strongest_motion(leaving(1.0))
    assert poke.x > 0.8
    assert 0.02 < poke.dx <= 1 - poke.x
    assert abs(poke.dy) < 0.01
