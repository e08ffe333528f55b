"""The kinematics file: other libraries read it, and nothing but a whole one is taken."""

from __future__ import annotations

import contextlib
import json
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

from backend.kinematics_file import (
    FORMAT,
    Kinematics,
    KinematicsError,
    KinematicsInfo,
    ModelId,
    pose_difference,
    read_kinematics,
    values_sha256,
    write_kinematics,
)
from backend.protocol.messages import Poke, Variant, Version
from backend.worker.model_port import ModelFrame
from backend.worker.replayed import ReplayedModel
from ipoke_values import Like, Sampling

from .commands.hostile import changed
from .protocol.examples import SHA
from .worker.test_sample_job import ShiftingModel

RESIDUAL = np.random.default_rng(0).normal(size=(3, 8, 8)).astype(np.float32)
FEATURES = np.random.default_rng(1).normal(size=48).astype(np.float32)


def kinematics(residual: np.ndarray = RESIDUAL, sha256: str = SHA, variant: Variant | None = None) -> Kinematics:
    info = KinematicsInfo(
        format=FORMAT,
        model=ModelId("garden-64", sha256),
        frames=10,
        pokes=(Poke(0.5, 0.4, 0.1, -0.1),),
        region_px=(80, 0, 480, 480),
        clip_size_px=(640, 480),
        source="leaf.mp4",
        frame_sha256s=(SHA,) * 11,
        values_sha256=values_sha256(residual, FEATURES),
        versions=(Version("ipoke", "0.1.0"),),
        variant=variant,
    )
    return Kinematics(residual, FEATURES, info)


@pytest.mark.parametrize("variant", [None, Variant(Sampling(7), 2), Variant(Sampling(7, (Like(3, 0, 0.5),), 0.25), 2)])
def test_kinematics_are_read_back(variant):
    read = read_kinematics(write_kinematics(kinematics(variant=variant)))
    assert read.info == kinematics(variant=variant).info
    assert (read.residual == RESIDUAL).all()
    assert (read.still_features == FEATURES).all()


@pytest.mark.parametrize("variant", [None, Variant(Sampling(7), 2)])
def test_files_of_before_a_variants_variation_was_told_are_read_as_with_the_models_own(variant):
    written = write_kinematics(kinematics(variant=variant))
    header, length = written[8:], int.from_bytes(written[:8], "little")
    text, values = header[:length].decode(), header[length:]
    old = text.replace(f'format\\":{FORMAT}', 'format\\":2').replace(',\\"variation\\":null', "").encode()
    assert len(old) == length - (0 if variant is None else 19)
    read = read_kinematics(len(old).to_bytes(8, "little") + old + values)
    assert read.info == kinematics(variant=variant).info


def test_poses_differ_by_the_angle_between_their_features():
    assert pose_difference(FEATURES, FEATURES) == pytest.approx(0, abs=1e-12)
    assert pose_difference(FEATURES, 3 * FEATURES) == pytest.approx(0, abs=1e-6)
    assert pose_difference(FEATURES, -FEATURES) == pytest.approx(2)
    assert pose_difference(np.eye(2, dtype=np.float32)[0], np.eye(2, dtype=np.float32)[1]) == pytest.approx(1)
    assert pose_difference(FEATURES, np.zeros_like(FEATURES)) == 1


def test_the_safetensors_library_reads_the_same_values():
    tensors = load(write_kinematics(kinematics()))
    assert set(tensors) == {"residual", "still_features"}
    assert (tensors["residual"] == RESIDUAL).all()
    assert (tensors["still_features"] == FEATURES).all()


def test_the_same_kinematics_give_the_same_bytes():
    assert write_kinematics(kinematics()) == write_kinematics(kinematics())


def test_a_file_cut_anywhere_is_refused():
    data = write_kinematics(kinematics())
    for place in range(len(data)):
        with pytest.raises(KinematicsError) as refused:
            read_kinematics(data[:place])
        assert refused.value.sentence.endswith("`ipoke invert`.")


def test_a_file_with_changed_bytes_is_refused_or_says_the_same_residual():
    data, generator = write_kinematics(kinematics()), random.Random(2)
    refused = 0
    for _ in range(2_000):
        changed = bytearray(data)
        place = generator.randrange(len(data))
        changed[place : place + generator.randint(0, 2)] = generator.randbytes(generator.randint(0, 3))
        try:
            read = read_kinematics(bytes(changed))
            assert (read.residual == RESIDUAL).all()
            assert (read.still_features == FEATURES).all()
        except KinematicsError:
            refused += 1
    assert refused > 1_500


def with_header(change) -> bytes:
    """A file whose header says something else."""
    data = write_kinematics(kinematics())
    length = int.from_bytes(data[:8], "little")
    text = change(data[8 : 8 + length].decode().rstrip()).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


DEEP = '{"__metadata__":{"ipoke_kinematics":"' + "[" * 100_000 + '"}'
HOSTILE_HEADERS = {
    "a size that is a truth": lambda text: text.replace("[3,8,8]", "[3,8,8,true]"),
    "a size of thousands of digits": lambda text: text.replace("[3,8,8]", f"[{'9' * 4000},8,8]"),
    "nothing but brackets": lambda text: "[" * 400_000,
    "brackets in the metadata": lambda text: DEEP + text[text.index(',"residual"') :],
    "NaN": lambda text: text.replace("[3,8,8]", "[NaN,8,8]"),
    "very many sizes": lambda text: text.replace("[3,8,8]", "[" + "8," * 2_000_000 + "8]"),
}


@pytest.mark.parametrize("hostile", HOSTILE_HEADERS)
def test_a_strangers_header_is_a_sentence(hostile):
    with pytest.raises(KinematicsError) as refused:
        read_kinematics(with_header(HOSTILE_HEADERS[hostile]))
    assert len(refused.value.sentence) < 300


@pytest.mark.parametrize(("right", "equal"), [("[3,8,8]", "[3,8.0,8]"), ("[768,", "[768.0,")])
def test_sizes_that_only_equal_the_right_ones_say_the_same_residual(right, equal):
    read = read_kinematics(with_header(lambda text: text.replace(right, equal)))
    assert (read.residual == RESIDUAL).all()
    assert (read.still_features == FEATURES).all()


def test_a_pose_of_another_size_is_refused():
    with pytest.raises(KinematicsError, match="doesn't see"):
        ReplayedModel(SwayingModel(), kinematics(sha256=ShiftingModel.entry.sha256)).pose_difference(np.zeros((3, 5, 5)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(KinematicsError, match="not finite"):
        read_kinematics(write_kinematics(kinematics(np.full((3, 8, 8), value, np.float32))))


def test_kinematics_of_another_model_are_refused():
    with pytest.raises(KinematicsError, match="were made by the model garden-64"):
        ReplayedModel(ShiftingModel(), kinematics(sha256="cd" * 32))


class SwayingModel(ShiftingModel):
    """Replays a motion that depends on the still and on where the poke is and goes."""

    def replay(self, residual, x0, pokes, cancelled, thing=None):
        rows, columns = np.indices((32, 32), dtype=np.float32)
        x, y, dx, dy = (float(value) for value in pokes[0])
        near = np.exp(-((columns - 31 * x) ** 2 + (rows - 31 * y) ** 2) / 20).astype(np.float32)
        yield ModelFrame(0, 1, x0 + near, np.stack([near * dx, near * dy]), near, residual)

    def features(self, x0):
        return x0[0, 0]


def test_a_mirrored_replay_is_what_a_mirrored_plate_would_show_seen_in_a_mirror():
    made_by, still = kinematics(sha256=ShiftingModel.entry.sha256), np.random.default_rng(3).random((3, 32, 32), np.float32)
    pokes, turned = np.array([[0.3, 0.4, 0.2, -0.1]]), np.array([[0.7, 0.4, -0.2, -0.1]])
    (plain,) = ReplayedModel(SwayingModel(), made_by).frames(still, pokes, Sampling(0), range(1), lambda: False)
    mirror = ReplayedModel(SwayingModel(), made_by, mirror=True)
    (seen,) = mirror.frames(np.ascontiguousarray(still[..., ::-1]), turned, Sampling(0), range(1), lambda: False)
    assert seen.frame == pytest.approx(plain.frame[..., ::-1], abs=1e-6)
    assert seen.flow == pytest.approx(plain.flow[..., ::-1] * np.array([-1, 1])[:, None, None], abs=1e-6)
    assert seen.visibility == pytest.approx(plain.visibility[..., ::-1], abs=1e-6)
    assert seen.residual == pytest.approx(plain.residual[..., ::-1], abs=1e-6)


def header_and_values() -> tuple[dict, bytes]:
    written = write_kinematics(kinematics(variant=Variant(Sampling(7, (Like(3, 0, 0.5),), 0.25), 2)))
    (length,) = struct.unpack_from("<Q", written)
    return json.loads(written[8 : 8 + length]), written[8 + length :]


def packed(header: object, values: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_its_header_says_a_file_is_read_or_refused(data):
    header, values = header_and_values()
    entry = header["__metadata__"]
    if data.draw(st.booleans()):
        entry["ipoke_kinematics"] = json.dumps(data.draw(changed(json.loads(entry["ipoke_kinematics"]))))
    else:
        header = data.draw(changed(header))
    with contextlib.suppress(KinematicsError):
        read = read_kinematics(packed(header, values))
        assert read.residual.shape == RESIDUAL.shape
        assert read.info.source.encode()


@pytest.mark.parametrize("shape", [[3.0, 8, 8], [3, 8.0, True + 7], [True, 8, 8]])
def test_a_shape_of_other_numbers_is_no_surprise(shape):
    header, values = header_and_values()
    header["residual"]["shape"] = shape
    with contextlib.suppress(KinematicsError):
        assert read_kinematics(packed(header, values)).residual.shape == (3, 8, 8)


def test_offsets_of_other_numbers_are_no_surprise():
    header, values = header_and_values()
    header["still_features"]["data_offsets"] = [float(offset) for offset in header["still_features"]["data_offsets"]]
    assert (read_kinematics(packed(header, values)).still_features == FEATURES).all()
