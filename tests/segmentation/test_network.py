from __future__ import annotations

import pytest
import torch

from ipoke_models.errors import ConfigError
from ipoke_models.segmentation.config import SegmenterConfig
from ipoke_models.segmentation.network import NEGATIVE, POSITIVE, click_maps, nested
from tests.segmenters import SMALL, small_network

CLICKS = torch.tensor([[[0.3, 0.4, POSITIVE], [0.8, 0.8, NEGATIVE]], [[0.5, 0.5, POSITIVE], [0.5, 0.5, 0.0]]])


def asked(clicks: torch.Tensor = CLICKS, side: int = 64):
    torch.manual_seed(1)
    return small_network()(
        torch.rand(len(clicks), 3, side, side) * 2 - 1, clicks, torch.zeros(len(clicks), 1, side // 2, side // 2)
    )


@pytest.mark.parametrize("side", [64, 96])
def test_a_square_gives_three_masks_of_half_its_side_and_a_score_each(side):
    masks = asked(side=side)
    assert masks.logits.shape == (2, 3, side // 2, side // 2)
    assert masks.scores.shape == (2, 3)
    assert ((masks.scores > 0) & (masks.scores < 1)).all()


def test_the_part_lies_in_the_thing_and_the_thing_in_the_group():
    part, thing, group = asked().logits.unbind(1)
    assert (part <= thing).all()
    assert (thing <= group).all()


def test_nesting_leaves_the_thing_as_it_is():
    logits = torch.randn(2, 3, 5, 5)
    assert torch.equal(nested(logits)[:, 1], logits[:, 1])


def test_the_same_clicks_give_the_same_bytes():
    assert torch.equal(asked().logits, asked().logits)


def test_no_click_is_as_if_it_were_not_there():
    without = asked(CLICKS[1:, :1]).logits
    assert torch.allclose(asked(CLICKS[1:]).logits, without, atol=1e-6)


def test_a_click_and_its_sign_change_what_is_found():
    other = CLICKS.clone()
    other[:, 0, 2] = NEGATIVE
    assert not torch.equal(asked().logits, asked(other).logits)


def test_a_map_is_one_at_its_click_and_falls_around_it():
    near, far, negative, _ = click_maps(torch.tensor([[[0.5 + 0.5 / 64, 0.25 + 0.5 / 64, POSITIVE]]]), 64)[0]
    assert near[16, 32] == far[16, 32] == 1
    assert near[16, 38] < far[16, 38] < 1
    assert negative.max() < 1e-6


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"size_px": 100}, "multiple of 32"),
        ({"widths": (8, 8)}, "five multiples of 8"),
        ({"likeness": 0}, "between 1 and"),
        ({"attention": 1_000_000}, "attention between"),
        ({"size_px": 2**30}, "multiple of 32"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changed, sentence):
    with pytest.raises(ConfigError, match=sentence):
        SegmenterConfig(**changed)


def test_the_scores_do_not_move_the_masks():
    network = small_network().requires_grad_(True)
    masks = network(torch.zeros(1, 3, 64, 64), CLICKS[:1], torch.zeros(1, 1, 32, 32))
    masks.scores.sum().backward()
    assert network.decoder.head.weight.grad is None
    assert SMALL.size_px == 64
