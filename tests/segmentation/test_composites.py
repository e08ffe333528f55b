from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ipoke_models.data.pictures import PictureError
from ipoke_models.segmentation.composites import Kind, random_composite
from ipoke_models.segmentation.interaction import first_click
from ipoke_models.segmentation.stock import load_stock


@pytest.fixture(scope="module")
def stock(pictures):
    return load_stock(pictures, held_out=False)


def test_no_picture_is_in_both_parts(pictures, stock):
    held_out = load_stock(pictures, held_out=True)
    assert stock.digest != held_out.digest
    assert len(stock.photographed) == len(held_out.photographed) == len(stock.photos) == len(held_out.photos) == 5
    assert len(stock.masked) == 2


@pytest.mark.parametrize("kind", Kind)
def test_masks_of_every_kind_are_nested_and_can_be_seen(stock, kind):
    rng = np.random.default_rng(3)
    for _ in range(4):
        composite = random_composite(rng, stock, 96, kind)
        assert composite.rgb.shape == (96, 96, 3)
        assert 0 <= composite.thing.min() < 0.1
        assert 0.8 < composite.thing.max() <= 1
        if composite.group is not None:
            assert (composite.group >= composite.thing - 1e-5).all()
        assert not (composite.parts[composite.thing < 0.5] >= 0).any()


def test_several_of_a_kind_have_a_group_that_is_more_than_the_thing(stock):
    rng = np.random.default_rng(1)
    found = [random_composite(rng, stock, 96, Kind.ALIKE) for _ in range(6)]
    assert any(one.group.sum() > 1.5 * one.thing.sum() for one in found)


def test_leaves_are_parts_of_their_plant(stock):
    rng = np.random.default_rng(2)
    parts = []
    for _ in range(12):
        composite = random_composite(rng, stock, 96, Kind.PLANT)
        parts.append(composite.part_at(*first_click(rng, composite.thing)))
        if parts[-1] is not None:
            assert (parts[-1] <= composite.thing).all()
    assert any(part is not None for part in parts)


def test_the_same_seed_paints_the_same_picture(stock):
    one, other = (random_composite(np.random.default_rng(5), stock, 64) for _ in range(2))
    for field in dataclasses.fields(one):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def test_bars_are_no_part_of_the_thing(stock):
    rng = np.random.default_rng(4)
    barred = [random_composite(rng, stock, 64) for _ in range(40)]
    grey = [one for one in barred if (one.rgb[0] == 127).all() or (one.rgb[:, 0] == 127).all()]
    assert grey
    for one in grey:
        assert one.thing[(one.rgb == 127).all(-1)].mean() < 0.05


def test_a_folder_without_pictures_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(PictureError, match="does not exist"):
        load_stock(tmp_path, held_out=False)
    (tmp_path / "cutouts").mkdir()
    (tmp_path / "photos").mkdir()
    with pytest.raises(PictureError, match="holds no cut-outs"):
        load_stock(tmp_path, held_out=False)
