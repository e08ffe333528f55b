"""What torch renders is what the renderer of stores renders, within a stated tolerance; its motions are the same motions."""

import numpy as np
import pytest
import torch

from ipoke_models.data.pictures import Pictures
from ipoke_models.data.procedural.clips import render
from ipoke_models.data.procedural.motion import Bend, Bumps, Chain, Shift
from ipoke_models.data.procedural.recipes import RECIPES, scene_of
from ipoke_models.data.procedural.scenes import Layer, Patch, Scene
from ipoke_models.data.procedural.torch_motion import signature, stack
from ipoke_models.data.procedural.torch_render import RenderedBatch, render_batch
from tests.data.test_motion import DEFORMATIONS, FRAMES

CPU = torch.device("cpu")
GRID = np.stack(np.meshgrid(np.arange(0, 64, 3), np.arange(0, 64, 3)), -1).astype(np.float32).reshape(-1, 2)
# OpenCV rounds places to a 32nd of a pixel: a few levels at the sharpest edge, and another owner where coverage is one half.
MEAN_LEVELS, MOST_LEVELS, SHARE_OF_OTHER_OWNERS, FLOW_PX = 0.1, 12.0, 0.003, 0.01


@pytest.mark.parametrize("motion", DEFORMATIONS.values(), ids=DEFORMATIONS.keys())
def test_a_stacked_motion_moves_points_as_the_motion_does(motion: Chain) -> None:
    stacked = stack([motion, motion], CPU)
    points = torch.from_numpy(GRID)[None, :, None].expand(2, -1, -1, -1)
    there = motion.forward(GRID, FRAMES).swapaxes(0, 1)
    moved = stacked.forward(points).expand(-1, -1, FRAMES, -1)
    np.testing.assert_allclose(moved[1].numpy(), there, atol=2e-3)
    np.testing.assert_allclose(stacked.inverse(moved)[0].numpy(), GRID[:, None].repeat(FRAMES, 1), atol=0.02)


def test_chains_with_unlike_numbers_of_bumps_stack_and_each_keeps_its_own() -> None:
    one = Bumps(GRID[[5]], np.array([9.0], np.float32), np.full((FRAMES, 1, 2), 2.0, np.float32))
    two = Bumps(GRID[[40, 99]], np.array([7.0, 5.0], np.float32), np.full((FRAMES, 2, 2), -1.0, np.float32))
    stacked = stack([Chain((one,)), Chain((two,))], CPU).forward(torch.from_numpy(GRID)[None, :, None].expand(2, -1, -1, -1))
    for moved, bumps in zip(stacked, (one, two), strict=True):
        np.testing.assert_allclose(moved.numpy(), Chain((bumps,)).forward(GRID, FRAMES).swapaxes(0, 1), atol=1e-3)


def test_only_chains_of_the_same_kinds_have_the_same_signature() -> None:
    kinds = {signature(motion) for motion in DEFORMATIONS.values()}
    assert signature(DEFORMATIONS["bend"]) == signature(DEFORMATIONS["bend that turns all alike"]) == ("Bend",)
    assert len(kinds) == len(DEFORMATIONS) - 1


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_batch_is_what_the_renderer_of_stores_paints(recipe: str) -> None:
    scenes = [scene_of(recipe, 8, index, Pictures(), 64, FRAMES) for index in range(5)]
    _assert_alike(scenes, render_batch(scenes, 64, FRAMES, CPU), 64)


def test_parts_beyond_the_picture_and_still_ones_agree_too() -> None:
    rng = np.random.default_rng(0)
    patch = Patch(np.concatenate([rng.random((30, 20, 3)), np.ones((30, 20, 1))], -1).astype(np.float32), (-12, 40))
    away = Patch(patch.texture, (90, -70))
    wave = np.linspace(0, 1, FRAMES, dtype=np.float32)
    shift, bend = Shift(wave[:, None] * np.float32([-9, 6])), Bend(np.float32([50, 0]), 30.0, 1.0, 0.7 * wave)
    layers = (Layer(away), Layer(patch, Chain((shift,))), Layer(Patch(patch.texture, (20, 3))), Layer(away, Chain((bend,))))
    scene = Scene(rng.random((48, 48, 3)).astype(np.float32), layers)
    rendered = render_batch([scene], 48, FRAMES, CPU)
    _assert_alike([scene], rendered, 48)
    assert rendered.neighbour.any()


def _assert_alike(scenes: list[Scene], rendered: RenderedBatch, size_px: int) -> None:
    clips, batch = [render(scene, size_px, FRAMES) for scene in scenes], rendered.batch
    frames = np.stack([clip.frames for clip in clips]).transpose(0, 1, 4, 2, 3)
    levels = np.abs((batch.frames.numpy() + 1) * 127.5 - frames)
    assert levels.mean() < MEAN_LEVELS
    assert levels.max() < MOST_LEVELS
    backward = np.stack([clip.backward for clip in clips]).transpose(0, 1, 4, 2, 3)
    forward = np.stack([clip.forward for clip in clips]).transpose(0, 1, 4, 2, 3)
    halved = forward.reshape(*forward.shape[:3], size_px // 2, 2, size_px // 2, 2).mean((4, 6))
    for mine, truth in ((batch.backward, backward), (batch.poke_flow, forward[:, -1]), (batch.motion, halved)):
        assert mine.shape == truth.shape
        assert (np.abs(mine.numpy() - truth) > FLOW_PX).any(-3).mean() < SHARE_OF_OTHER_OWNERS
    visible = np.stack([clip.visible for clip in clips])[:, :, None]
    assert (batch.visible.numpy() != visible).mean() < SHARE_OF_OTHER_OWNERS
    neighbour = np.stack([clip.neighbour for clip in clips])
    assert (rendered.neighbour.numpy() != neighbour).mean() < SHARE_OF_OTHER_OWNERS
    thing = np.stack([clip.thing for clip in clips])
    assert not (thing & neighbour).any()
    assert (batch.thing[:, 0].numpy() != thing).mean() < SHARE_OF_OTHER_OWNERS
    grounds = [clip.foreground for clip in clips if clip.foreground is not None]
    assert (batch.foreground is None) == (not grounds)
    if batch.foreground is not None:
        assert batch.foreground.any()
        assert (batch.foreground[:, 0].numpy() != np.stack(grounds)).mean() < SHARE_OF_OTHER_OWNERS
