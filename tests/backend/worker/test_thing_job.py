"""A question for a thing is answered from mask, alpha, clean plate or network, mended by strokes, or refused in a sentence."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from backend.plate.errors import PlateError
from backend.plate.finding import Patch
from backend.plate.image import PlateImage, decode_plate, encode_png
from backend.protocol import messages as m
from backend.protocol.codec import encode
from backend.worker.model_port import JobCancelledError
from backend.worker.thing_job import ClickError, SegmenterUnavailableError, ThingJob, prompts

from ..plate.test_finding import SIZE_PX, coarse, disc, iou, scene

CLICK = m.Stroke(((0.5, 0.5),))
RED = disc(60)
PHOTO = PlateImage(scene(RED), None)
CUT_OUT = PlateImage(scene(RED), np.rint(RED * 255).astype(np.uint8))


class Network:
    """A segmenter that knows the red disc, with a part in it and a group around it."""

    max_clicks = 8

    def __init__(self, scores: Sequence[float] = (0.7, 0.9, 0.5)) -> None:
        self.asked: list[Sequence[m.Stroke]] = []
        self.keys: list[object] = []
        self._scores = scores

    def __call__(self) -> Network:
        return self

    def find(self, key, picture, strokes) -> dict[m.Level, Patch]:
        assert picture().shape == (*SIZE_PX[::-1], 3)
        self.keys.append(key)
        self.asked.append(strokes)
        masks = (disc(30), RED, disc(100))
        return {
            level: dataclasses.replace(coarse(mask, 56), score=score)
            for level, mask, score in zip(m.Level, masks, self._scores, strict=True)
        }


def no_network() -> Network:
    raise SegmenterUnavailableError("No segmenter is installed.")


def png(mask: np.ndarray) -> bytes:
    return cv2.imencode(".png", np.rint(mask * 255).astype(np.uint8))[1].tobytes()


def question(*strokes: m.Stroke, **changes) -> m.FindThing:
    asked = m.FindThing("job", "ab" * 32, strokes or (CLICK,), m.ThingStart.AUTO, True)
    return dataclasses.replace(asked, **changes)


def answer(
    asked: m.FindThing, plate: PlateImage = PHOTO, files: Sequence[bytes] = (), segmenter=no_network
) -> tuple[m.ThingFound, list[np.ndarray]]:
    """What is found, and its masks in [0, 1]."""
    store = {hashlib.sha256(file).hexdigest(): file for file in files}
    told: list[tuple[m.Message, tuple[bytes, ...]]] = []
    job = ThingJob(asked, "key", plate, store.__getitem__, segmenter)
    job.run(lambda message, *raw: told.append((message, raw)), lambda: False)
    ((found, raw),) = told
    assert isinstance(found, m.ThingFound)
    encode(found, *raw)  # it travels
    masks = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED) for file in raw]
    assert all(mask.ndim == 2 and mask.dtype == np.uint8 for mask in masks)
    return found, [mask.astype(np.float32) / 255 for mask in masks]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def of_mask(mask: np.ndarray, *strokes: m.Stroke, **changes) -> tuple[m.FindThing, bytes]:
    data = png(mask)
    asked = question(start=m.ThingStart.MASK, mask_sha256=sha256(data), **changes)
    return dataclasses.replace(asked, strokes=strokes), data


def test_alpha_says_what_the_thing_is_before_any_network_is_asked():
    found, (mask,) = answer(question(), CUT_OUT)
    assert (found.origin, found.levels, found.scores) == (m.ThingOrigin.ALPHA, (m.Level.THING,), (1.0,))
    assert np.array_equal(np.rint(mask * 255), CUT_OUT.alpha)


def test_an_own_mask_comes_before_alpha_and_is_kept_to_the_byte():
    own = disc(20, at=(0.2, 0.2))
    asked, data = of_mask(own)
    found, (mask,) = answer(asked, CUT_OUT, [data])
    assert found.origin is m.ThingOrigin.MASK
    assert np.array_equal(np.rint(mask * 255), np.rint(own * 255))


def test_the_same_mask_again_gives_the_same_file():
    asked, data = of_mask(RED)
    store = {sha256(data): data}
    files = []
    for _ in range(2):
        ThingJob(asked, "key", PHOTO, store.__getitem__, no_network).run(lambda _, file: files.append(file), lambda: False)
        store[sha256(files[-1])] = files[-1]
        asked = dataclasses.replace(asked, mask_sha256=sha256(files[-1]))
    assert files[0] == files[1]


def test_what_differs_from_the_clean_plate_comes_before_the_network():
    clean = encode_png(PlateImage(scene(np.zeros_like(RED)), None), 8)
    network = Network()
    found, (mask,) = answer(question(clean_sha256=sha256(clean)), PHOTO, [clean], network)
    assert found.origin is m.ThingOrigin.CLEAN_PLATE
    assert iou(mask, RED) > 0.97
    assert not network.asked


def test_where_the_clean_plate_is_the_same_the_network_is_asked():
    same = encode_png(PHOTO, 8)
    found, _ = answer(question(clean_sha256=sha256(same)), PHOTO, [same], Network())
    assert found.origin is m.ThingOrigin.SEGMENTER


def test_the_network_gives_three_masks_each_within_the_next_and_names_the_one_that_was_asked_for():
    network = Network()
    found, masks = answer(question(), segmenter=network)
    assert (found.origin, found.levels, found.chosen) == (m.ThingOrigin.SEGMENTER, tuple(m.Level), 1)
    assert found.scores == (0.7, 0.9, 0.5)
    assert found.is_sound
    assert iou(masks[1], RED) > 0.97
    assert (masks[0] <= masks[1]).all()
    assert (masks[1] <= masks[2]).all()
    assert network.keys == ["key"]


def test_one_of_the_networks_masks_comes_alone_where_it_is_to():
    found, (mask,) = answer(question(alone=True, level=m.Level.GROUP), segmenter=Network())
    assert (found.levels, found.chosen, found.is_sound) == ((m.Level.GROUP,), 0, False)
    assert mask.sum() > RED.sum()


@pytest.mark.parametrize("long_side_px", [0, 400, 200, 64])
def test_masks_come_at_the_long_side_that_is_asked_for(long_side_px):
    asked, data = of_mask(RED)
    for plate, question_, files in ((CUT_OUT, question(), ()), (PHOTO, question(), ()), (PHOTO, asked, [data])):
        _, masks = answer(dataclasses.replace(question_, long_side_px=long_side_px), plate, files, Network())
        assert {max(mask.shape) for mask in masks} == {long_side_px or 400}


def test_no_mask_is_larger_than_its_plate():
    _, (mask,) = answer(question(long_side_px=4000), CUT_OUT)
    assert mask.shape == SIZE_PX[::-1]


@pytest.mark.parametrize("start", ["mask", "alpha", "network"])
def test_a_stroke_adds_and_takes_away_whatever_the_thing_came_from(start):
    add, take = m.Stroke(((0.9, 0.9),), 0.05), m.Stroke(((0.5, 0.5),), 0.05, adds=False)
    asked, data = of_mask(RED, add, take)
    if start != "mask":
        asked = question(CLICK, add, take)
    found, masks = answer(asked, CUT_OUT if start == "alpha" else PHOTO, [data], Network())
    mask = masks[found.chosen]
    assert mask[270, 360] == 1
    assert mask[150, 200] == 0
    assert mask[150, 240] == 1


def test_strokes_alone_say_what_the_thing_is_where_there_is_no_network():
    found, (mask,) = answer(question(CLICK, m.Stroke(((0.2, 0.2), (0.4, 0.2)), 0.05)))
    assert found.origin is m.ThingOrigin.STROKES
    assert mask[60, 120] == 1
    assert mask[150, 200] == 0


def test_without_network_and_strokes_nothing_is_found_and_the_reason_is_told():
    found, masks = answer(question())
    assert (found.origin, found.levels, found.reason) == (m.ThingOrigin.NONE, (), "No segmenter is installed.")
    assert not masks


def test_a_network_that_finds_nothing_at_all_says_so():
    class Blind(Network):
        def find(self, key, picture, strokes):
            found = super().find(key, picture, strokes)
            return {level: dataclasses.replace(one, values=np.zeros_like(one.values)) for level, one in found.items()}

    found, masks = answer(question(), segmenter=Blind())
    assert found.origin is m.ThingOrigin.NONE
    assert "Nothing is found under the click" in found.reason
    assert not masks


def test_a_mask_of_another_size_an_empty_and_a_full_one_are_refused_in_a_sentence():
    for mask, sentence in (
        (disc(20, (100, 90)), "another size than the plate"),
        (np.zeros_like(RED), "black everywhere"),
        (np.ones_like(RED), "white everywhere"),
    ):
        asked, data = of_mask(mask)
        with pytest.raises(PlateError, match=sentence):
            answer(asked, PHOTO, [data])


def test_a_black_mask_is_good_to_paint_on_and_a_white_one_to_take_from():
    asked, data = of_mask(np.zeros_like(RED), m.Stroke(((0.5, 0.5),), 0.1))
    assert 0 < answer(asked, PHOTO, [data])[1][0].mean() < 0.2
    asked, data = of_mask(np.ones_like(RED), m.Stroke(((0.5, 0.5),), 0.1, adds=False))
    assert 0.8 < answer(asked, PHOTO, [data])[1][0].mean() < 1


def test_strokes_that_leave_nothing_of_a_mask_are_refused():
    asked, data = of_mask(disc(20), m.Stroke(((0.5, 0.5),), 0.2, adds=False))
    with pytest.raises(PlateError, match="black everywhere"):
        answer(asked, PHOTO, [data])


def test_a_mask_and_a_clean_plate_that_are_no_pictures_are_refused_by_their_names():
    asked = question(start=m.ThingStart.MASK, mask_sha256=sha256(b"junk"))
    with pytest.raises(PlateError, match="The thing's mask"):
        answer(dataclasses.replace(asked, strokes=()), PHOTO, [b"junk"])
    with pytest.raises(PlateError, match="The clean plate"):
        answer(question(clean_sha256=sha256(b"junk")), PHOTO, [b"junk"])


def test_a_clean_plate_of_another_size_is_refused():
    small = encode_png(PlateImage(scene(disc(20, (100, 90))), None), 8)
    with pytest.raises(PlateError, match="another size"):
        answer(question(clean_sha256=sha256(small)), PHOTO, [small])


def test_a_click_in_transparency_and_alpha_without_any_are_refused():
    with pytest.raises(ClickError, match="transparent; click on the thing"):
        answer(question(m.Stroke(((0.02, 0.02),))), CUT_OUT)
    with pytest.raises(PlateError, match="no alpha that says where the thing is"):
        answer(question(start=m.ThingStart.ALPHA), PHOTO)


def test_a_float_plate_with_nan_gives_a_mask():
    plate = PlateImage(scene(RED).astype(np.float32) / 255, None)
    plate.bgr[140:160, 190:210] = np.nan
    found, masks = answer(question(), plate, segmenter=Network())
    assert np.isfinite(masks[1]).all()
    assert iou(masks[1], RED) > 0.8
    assert found.is_sound


def test_a_cancelled_question_tells_nothing():
    job = ThingJob(question(), "key", CUT_OUT, {}.__getitem__, no_network)
    with pytest.raises(JobCancelledError):
        job.run(lambda *_: pytest.fail("it told"), lambda: True)


def test_a_long_stroke_is_a_few_clicks_along_it_and_of_too_many_strokes_the_first_and_last_count():
    long = m.Stroke(tuple((x, 0.5) for x in np.linspace(0, 1, 200).tolist()), 0.02)
    (row,) = prompts([long], 64)
    assert 2 < len(row.points) <= 8
    assert (row.points[0], row.points[-1], row.radius) == ((0.0, 0.5), (1.0, 0.5), 0.0)
    many = [m.Stroke(((0.1, 0.1),), 0.0, adds=index == 0) for index in range(20)]
    many.append(m.Stroke(((0.9, 0.9),)))
    kept = prompts(many, 8)
    assert len(kept) == 8
    assert (kept[0], kept[-1]) == (many[0], many[-1])
    assert [len(one.points) for one in prompts([long, long], 1)] == [1]


def test_a_mask_with_alpha_marks_by_its_alpha():
    picture = np.dstack([np.full((*RED.shape, 3), 90, np.uint8), np.rint(RED * 255).astype(np.uint8)])
    data = cv2.imencode(".png", picture)[1].tobytes()
    assert decode_plate(data).alpha is not None
    asked = dataclasses.replace(question(start=m.ThingStart.MASK, mask_sha256=sha256(data)), strokes=())
    _, (mask,) = answer(asked, PHOTO, [data])
    assert iou(mask, RED) == 1


class Everywhere(Network):
    """A network that takes the whole picture for the thing."""

    def find(self, key, picture, strokes):
        return {level: Patch(np.ones((32, 32), np.float32), 0.0, 0.0, 1.0, 0.9) for level in m.Level}


def test_what_fills_the_picture_is_no_thing():
    found, masks = answer(question(), segmenter=Everywhere())
    assert (found.origin, masks) == (m.ThingOrigin.NONE, [])
    assert "fills the picture" in found.reason
