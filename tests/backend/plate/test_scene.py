"""Several regions on one plate: each moves by its own clip, none changes a byte outside, the later one is in front."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.motion import motion_of_flows
from backend.plate.render import Renderer
from backend.plate.scene import Part, Scene, worst_seam
from backend.plate.timing import Timeline
from backend.protocol.messages import Loop, Region, Seam

from .test_render import KINDS, REGION, card, card_flow, flow_of, outside, plate_of, random_flow, same

LEFT, RIGHT = Region(10, 30, 200, 300), Region(230, 60, 240, 300)
ONCE = Timeline(np.array([[0.0, 1.0]]), None)


def part(plate, region: Region, flow: np.ndarray, plan: Timeline = ONCE, **given) -> Part:
    return Part(Renderer(plate, region, motion_of_flows([flow], [None]), **given), plan)


@pytest.mark.slow
@KINDS
def test_regions_apart_look_as_each_alone_and_the_rest_stays_to_the_byte(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    parts = [part(plate, LEFT, random_flow(1, 6)), part(plate, RIGHT, random_flow(2, 6))]
    both = Scene(parts).frame(0)
    for own, region in zip(parts, (LEFT, RIGHT), strict=True):
        alone = own.renderer.frame(np.array([0.0, 1.0]))
        assert same(both, alone, ~outside(region))
        assert not same(both, plate, ~outside(region))
    assert same(both, plate, outside(LEFT) & outside(RIGHT))


@pytest.mark.slow
def test_a_lock_holds_over_all_regions_once():
    plate = plate_of()
    lock = np.zeros(plate.bgr.shape[:2], np.float32)
    lock[:, 100:300], lock[:, 160:260] = 0.5, 1.0
    parts = [part(plate, region, random_flow(3, 6), lock=lock) for region in (LEFT, RIGHT)]
    both = Scene(parts).frame(0)
    assert same(both, plate, lock == 1)
    soft = (lock == 0.5) & ~outside(LEFT)
    assert same(both, parts[0].renderer.frame(np.array([0.0, 1.0])), soft)


def test_where_regions_overlap_the_later_one_carries_on_what_the_earlier_one_moved():
    plate = plate_of(alpha=False)
    first, second = Region(40, 40, 320, 320), Region(120, 80, 320, 300)
    one, two = (part(plate, region, flow_of(shift, 0)) for region, shift in ((first, 2), (second, 1)))
    both = Scene([one, two]).frame(0).bgr
    middle = (slice(180, 220), slice(220, 280))
    moved_px = 2 * first.w / 64 + 1 * second.w / 64
    rows, columns = np.indices(plate.bgr.shape[:2], dtype=np.float32)
    expected = cv2.remap(plate.bgr, columns + np.float32(moved_px), rows, cv2.INTER_CUBIC)
    assert np.abs(both[middle].astype(int) - expected[middle]).max() <= 3


def test_the_later_thing_passes_in_front_of_the_earlier_one():
    plate = card(alpha=False)
    plate.bgr[170:230, 320:368] = (220, 0, 0)
    flow = np.zeros((2, 64, 64), np.float32)
    flow[0, 26:38, 41:53] = 9
    blue = part(plate, REGION, flow, clean=card(alpha=False))
    red = card(alpha=False)
    red.bgr[...] = plate.bgr
    red.bgr[170:230, 220:280] = (0, 255, 0)
    frame = Scene([blue, part(plate, REGION, card_flow(-6, 0), clean=red)]).frame(0).bgr
    is_red, is_blue = frame[..., 2] > 100, frame[..., 0] > 110
    assert is_red[175:225, 248:300].all()
    assert is_blue[175:225, 308:328].all()
    assert (frame[175:225, 225:240, 1] > 200).all()
    assert (frame[175:225, 336:352, 1] > 200).all()


@pytest.mark.parametrize(
    ("first", "second", "worst"),
    [
        (Seam(Loop.CLOSED, 0.1, 0.2, 1.0), Seam(Loop.CLOSED, 0.1, 0.2, 0.5), 1),
        (Seam(Loop.PING_PONG, 0.1, 0.1, 1.0), Seam(Loop.CLOSED, 0.9, 0.9, 1.0), 0),
        (Seam(Loop.CLOSED, 0.0, 0.0, 0.0), Seam(Loop.CLOSED, 0.9, 0.9, 1.0), 0),
    ],
)
def test_the_scene_tells_the_worst_seam(first, second, worst):
    plate = plate_of()
    plans = [Timeline(ONCE.rows, seam) for seam in (first, second)]
    parts = [part(plate, region, flow_of(1, 0), plan) for region, plan in zip((LEFT, RIGHT), plans, strict=True)]
    assert worst_seam([part.plan for part in parts]) == (first, second)[worst]
