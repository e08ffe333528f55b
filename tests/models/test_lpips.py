"""LPIPS: a distance, and weights come out of a pickle that can hold nothing but arrays."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.convert.lpips_weights import convert
from ipoke_models.errors import CheckpointError, ModelError
from ipoke_models.evaluation.lpips import Lpips, load_lpips

SHAPES = ((11, 11, 3, 64), (5, 5, 64, 192), (3, 3, 192, 384), (3, 3, 384, 256), (3, 3, 256, 256))


@pytest.fixture
def source(tmp_path) -> Path:
    """A file laid out as the distributed one, with random numbers."""
    generator = np.random.default_rng(0)
    trunk = {
        f"Conv_{n}": {"kernel": generator.normal(0, 0.05, shape).astype(np.float32), "bias": np.zeros(shape[3], np.float32)}
        for n, shape in enumerate(SHAPES)
    }
    heads = {
        f"NetLinLayer_{n}": {"Conv_0": {"kernel": generator.random((1, 1, shape[3], 1)).astype(np.float32)}}
        for n, shape in enumerate(SHAPES)
    }
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(pickle.dumps({"AlexNet_0": trunk, **heads}))
    return path


def test_converted_weights_make_a_distance(source, tmp_path):
    convert(source, tmp_path / "lpips.safetensors")
    metric = load_lpips(tmp_path / "lpips.safetensors")
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noisy = (pictures + 0.3 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
    little = (pictures + 0.1 * (noisy - pictures)).clamp(-1, 1)
    assert metric(pictures, pictures).tolist() == [0, 0]
    assert torch.allclose(metric(pictures, noisy), metric(noisy, pictures))
    assert (metric(pictures, noisy) > metric(pictures, little)).all()
    kernel = pickle.loads(source.read_bytes())["AlexNet_0"]["Conv_1"]["kernel"]
    assert torch.equal(metric.trunk[1].weight[5, 7], torch.from_numpy(kernel[:, :, 7, 5].copy()))


def test_a_pickle_of_anything_else_is_refused(tmp_path):
    (tmp_path / "bad").write_bytes(pickle.dumps(Path("x")))
    with pytest.raises(CheckpointError, match="arrays only"):
        convert(tmp_path / "bad", tmp_path / "out")
    (tmp_path / "other").write_bytes(pickle.dumps({"a": np.zeros(3)}))
    with pytest.raises(CheckpointError, match="no LPIPS"):
        convert(tmp_path / "other", tmp_path / "out")
    (tmp_path / "cut").write_bytes(b"\x80")
    with pytest.raises(CheckpointError, match="no pickle"):
        convert(tmp_path / "cut", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="IPOKE_LPIPS"):
        load_lpips(tmp_path / "nothing")
    assert len(list(Lpips().parameters())) == 15
