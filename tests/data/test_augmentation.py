"""Augmented clips keep their flow true: what flow says of the changed frames is what they show."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ipoke_models.data.augmentation import LARGEST_ANGLE, Changes, change, random_changes
from ipoke_models.data.batch import Batch
from ipoke_models.networks.decoder import warp


def _batch(count: int = 1, frames: int = 2) -> Batch:
    """A smooth picture that shifts by (5, -3) px a frame; all of it can be followed back to x0."""
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.uniform(-1, 1, (count, 3, 8, 8)).astype(np.float32))
    large = F.interpolate(noise, size=(128, 128), mode="bicubic", align_corners=False).clamp(-1, 1)
    pictures = [large[..., 32 + 3 * t : 96 + 3 * t, 32 - 5 * t : 96 - 5 * t] for t in range(frames + 1)]
    times = torch.arange(1.0, frames + 1).view(1, -1, 1, 1, 1)
    flow = torch.tensor([5.0, -3.0]).view(1, 1, 2, 1, 1) * times
    return Batch(
        frames=torch.stack(pictures, 1),
        motion=flow.expand(count, -1, -1, 32, 32),
        backward=-flow.expand(count, -1, -1, 64, 64),
        visible=torch.ones(count, frames, 1, 64, 64),
        poke_flow=flow[:, -1].expand(count, -1, 64, 64),
        estimated=torch.zeros(count),
        foreground=torch.ones(count, 1, 64, 64),
        thing=torch.ones(count, 1, 64, 64),
    )


def _turned(angle: float, shift: tuple[float, float] = (0.0, 0.0)) -> Changes:
    return Changes(torch.eye(3)[None], torch.zeros(1, 3), torch.tensor([angle]), torch.tensor([shift]))


@pytest.mark.parametrize("angle", [LARGEST_ANGLE, -LARGEST_ANGLE])
def test_flow_vectors_turn_with_the_picture(angle: float) -> None:
    turned = change(_batch(), _turned(angle, (0.05, -0.03)))
    middle = np.s_[..., 20:44, 20:44]
    expected = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).float() @ torch.tensor(
        [10.0, -6.0]
    )
    assert torch.allclose(turned.poke_flow[middle].mean((0, 2, 3)), expected, atol=1e-4)
    warped = warp(turned.frames[:, 0], turned.backward[:, -1])
    unturned = warp(turned.frames[:, 0], _batch().backward[:, -1])
    error = (warped - turned.frames[:, -1])[middle].abs().mean()
    assert float(error) < 0.02
    assert float((unturned - turned.frames[:, -1])[middle].abs().mean()) > 3 * float(error)


def test_a_shift_moves_the_picture_by_its_share_of_the_side() -> None:
    batch = _batch()
    moved = change(batch, _turned(0.0, (4 / 64, -2 / 64)))
    assert torch.allclose(moved.frames[..., :62, 4:], batch.frames[..., 2:, :60], atol=1e-5)


def test_flow_is_reflected_where_the_picture_is() -> None:
    batch = _batch()
    moved = change(batch, _turned(0.0, (4 / 64, 0.0)))
    assert torch.allclose(moved.frames[..., :4], batch.frames[..., :4].flip(-1), atol=1e-5)
    assert torch.allclose(moved.poke_flow[0, 0, :, :4], torch.tensor(-10.0))
    assert torch.allclose(moved.poke_flow[0, 1, :, :4], torch.tensor(-6.0))


def test_without_changes_a_batch_stays_as_it_is() -> None:
    batch = _batch()
    same = change(batch, _turned(0.0, (0.0, 0.0)))
    assert torch.allclose(same.frames, batch.frames, atol=1e-5)
    assert torch.allclose(same.motion, batch.motion, atol=1e-5)


def test_colours_change_alike_in_all_frames_and_stay_in_range() -> None:
    still = _batch()
    batch = Batch(
        still.frames[:, :1].expand(-1, 3, -1, -1, -1),
        still.motion,
        still.backward,
        still.visible,
        still.poke_flow,
        torch.zeros(1),
    )
    for seed in range(8):
        changed = change(batch, random_changes(np.random.default_rng(seed), 1))
        assert torch.equal(changed.frames[:, 0], changed.frames[:, 2])
        assert float(changed.frames.abs().max()) <= 1
        assert changed.foreground is None


def test_grey_stays_grey_under_every_hue() -> None:
    empty = torch.zeros(1, 0, 2, 1, 1)
    grey = Batch(torch.full((1, 1, 3, 8, 8), 0.1), empty, empty, empty, torch.zeros(1, 2, 8, 8), torch.zeros(1))
    for seed in range(8):
        colours = change(grey, random_changes(np.random.default_rng(seed), 1)).frames[0, 0]
        assert float((colours.amax(0) - colours.amin(0)).max()) < 0.01
