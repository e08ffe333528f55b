"""Footage becomes a clip store once, goes on where it was interrupted, and names what it leaves out."""

import os
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.data.clips import Portion, open_clips, open_training_clips
from ipoke_models.data.footage import store as module
from ipoke_models.data.footage.layouts import LAYOUTS, Part
from ipoke_models.data.footage.sources import FootageError
from ipoke_models.data.footage.store import FootageOptions, footage_store
from ipoke_models.data.pictures import Pictures
from ipoke_models.data.procedural.clips import procedural_clip
from ipoke_models.data.store import ClipStore, JoinedClips, StoreError, StoreInfo, begin_store, finish_store, write_shard
from ipoke_models.training.presets import PRESETS
from tests.data.small_footage import moving_square, write_pictures, write_video

SIZE_PX, FRAMES = 32, 2


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    folder = tmp_path / "footage"
    write_video(folder / "a.avi", moving_square(6, seed=1))
    write_video(folder / "b.mp4", moving_square(6, seed=2))
    write_pictures(folder / "c", moving_square(6, seed=3))
    return folder


def _options(tmp_path: Path, **given) -> FootageOptions:
    return FootageOptions(cache=tmp_path / "cache", **given)


def _made(footage: Path, options: FootageOptions, part: Part = Part.WHOLE) -> ClipStore:
    return footage_store(footage, part, options, SIZE_PX, FRAMES)


def test_the_parts_share_no_source(footage: Path, tmp_path: Path) -> None:
    train, held_out = (_made(footage, _options(tmp_path), part) for part in (Part.TRAIN, Part.HELD_OUT))
    assert (len(train), len(held_out)) == (8, 4)
    assert train.info.footage
    assert "2 sources" in train.info.pictures
    assert "1 sources" in held_out.info.pictures


def test_a_clip_holds_frames_flow_and_no_neighbour(footage: Path, tmp_path: Path) -> None:
    store = _made(footage, _options(tmp_path, frame_step=2))
    batch = store.batch(np.arange(len(store)))
    assert len(store) == 3 * 2
    assert batch.frames.shape == (6, FRAMES + 1, 3, SIZE_PX, SIZE_PX)
    assert batch.backward.shape == (6, FRAMES, 2, SIZE_PX, SIZE_PX)
    assert batch.foreground is None
    assert not store.neighbour(0).any()
    # A pixel or two at the square's edge are estimated too fast.
    assert float(batch.poke_flow[:, 0].quantile(0.99)) == pytest.approx(2 * 2 * 2 * SIZE_PX / 96, rel=0.1)


def test_people_are_kept_as_the_foreground_of_pokes(footage: Path, tmp_path: Path) -> None:
    store = _made(footage, _options(tmp_path, people=True))
    batch = store.batch(np.arange(2))
    assert batch.foreground is not None
    assert batch.foreground.shape == (2, 1, SIZE_PX, SIZE_PX)


def test_the_first_clips_show_all_sources(footage: Path, tmp_path: Path) -> None:
    store = _made(footage, _options(tmp_path))
    ground = store.batch(np.arange(6)).frames[:, 0, :, 30, 30]
    assert len(np.unique((ground * 10).round(), axis=0)) == 3


def test_clips_are_made_once_and_anew_when_footage_or_options_change(
    footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = _options(tmp_path)
    _made(footage, options)
    capsys.readouterr()
    _made(footage, options)
    assert capsys.readouterr().err == ""
    _made(footage, _options(tmp_path, stride=2))
    os.utime(footage / "a.avi", ns=(1, 1))
    _made(footage, options)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_an_interrupted_store_goes_on_with_what_is_missing(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "SHARD_CLIPS", 5)
    write = module.write_shard

    def interrupted(store, number, clips):
        if number == 1:
            raise KeyboardInterrupt
        write(store, number, clips)

    monkeypatch.setattr(module, "write_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _made(footage, _options(tmp_path))
    (half,) = (tmp_path / "cache").glob("*/whole")
    (half / ".shard_0001.77").mkdir()
    monkeypatch.setattr(module, "write_shard", write)
    capsys.readouterr()
    assert len(_made(footage, _options(tmp_path))) == 12
    progress = capsys.readouterr().err
    assert "source" not in progress
    assert "shard 2 of 2, about 0 s left" in progress
    assert not list(half.glob(".shard_*"))


def test_broken_and_short_sources_are_named_and_skipped(
    footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (footage / "broken.mp4").write_bytes(b"no video")
    (footage / "empty.mkv").touch()
    write_video(footage / "short.avi", moving_square(2))
    (write_pictures(footage / "torn", moving_square(9)) / "5.png").write_bytes(b"")
    assert len(_made(footage, _options(tmp_path))) == 12 + 2
    said = capsys.readouterr().err
    assert "broken.mp4 is skipped, nothing of it can be decoded: " in said
    assert "empty.mkv is skipped, nothing of it can be decoded: " in said
    assert "short.avi is skipped: 2 frames, a clip takes 3." in said
    assert "torn is used up to frame 4 of 9: 5.png can't be decoded, or has another size." in said


def test_footage_without_one_usable_source_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_video(tmp_path / "footage" / "short.avi", moving_square(2))
    with pytest.raises(FootageError, match="None of the 1 sources of the whole part holds 3 frames"):
        _made(tmp_path / "footage", _options(tmp_path))


def test_an_unknown_estimator_is_refused_in_a_sentence(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="no flow estimator 'raft'"):
        _made(footage, _options(tmp_path, flow="raft"))


def test_a_layout_may_draw_all_sources_alike(tmp_path: Path) -> None:
    write_video(tmp_path / "plants" / "long.avi", moving_square(20, seed=1))
    write_video(tmp_path / "plants" / "short.avi", moving_square(10, seed=2))
    store = _made(tmp_path / "plants", _options(tmp_path, layout="poking-plants"), Part.TRAIN)
    span = 1 + 2 * LAYOUTS["poking-plants"].frame_step
    long, short = 16 - span + 1, 8 - span + 1
    assert len(store) == long + short
    ground = store.batch(np.arange(len(store))).frames[:, 0, 0, 28, 28]
    drawn = ground[store.choose(np.random.default_rng(0), 400)]
    shares = np.unique((drawn * 20).round(), return_counts=True)[1] / 400
    assert shares.min() > 0.4


def test_stores_and_footage_open_through_one_door(footage: Path, tmp_path: Path) -> None:
    options = _options(tmp_path)
    store = _made(footage, options)
    (made,) = (tmp_path / "cache").glob("*/whole")
    assert len(open_clips(made, Part.HELD_OUT, SIZE_PX, FRAMES, options)) == len(store)
    with pytest.raises(StoreError, match="32 px and 2 frames, the model takes 64 px and 10 frames"):
        open_clips(made, Part.HELD_OUT, 64, 10, options)
    with pytest.raises(StoreError, match=r"name the clips to judge by with --held-out"):
        open_training_clips([Portion(made)], None, PRESETS["smoke-64"].networks.autoencoder, options, augment=True)


def test_joined_stores_are_read_one_after_the_other(footage: Path, tmp_path: Path) -> None:
    one, other = _made(footage, _options(tmp_path)), _made(footage, _options(tmp_path, frame_step=2))
    joined = JoinedClips([one, other])
    assert len(joined) == len(one) + len(other)
    assert joined.infos == [one.info, other.info]
    indices = np.array([0, len(one) - 1, len(one), len(joined) - 1])
    apart = [one.batch(indices[:2]).frames, other.batch(indices[2:] - len(one)).frames]
    assert torch.equal(joined.batch(indices).frames, torch.cat(apart))


def test_a_share_says_how_often_a_store_is_drawn_from(footage: Path, tmp_path: Path) -> None:
    one, other = _made(footage, _options(tmp_path)), _made(footage, _options(tmp_path, frame_step=2))
    drawn = JoinedClips([one, other, other], [None, 0.9, None]).choose(np.random.default_rng(0), 2000)
    assert np.mean((drawn >= len(one)) & (drawn < len(one) + len(other))) == pytest.approx(0.9, abs=0.02)
    rest = drawn[(drawn < len(one)) | (drawn >= len(one) + len(other))]
    assert np.mean(rest < len(one)) == pytest.approx(len(one) / (len(one) + len(other)), abs=0.12)
    assert len(JoinedClips([one, other, other], [0.7, 0.2, 0.1])) == len(one) + 2 * len(other), (
        "as floats they add up to less than 1"
    )
    for shares in ([0.5, 0.6], [1.0, None], [0.2, 0.2]):
        with pytest.raises(StoreError, match="Shares add up to"):
            JoinedClips([one, other], shares)


def test_clips_without_a_foreground_may_be_poked_anywhere_beside_those_that_have_one(footage: Path, tmp_path: Path) -> None:
    plain, people = _made(footage, _options(tmp_path)), _made(footage, _options(tmp_path, people=True))
    foreground = JoinedClips([plain, people]).batch(np.array([0, len(plain)])).foreground
    assert foreground is not None
    assert bool((foreground[0] == 1).all())
    known = people.batch(np.array([0])).foreground
    assert known is not None
    assert torch.equal(foreground[1], known[0])
    assert JoinedClips([plain, plain]).batch(np.array([0])).foreground is None


def test_clips_say_whose_flow_is_an_estimate(footage: Path, tmp_path: Path) -> None:
    exact = tmp_path / "exact"
    begin_store(exact, StoreInfo(SIZE_PX, FRAMES, 2, 1, "none"))
    write_shard(exact, 0, [procedural_clip(1, index, Pictures(), SIZE_PX, FRAMES) for index in range(2)])
    finish_store(exact)
    estimated = JoinedClips([ClipStore(exact), _made(footage, _options(tmp_path))]).batch(np.array([2, 1, 0, 5])).estimated
    assert estimated is not None
    assert estimated.tolist() == [1, 0, 0, 1]


def test_a_folder_carries_its_share_behind_an_at_sign(tmp_path: Path) -> None:
    assert Portion.parse("signers@0.12") == Portion(Path("signers"), 0.12)
    assert str(Portion.parse("footage/signers@0.12")) == "signers@0.12"
    assert Portion.parse("objects:1:100") == Portion(Path("objects:1:100"))
    named = tmp_path / "take@3"
    named.mkdir()
    assert Portion.parse(str(named)) == Portion(named)
    for wrong in ("signers@2", "signers@0", "signers@much"):
        with pytest.raises(ArgumentTypeError, match="write one like signers"):
            Portion.parse(wrong)
