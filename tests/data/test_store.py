"""A clip store that two processes make at once is whole, and neither of them fails."""

from pathlib import Path

import numpy as np

from ipoke_models.data.pictures import Pictures
from ipoke_models.data.procedural import procedural_clip
from ipoke_models.data.store import ClipStore, StoreInfo, begin_store, finish_store, write_shard

SIZE_PX, FRAMES = 32, 2


def test_who_comes_second_leaves_the_first_ones_shard_and_mark(tmp_path: Path) -> None:
    store, info = tmp_path / "store", StoreInfo(SIZE_PX, FRAMES, 2, 1, "none")
    clips = [procedural_clip(1, index, Pictures(), SIZE_PX, FRAMES) for index in range(2)]
    for _ in range(2):
        begin_store(store, info)
    for step in (lambda: write_shard(store, 0, clips), lambda: finish_store(store)):
        for _ in range(2):
            step()
    assert len(ClipStore(store)) == 2
    assert sorted(path.name for path in store.iterdir()) == ["clips.json", "shard_0000"]
    shown = ClipStore(store).batch(np.arange(2)).frames
    assert np.array_equal(np.rint((shown[1, 0].permute(1, 2, 0).numpy() + 1) * 127.5), clips[1].frames[0])
