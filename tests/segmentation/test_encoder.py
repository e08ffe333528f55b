from __future__ import annotations

import pytest
import torch
from torch import nn

from ipoke_models.convert.encoder_weights import main as convert
from ipoke_models.errors import CheckpointError
from ipoke_models.segmentation.encoder import WIDTHS, Encoder, from_published


def test_the_features_halve_in_size_from_level_to_level():
    features = Encoder()(torch.zeros(2, 3, 64, 64))
    assert [tuple(feature.shape) for feature in features] == [(2, width, 32 >> n, 32 >> n) for n, width in enumerate(WIDTHS)]


def test_published_weights_come_with_their_norms_folded():
    state = published()
    encoder = Encoder()
    encoder.load_state_dict(from_published(state))
    x = torch.rand(1, 3, 32, 32)
    norm = nn.BatchNorm2d(32, eps=1e-3).eval()
    norm.load_state_dict({key.removeprefix("_bn0."): value for key, value in state.items() if key.startswith("_bn0.")})
    padded = nn.functional.pad(x, (0, 1, 0, 1))
    expected = norm(nn.functional.conv2d(padded, state["_conv_stem.weight"], stride=2))
    assert torch.allclose(encoder.stem(padded), expected, atol=1e-5)


def test_weights_of_another_network_are_refused_in_one_sentence():
    with pytest.raises(CheckpointError, match=r"no weights of EfficientNet-Lite0, they lack '_bn0.weight'"):
        from_published({"layer.weight": torch.zeros(3)})


def test_the_converter_writes_what_the_encoder_loads(tmp_path):
    torch.save(published(), tmp_path / "published.pth")
    assert convert([str(tmp_path / "published.pth"), "-o", str(tmp_path / "out" / "encoder.safetensors")]) == 0
    from safetensors.torch import load_file

    Encoder().load_state_dict(load_file(tmp_path / "out" / "encoder.safetensors"))


def test_the_converter_says_in_one_sentence_what_is_no_checkpoint(tmp_path, capsys):
    (tmp_path / "published.pth").write_bytes(b"")
    assert convert([str(tmp_path / "published.pth"), "-o", str(tmp_path / "encoder.safetensors")]) == 2
    assert "is no whole PyTorch checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "encoder.safetensors").exists()


def published() -> dict[str, torch.Tensor]:
    """Weights of the published layout: as our own, with norms apart."""
    state: dict[str, torch.Tensor] = {}
    torch.manual_seed(0)

    def layer(convolution: str, norm: str, weight: torch.Tensor) -> None:
        state[f"{convolution}.weight"] = torch.randn_like(weight)
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{part}"] = torch.rand(len(weight)) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    encoder = Encoder()
    layer("_conv_stem", "_bn0", encoder.stem.weight)
    for number, block in enumerate(block for stage in encoder.stages for block in stage):
        if block.expand is not None:
            layer(f"_blocks.{number}._expand_conv", f"_blocks.{number}._bn0", block.expand.weight)
        layer(f"_blocks.{number}._depthwise_conv", f"_blocks.{number}._bn1", block.depthwise.weight)
        layer(f"_blocks.{number}._project_conv", f"_blocks.{number}._bn2", block.project.weight)
    return state
