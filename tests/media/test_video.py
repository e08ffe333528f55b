"""Videos are read as a player shows them, and a file opens nothing but itself."""

from __future__ import annotations

import os
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ipoke_media.frame_numbers import evenly
from ipoke_media.video import DamagedVideoError, VideoError, claimed_frames, encode_video, frame_times, read_frames
from tests.media.fuzz import examples, mutated, try_one
from tests.media.videos import counting, marked, told, write, write_sound

LEVELS = 6
"""How far decoded colours may be from those that were encoded, of 255."""


def near(frame: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether the middles of the quarters agree."""
    if frame.shape != wanted.shape:
        return False
    places = [(height * frame.shape[0] // 8, width * frame.shape[1] // 8) for height in (2, 6) for width in (2, 6)]
    return all(np.abs(frame[place].astype(int) - wanted[place]).max() <= LEVELS for place in places)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv444p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.mov", "libx265", "yuv420p10le"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mp4", "libsvtav1", "yuv420p10le"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.ts.mts", "libx264", "yuv420p"),
    ],
)
def test_every_frame_is_read_in_order_at_every_depth(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    options = {"x265-params": "log-level=none:crf=4"} if codec == "libx265" else {"crf": "4"}
    file = tmp_path / name
    if name.endswith(".mts"):
        write(tmp_path / "a.ts", counting(10), codec, pix_fmt, options=options).rename(file)
    else:
        write(file, counting(10), codec, pix_fmt, options=options)
    frames = list(read_frames(file))
    assert [told(frame) for frame in frames] == list(range(10))
    assert near(frames[3], marked(seed=3))
    assert claimed_frames(file) in (0, 10)
    times, damage = frame_times(file)
    assert (times, damage) == (pytest.approx([number / 25 for number in range(10)], abs=2e-3), "")


@pytest.mark.parametrize(
    ("rotation", "flip", "wanted"),
    [
        (90, False, lambda frame: np.rot90(frame)),
        (180, False, lambda frame: np.rot90(frame, 2)),
        (270, False, lambda frame: np.rot90(frame, 3)),
        (0, True, lambda frame: frame[:, ::-1]),
        (90, True, lambda frame: np.rot90(frame)[:, ::-1]),
    ],
)
def test_a_video_of_a_phone_is_turned(tmp_path: Path, rotation: int, flip: bool, wanted) -> None:
    file = write(tmp_path / "phone.mov", counting(2), rotation=rotation, flip=flip)
    assert near(next(read_frames(file)), wanted(marked()))


def test_a_variable_frame_rate_is_read_by_its_time_stamps(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", counting(5), times_ms=[0, 40, 80, 1000, 1400])
    times, _ = frame_times(file)
    assert times == pytest.approx([0, 0.04, 0.08, 1.0, 1.4], abs=1e-3)
    wanted = evenly(times, 4)
    assert [told(frame) for frame in read_frames(file, wanted)] == [0, 2, 4]
    assert wanted == [0, 2, 2, 4]


def test_a_start_that_is_late_counts_from_the_first_frame(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mkv", counting(3), times_ms=[5000, 5100, 5200])
    assert frame_times(file)[0] == pytest.approx([0, 0.1, 0.2], abs=1e-3)


def test_frames_that_are_stored_out_of_order_are_shown_in_order(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", counting(12), options={"crf": "4", "bf": "3", "b_strategy": "0"})
    with av.open(str(file)) as container:
        stored = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert stored != sorted(stored)
    assert [told(frame) for frame in read_frames(file)] == list(range(12))


@pytest.mark.parametrize(
    ("aspect", "size_px"), [(Fraction(2, 1), (64, 192)), (Fraction(1, 2), (128, 96)), (Fraction(16, 15), (64, 102))]
)
def test_pixels_are_made_square(tmp_path: Path, aspect: Fraction, size_px: tuple[int, int]) -> None:
    file = write(tmp_path / "a.mp4", counting(2), pixel_aspect=aspect)
    frame = next(read_frames(file))
    assert frame.shape == (*size_px, 3)
    assert near(frame, marked(size_px[1], size_px[0]))


@pytest.mark.parametrize(
    ("size_px", "colour"),
    [((96, 64), None), ((96, 64), (6, 1)), ((96, 64), (1, 1)), ((96, 64), (6, 2)), ((1280, 720), (6, 1)), ((1280, 720), (1, 1))],
)
def test_colours_are_those_of_the_tagged_matrix_and_range(tmp_path: Path, size_px: tuple[int, int], colour) -> None:
    file = write(tmp_path / "a.mp4", counting(1, *size_px), pix_fmt="yuvj420p" if colour == (6, 2) else "yuv420p", colour=colour)
    assert near(next(read_frames(file)), marked(*size_px))


def test_untagged_high_definition_is_taken_for_bt709_as_players_do(tmp_path: Path) -> None:
    tagged = write(tmp_path / "a.mp4", counting(1, 1280, 720), colour=(1, 1))
    with av.open(str(tagged)) as source, av.open(str(tmp_path / "b.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        bare = av.BitStreamFilterContext("h264_metadata=matrix_coefficients=2", source.streams.video[0], stream)
        for packet in source.demux(video=0):
            for changed in bare.filter(packet if packet.dts is not None else None):
                changed.stream = stream
                target.mux(changed)
    assert near(next(read_frames(tmp_path / "b.mp4")), marked(1280, 720))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mov", "prores_ks", "yuva444p10le"),
        ("a.mov", "qtrle", "argb"),
        ("a.mov", "png", "rgba"),
        ("a.webm", "libvpx-vp9", "yuva420p"),
    ],
)
def test_what_is_transparent_is_on_black(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    clear = np.dstack([marked(), np.full((64, 96), 255, np.uint8)])
    clear[:32, :48, 3], clear[:32, 48:, 3] = 0, 128
    options = {"profile": "4444"} if codec == "prores_ks" else {"crf": "4"}
    frame = next(read_frames(write(tmp_path / name, [clear, clear], codec, pix_fmt, options=options)))
    wanted = marked()
    wanted[:32, :48], wanted[:32, 48:] = 0, wanted[:32, 48:] // 2
    assert near(frame, wanted)


@pytest.mark.slow
def test_high_dynamic_range_is_brought_to_what_screens_show(tmp_path: Path) -> None:
    plain, bright = (
        write(tmp_path / name, counting(1), colour=(9, 1), transfer=to) for name, to in (("a.mp4", 1), ("b.mp4", 16))
    )
    grey, told_grey = (next(read_frames(file))[48, 72].astype(int) for file in (plain, bright))
    assert np.abs(grey - told_grey).min() > 10


def test_a_video_that_is_cut_off_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mp4", counting(20, 320, 240), container_options={"movflags": "+faststart"}, options={"g": "1"})
    half = tmp_path / "half.mp4"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    times, damage = frame_times(half)
    assert 4 < len(times) < 18
    assert "half.mp4 is cut off or damaged after" in damage
    good = list(read_frames(half, range(len(times))))
    assert [told(frame) for frame in good] == list(range(len(times)))
    with pytest.raises(DamagedVideoError):
        list(read_frames(half))


def test_a_video_that_is_damaged_inside_gives_what_is_before(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "a.mkv", counting(20, 320, 240), "libx264", options={"g": "1"}).read_bytes())
    place = len(whole) // 2
    whole[place : place + 900] = np.random.default_rng(0).bytes(900)
    (tmp_path / "bad.mkv").write_bytes(whole)
    times, damage = frame_times(tmp_path / "bad.mkv")
    assert 4 < len(times) < 20
    assert "damaged after" in damage


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.mp4", b"", "can't be read as a video"),
        ("a.mp4", b"this is no video", "can't be read as a video"),
        ("a.mp4", b"\x89PNG\r\n\x1a\n" + bytes(100), "is a single picture"),
        ("a.mov", b"\xff\xd8\xff\xe0" + bytes(100), "is a single picture"),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\nsecret.ts\n", "can't be read as a video"),
        ("a.mp4", b"ffconcat version 1.0\nfile secret.mp4\n", "can't be read as a video"),
        ("a.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "can't be read as a video"),
        ("a.avi", b"<?xml version='1.0'?><MPD></MPD>", "can't be read as a video"),
        ("a.mp4", bytes(4) + b"ftypisom" + bytes(64), "is cut off or damaged"),
        ("a.mkv", b"\x1aE\xdf\xa3" + bytes(64), "is cut off or damaged"),
    ],
)
def test_what_is_no_video_is_a_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=sentence):
        frame_times(tmp_path / name)
    assert claimed_frames(tmp_path / name) == 0


def test_folders_pipes_and_missing_files_are_sentences(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4", tmp_path / "gone.mp4"):
        with pytest.raises(VideoError, match="there is no such file"):
            frame_times(path)


def test_sound_without_pictures_is_a_sentence_even_with_a_cover(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds sound alone"):
        frame_times(write_sound(tmp_path / "a.mp4"))
    with pytest.raises(VideoError, match="holds sound alone"):
        frame_times(write_sound(tmp_path / "b.m4v.mp4", cover=marked()))


def test_too_large_and_too_long_a_video_is_refused_from_its_header(tmp_path: Path) -> None:
    wide = write(tmp_path / "wide.mov", [np.zeros((16, 8200, 3), np.uint8)], "qtrle", "rgb24", options={})
    with pytest.raises(VideoError, match="8200 x 16 px; scale it to at most 8192"):
        frame_times(wide)
    with pytest.raises(VideoError, match="more than 5 frames"):
        frame_times(write(tmp_path / "long.mp4", counting(7)), most=5)


@pytest.mark.parametrize("name", ["take:2.mp4", "http:a.mp4", "f_%03d.mp4", "concat:a|b.mp4", "-i.mp4", "片 é.mp4", "a*.mp4"])
def test_a_name_is_a_name_and_nothing_else(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "plain.mp4", counting(3)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(frame_times(Path(name))[0]) == 3


@pytest.mark.parametrize("size_px", [(64, 64), (33, 47), (640, 360)])
def test_a_preview_is_what_browsers_play(tmp_path: Path, size_px: tuple[int, int]) -> None:
    width, height = size_px
    data = encode_video(counting(5, width, height), 10)
    assert data.index(b"moov") < data.index(b"mdat")
    file = tmp_path / "preview.mp4"
    file.write_bytes(data)
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.format.name, stream.average_rate) == ("h264", "yuv420p", 10)
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    frames = list(read_frames(file))
    assert [told(frame) for frame in frames] == list(range(5))
    assert frames[0].shape == (height // 2 * 2, width // 2 * 2, 3)
    assert np.abs(frames[0][8, 8].astype(int) - marked()[8, 8]).max() <= 2 * LEVELS


def test_mutated_videos_are_pictures_or_a_sentence(tmp_path: Path) -> None:
    generator, kinds = random.Random(0), examples(tmp_path)
    outcomes = [try_one(tmp_path / "video", mutated(generator.choice(kinds), generator)) for _ in range(400)]
    assert set(outcomes) == {True, False}


def test_a_matrix_that_cannot_be_read_is_taken_for_unspecified(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", counting(1), colour=(8, 1))
    with av.open(str(file)) as container:
        assert next(container.decode(video=0)).colorspace == 8
    assert near(next(read_frames(file)), marked())
