"""Clips kept on a device are those of their store."""

import numpy as np
import pytest
import torch

from ipoke_models.data.batches import draw
from ipoke_models.data.device_clips import KeptClips
from ipoke_models.data.procedural.fresh import FreshClips
from ipoke_models.data.procedural.scene_source import SceneSource
from ipoke_models.data.store import JoinedClips
from ipoke_models.records import map_tensors

CPU = torch.device("cpu")
FIELDS = ("frames", "motion", "backward", "visible", "poke_flow", "estimated")


@pytest.fixture(scope="module")
def fresh() -> FreshClips:
    return FreshClips(SceneSource("stems", 4, 32, 10), 5, CPU)


def test_kept_clips_are_those_of_their_store_but_for_rounding(fresh: FreshClips) -> None:
    kept, numbers = KeptClips(fresh, CPU), np.array([4, 0, 4])
    assert (len(kept), kept.info, kept.infos) == (len(fresh), fresh.info, fresh.infos)
    mine, theirs = kept.batch(numbers), fresh.batch(numbers)
    for name in FIELDS:
        assert torch.allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-3, atol=0.01)
    assert mine.foreground is not None
    assert theirs.foreground is not None
    assert torch.equal(mine.foreground, theirs.foreground)
    assert np.array_equal(kept.neighbour(1), fresh.neighbour(1))


def test_kept_clips_are_drawn_and_varied_as_their_store(fresh: FreshClips) -> None:
    kept = KeptClips(fresh, CPU)
    kept.augmented = fresh.augmented = True
    mine, theirs = (draw(store, np.random.default_rng(3), 4) for store in (kept, fresh))
    assert float((mine.frames - theirs.frames).abs().max()) < 0.02


def test_kept_clips_join_others(fresh: FreshClips) -> None:
    garden = KeptClips(FreshClips(SceneSource("garden", 4, 32, 10), 3, CPU), CPU)
    joined = JoinedClips([KeptClips(fresh, CPU), garden], [0.3, 0.7])
    batch = joined.batch(np.array([6, 1, 5]))
    assert torch.equal(batch.frames[1], KeptClips(fresh, CPU).batch(np.array([1])).frames[0])
    assert torch.equal(batch.frames[[0, 2]], garden.batch(np.array([1, 0])).frames)
    assert batch.foreground is not None
    assert bool((batch.foreground[[0, 2]] == 1).all())
    assert not bool(batch.foreground[1].all())


def test_a_processor_keeps_nothing(fresh: FreshClips) -> None:
    assert not KeptClips.fit(fresh, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_a_graphics_card_draws_what_a_processor_draws(fresh: FreshClips) -> None:
    device = torch.device("cuda")
    assert KeptClips.fit(fresh, device)
    stores = KeptClips(fresh, device), KeptClips(fresh, CPU)
    for store in stores:
        store.augmented = True
    mine, theirs = (map_tensors(draw(store, np.random.default_rng(3), 4), torch.Tensor.cpu) for store in stores)
    assert float((mine.frames - theirs.frames).abs().mean()) < 0.001
