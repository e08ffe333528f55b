"""What a model that sees the thing is shown of a clip, and what it is to say of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ipoke_models.data.batch import Batch
from ipoke_models.data.things import MOST_PINS, mask_of, shift_of, shown_thing

COUNT = 12


@pytest.fixture
def batch() -> Batch:
    """A thing of 31 x 40 px before what stands still: its right part goes 6 px to the right, its left part holds."""
    mask, flow = torch.zeros(COUNT, 1, 64, 64), torch.zeros(COUNT, 10, 2, 64, 64)
    mask[..., 11:42, 11:51] = 1
    flow[:, :, 0, 11:42, 31:51] = torch.linspace(0.6, 6, 10)[:, None, None]
    halved = torch.nn.functional.avg_pool2d(flow.flatten(0, 1), 2).view(COUNT, 10, 2, 32, 32)
    nothing = torch.zeros(COUNT, 10, 2, 64, 64)
    frames = torch.zeros(COUNT, 11, 3, 64, 64)
    return Batch(frames, halved, nothing, nothing[:, :, :1], flow[:, -1], torch.zeros(COUNT), thing=mask)


def shown(batch: Batch, seed: int) -> torch.Tensor:
    return shown_thing(batch, np.random.default_rng(seed), COUNT, slice(None), 5)


def test_pins_are_windows_where_the_thing_holds_and_in_some_clips_alone(batch: Batch) -> None:
    maps = torch.cat([shown(batch, seed) for seed in range(8)])
    assert torch.equal(maps[:COUNT, :1], mask_of(batch))
    pinned = maps[:, 1].flatten(1).any(dim=1)
    assert 0.15 < float(pinned.float().mean()) < 0.6
    assert int(maps[:, 1].flatten(1).sum(dim=1).max()) <= MOST_PINS * 25
    rows, columns = torch.nonzero(maps[:, 1].amax(dim=0), as_tuple=True)
    assert rows.min() >= 11 - 3
    assert columns.min() >= 11 - 3
    assert columns.max() < 31 + 3  # a window reaches two pixels beyond its middle


def test_what_moves_everywhere_gets_no_pin(batch: Batch) -> None:
    assert not shown(replace(batch, motion=torch.ones_like(batch.motion)), 0)[:, 1].any()


def test_this_processs_share_is_what_all_of_them_draw(batch: Batch) -> None:
    part = slice(4, 8)
    mine = replace(batch, motion=batch.motion[part], poke_flow=batch.poke_flow[part], thing=mask_of(batch)[part])
    assert torch.equal(shown_thing(mine, np.random.default_rng(2), COUNT, part, 5), shown(batch, 2)[part])


def test_the_shift_at_the_edge_of_the_thing_is_the_things_own(batch: Batch) -> None:
    shift, cover = shift_of(batch)
    counted = cover[0, 0, 0] > 0
    assert counted[5, 20]  # half of it is beside the thing
    assert torch.allclose(shift[:, -1, 0][:, counted & (torch.arange(32) > 15)], torch.tensor(6.0), atol=1e-5)
    assert not cover[0, 0, 0][:5].any()


def test_of_clips_that_know_no_thing_it_is_everywhere(batch: Batch) -> None:
    unknown = replace(batch, thing=None)
    assert mask_of(unknown).all()
    assert torch.equal(shift_of(unknown)[0], batch.motion)
