from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ipoke_models.errors import CheckpointError
from ipoke_models.segmentation import Stroke, StrokeError, load_segmenter
from ipoke_models.segmentation import segmenter as inside
from ipoke_models.segmentation.folder import save_segmenter
from ipoke_models.segmentation.salience import Salience
from ipoke_models.segmentation.squares import moved

TAP = Stroke(((0.4, 0.5),))
MORE = [TAP, Stroke(((0.6, 0.6), (0.62, 0.6))), Stroke(((0.1, 0.1),), positive=False)]


@pytest.fixture(scope="module")
def segmenter(model_folder):
    return load_segmenter(model_folder)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 255, (90, 140, 3), np.uint8)


@pytest.mark.parametrize("strokes", [[TAP], MORE])
def test_strokes_give_three_nested_masks_at_the_pictures_pixels(segmenter, picture, strokes):
    found = segmenter.masks(segmenter.prepare(picture), strokes)
    part, thing, group = found.on_picture((140, 90))
    assert part.shape == (90, 140)
    assert (part <= thing).all()
    assert (thing <= group).all()
    assert 0 <= group.min() <= group.max() <= 1
    assert all(0 < one.score < 1 and len(set(one.values.shape)) == 1 for one in (found.part, found.thing, found.group))


def test_the_masks_depend_on_picture_and_strokes_alone(segmenter, picture):
    used = segmenter.prepare(picture)
    for strokes in ([Stroke(((0.9, 0.1),))], MORE[:2], MORE, [TAP], MORE):
        last = segmenter.masks(used, strokes)
    fresh = segmenter.masks(segmenter.prepare(picture.copy()), MORE)
    assert np.array_equal(last.on_picture((140, 90)), fresh.on_picture((140, 90)))


def test_a_second_stroke_in_the_same_squares_encodes_nothing_again(segmenter, picture, monkeypatch):
    prepared = segmenter.prepare(picture)
    segmenter.masks(prepared, [TAP])
    squares = set(prepared.views)
    encoded = []
    encode = segmenter.network.encoder.forward
    monkeypatch.setattr(segmenter.network.encoder, "forward", lambda rgb: encoded.append(1) or encode(rgb))
    segmenter.masks(prepared, [TAP, Stroke(((0.41, 0.51),), positive=False)])
    assert len(encoded) == len(set(prepared.views) - squares)


def test_a_prepared_picture_keeps_few_squares(segmenter, picture):
    prepared = segmenter.prepare(picture)
    for x in np.linspace(0.02, 0.98, 15):
        segmenter.masks(prepared, [Stroke(((float(x), 0.5),))])
    assert len(prepared.views) <= 6
    assert all(len(view.found) <= segmenter.max_clicks for view in prepared.views.values())
    assert len(prepared.shown) <= segmenter.max_clicks


def test_a_correction_begins_with_what_was_shown(segmenter, picture, monkeypatch):
    prepared = segmenter.prepare(picture)
    before = segmenter.masks(prepared, [TAP]).thing
    seen = []
    decode = segmenter.network.decoder.forward
    monkeypatch.setattr(segmenter.network.decoder, "forward", lambda *given: seen.append(given[3]) or decode(*given))
    after = segmenter.masks(prepared, [TAP, Stroke(((0.41, 0.51),), positive=False)]).thing
    wanted = moved(before.values, before.square, after.square, segmenter.size_px // 2)
    assert any(np.allclose(given[0, 0].numpy(), wanted) for given in seen)


@pytest.mark.parametrize("adds", [True, False])
def test_a_stroke_that_adds_takes_nothing_away_and_one_that_takes_away_adds_nothing(segmenter, picture, monkeypatch, adds):
    def told(picture, square, mask, clicks):
        """Rows above the middle for one click, columns left of it for two."""
        half = np.zeros((64, 64), np.float32)
        half[(slice(32), slice(None))[:: 1 if len(clicks) == 1 else -1]] = 1
        return half

    monkeypatch.setattr(inside, "told_by_colours", told)
    prepared = segmenter.prepare(picture)
    before = segmenter.masks(prepared, [TAP]).thing
    after = segmenter.masks(prepared, [TAP, Stroke(((0.41, 0.51),), positive=adds)]).thing
    kept, asked = moved(before.values, before.square, after.square, 64), told(picture, after.square, after.values, [1, 2])
    assert np.array_equal(after.values, np.maximum(kept, asked) if adds else np.minimum(kept, asked))
    assert not np.array_equal(after.values, asked)


def test_what_stands_out_under_a_first_click_is_the_thing(model_folder, tmp_path):
    from tests.segmenters import small_network

    network, salience = small_network(), Salience()
    network.decoder.head.weight.zero_()
    network.decoder.head.bias.fill_(1.0)  # of everything it is rather sure
    save_segmenter(tmp_path / "two", network, "two", "# two\n", salience)
    both = load_segmenter(tmp_path / "two")
    assert (tmp_path / "two/model.safetensors").stat().st_size > (model_folder / "model.safetensors").stat().st_size
    both.salience.forward = lambda rgb: 12 * (rgb[:, :1] - 0.5)
    picture = np.full((96, 96, 3), 20, np.uint8)
    picture[10:86, 8:80] = 250
    prepared = both.prepare(picture)
    part, thing, group = both.masks(prepared, [TAP]).on_picture((96, 96)) > 0.5
    assert ((thing == (picture[..., 0] > 127)).mean()) > 0.97
    assert (part <= thing).all()
    assert (thing <= group).all()
    assert both.masks(prepared, [Stroke(((0.02, 0.02),))]).thing.values.mean() > 0.9


@pytest.mark.parametrize(
    ("strokes", "sentence"),
    [
        ([], "no stroke that adds"),
        ([Stroke(((0.5, 0.5),), positive=False)], "no stroke that adds"),
        ([Stroke(((0.5, 1.5),))], "is not on the picture"),
        ([Stroke(((float("nan"), 0.5),))], "is not on the picture"),
        ([Stroke(((0.5, 0.5),) * 7)], "takes 6"),
    ],
)
def test_strokes_that_cannot_be_are_refused_in_one_sentence(segmenter, picture, strokes, sentence):
    with pytest.raises(StrokeError, match=sentence):
        segmenter.masks(segmenter.prepare(picture), strokes)


@pytest.mark.parametrize(
    "picture", [np.zeros((90, 140), np.uint8), np.zeros((90, 140, 3), np.float32), np.zeros((4, 90, 3), np.uint8)]
)
def test_pictures_that_cannot_be_are_refused_in_one_sentence(segmenter, picture):
    with pytest.raises(StrokeError, match=r"needs RGB|at least"):
        segmenter.prepare(picture)


def test_clicks_on_the_pictures_far_corner_are_on_it(segmenter, picture):
    segmenter.masks(segmenter.prepare(picture), [Stroke(((1.0, 1.0),))])


def test_a_folder_is_read_back_as_it_was_written_in_half_precision(segmenter, model_folder):
    from tests.segmenters import small_network

    written = small_network().state_dict()
    assert segmenter.card == "# small\n"
    for name, tensor in segmenter.network.state_dict().items():
        assert torch.equal(tensor, written[name].half().float()), name


def test_a_damaged_or_foreign_folder_is_refused_in_one_sentence(model_folder, tmp_path):
    document = json.loads((model_folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**document, "format": "ipoke-model-1"}))
    with pytest.raises(CheckpointError, match="another version"):
        load_segmenter(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        load_segmenter(tmp_path)
    data = bytearray((model_folder / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"another SHA-256|not finite"):
        load_segmenter(tmp_path)


def test_an_unknown_name_is_refused_in_one_sentence():
    with pytest.raises(CheckpointError, match="is no model folder"):
        load_segmenter("nothing-of-the-kind")
