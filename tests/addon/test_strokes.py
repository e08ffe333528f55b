from __future__ import annotations

import math

from blender_addon.core.gestures.arrows import distance_to_segment
from blender_addon.core.gestures.strokes import TOLERANCE, thinned

CURVE = [(0.5 + 0.3 * math.cos(k / 200), 0.5 + 0.3 * math.sin(k / 130)) for k in range(1500)]


def farthest(points: list[tuple[float, float]], line: tuple[tuple[float, float], ...]) -> float:
    return max(min(distance_to_segment(point, a, b) for a, b in zip(line, line[1:], strict=False)) for point in points[::25])


def test_a_stroke_keeps_its_way_with_few_points():
    line = thinned(CURVE, 256)
    assert len(line) < 100
    assert (line[0], line[-1]) == (CURVE[0], CURVE[-1])
    assert farthest(CURVE, line) <= TOLERANCE


def test_a_stroke_has_no_more_points_than_can_be_sent_and_still_goes_that_way():
    line = thinned(CURVE, 12)
    assert 2 < len(line) <= 12
    assert farthest(CURVE, line) < 0.05


def test_a_click_is_one_point_and_a_line_two():
    assert thinned([(0.2, 0.3)], 8) == ((0.2, 0.3),)
    assert thinned([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)], 8) == ((0.1, 0.1), (0.3, 0.3))
    assert thinned([(0.2, 0.3)] * 5, 8) == ((0.2, 0.3),)
