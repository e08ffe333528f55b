"""A clip store that two processes make at once is whole, and neither of them fails."""

from pathlib import Path

import numpy as np
import pytest

from ipoke_models.data.pictures import Pictures
from ipoke_models.data.procedural.clips import procedural_clip
from ipoke_models.data.store import (
    ClipStore,
    StoreError,
    StoreInfo,
    begin_store,
    finish_store,
    remove_leftovers,
    write_shard,
)

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


def test_only_leftovers_of_shards_are_removed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in (".shard_0003.4711", ".shard_mine", ".shard_0003.old", "shard_0000"):
        (store / name).mkdir(parents=True)
        (store / name / "frames.npy").write_text("keep me")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("keep me")
    (store / ".shard_0004.1").symlink_to(tmp_path / "precious")
    (store / ".shard_0005.1").write_text("keep me")
    remove_leftovers(store)
    assert sorted(path.name for path in store.iterdir()) == sorted(
        [".shard_mine", ".shard_0003.old", "shard_0000", ".shard_0004.1", ".shard_0005.1"]
    )
    assert (tmp_path / "precious/letter.txt").read_text() == "keep me"


@pytest.mark.parametrize("note", [b"[" * 100_000, b"\xff", b"[]", b'{"size_px": NaN}', b'{"count": 1' + b"0" * 5000 + b"}"])
def test_a_note_that_cant_be_read_is_a_sentence(tmp_path: Path, note: bytes) -> None:
    (tmp_path / "clips.json").write_bytes(note)
    with pytest.raises(StoreError, match="is no clip store"):
        ClipStore(tmp_path)
