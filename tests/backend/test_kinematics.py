"""The kinematics file: other libraries read it, and nothing but a whole one is taken."""

from __future__ import annotations

import random

import numpy as np
import pytest
from safetensors.numpy import load

from backend.kinematics import (
    Kinematics,
    KinematicsError,
    KinematicsInfo,
    ModelId,
    ReplayedModel,
    read_kinematics,
    residual_sha256,
    write_kinematics,
)
from backend.protocol.messages import Poke, Version

from .protocol.examples import SHA
from .test_job import ShiftingModel

RESIDUAL = np.random.default_rng(0).normal(size=(3, 8, 8)).astype(np.float32)


def kinematics(residual: np.ndarray = RESIDUAL, sha256: str = SHA) -> Kinematics:
    info = KinematicsInfo(
        format=1,
        model=ModelId("garden-64", sha256),
        frames=10,
        pokes=(Poke(0.5, 0.4, 0.1, -0.1),),
        region_px=(80, 0, 480, 480),
        clip_size_px=(640, 480),
        source="leaf.mp4",
        frame_sha256s=(SHA,) * 11,
        residual_sha256=residual_sha256(residual),
        versions=(Version("ipoke", "0.1.0"),),
    )
    return Kinematics(residual, info)


def test_kinematics_are_read_back():
    read = read_kinematics(write_kinematics(kinematics()))
    assert read.info == kinematics().info
    assert (read.residual == RESIDUAL).all()


def test_the_safetensors_library_reads_the_same_values():
    (name, values), *others = load(write_kinematics(kinematics())).items()
    assert (name, others) == ("residual", [])
    assert (values == RESIDUAL).all()


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
            assert (read_kinematics(bytes(changed)).residual == RESIDUAL).all()
        except KinematicsError:
            refused += 1
    assert refused > 1_500


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(KinematicsError, match="not finite"):
        read_kinematics(write_kinematics(kinematics(np.full((3, 8, 8), value, np.float32))))


def test_kinematics_of_another_model_are_refused():
    with pytest.raises(KinematicsError, match="were made by the model garden-64"):
        ReplayedModel(ShiftingModel(), kinematics(sha256="cd" * 32))
