"""Examples: where true clips may be poked, and what counts as standing still in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ipoke_models.data.store import ClipStore
from ipoke_models.evaluation.examples import examples


@pytest.mark.parametrize("footage", [True, False])
def test_footage_is_poked_on_its_foreground_and_stands_still_where_little_is_estimated(
    clips: Path, tmp_path: Path, footage: bool
) -> None:
    folder = shutil.copytree(clips, tmp_path / "clips")
    shard = folder / "shard_0000"
    flow = np.full_like(np.load(shard / "poke_flow.npy"), 0.1)
    flow[:, :, 20:40, 20:40] = 4
    np.save(shard / "poke_flow.npy", flow)
    if footage:
        foreground = np.zeros((len(flow), *flow.shape[2:]), bool)
        foreground[:, 20:40, 20:30] = True
        np.save(shard / "foreground.npy", foreground)
        info = json.loads((folder / "clips.json").read_text())
        (folder / "clips.json").write_text(json.dumps({**info, "footage": True}))
    (example,) = examples(ClipStore(folder), 1, seed=0, pokes=20)
    assert example.places.min() >= 20
    assert (example.places[:, 1].max() < 30) == footage
    assert bool(example.background.any()) == footage
    assert not example.background[20:40, 20:40].any()


def test_fewer_pokes_are_the_first_ones_and_end_inside(clips: Path) -> None:
    for example in examples(ClipStore(clips), 3, seed=0, pokes=5):
        assert np.array_equal(example.first(2).pokes, example.pokes[:2])
        ends = example.pokes[:, :2] + example.pokes[:, 2:]
        assert 0 <= ends.min() <= ends.max() <= 1
