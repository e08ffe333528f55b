from __future__ import annotations

import struct

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ipoke_models.convert.salience_weights import from_published
from ipoke_models.convert.salience_weights import main as convert
from ipoke_models.errors import CheckpointError
from ipoke_models.segmentation.salience import Salience


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Salience().eval().requires_grad_(False)


@pytest.mark.parametrize("side", [64, 72])
def test_a_picture_gives_one_map_of_its_size_that_light_does_not_change(network, side):
    rgb = torch.rand(1, 3, side, side)
    logits = network(rgb)
    assert logits.shape == (1, 1, side, side)
    assert torch.allclose(network(rgb / 2), logits, atol=1e-4)


def test_the_converter_writes_the_published_weights_in_their_order(network, tmp_path):
    (tmp_path / "u2netp.onnx").write_bytes(onnx([module for module in network.modules() if isinstance(module, nn.Conv2d)]))
    assert convert([str(tmp_path / "u2netp.onnx"), "-o", str(tmp_path / "out" / "salience.safetensors")]) == 0
    written = load_file(tmp_path / "out" / "salience.safetensors")
    assert {name: tensor.tolist() for name, tensor in network.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in written.items()
    }


def test_weights_of_another_network_are_refused_in_one_sentence():
    with pytest.raises(CheckpointError, match="no weights of U²-Net-p"):
        from_published([(torch.zeros(4, 3, 3, 3), torch.zeros(4))])


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-9], lambda data: b"\x07" + data, lambda data: b"{}"])
def test_what_is_no_onnx_file_is_refused_in_one_sentence(tmp_path, capsys, damage):
    path = tmp_path / "u2netp.onnx"
    path.write_bytes(damage(onnx([nn.Conv2d(3, 4, 3)])))
    assert convert([str(path), "-o", str(tmp_path / "salience.safetensors")]) == 2
    assert "is no ONNX file of convolutions" in capsys.readouterr().err
    assert not (tmp_path / "salience.safetensors").exists()


def onnx(layers: list[nn.Conv2d]) -> bytes:
    """A file whose graph is these convolutions, one after the other."""
    nodes, tensors = b"", b""
    for number, layer in enumerate(layers):
        names = [f"x{number}".encode(), f"kernel{number}".encode(), f"bias{number}".encode()]
        node = b"".join(field(1, name) for name in names) + field(2, f"x{number + 1}".encode()) + field(4, b"Conv")
        nodes += field(1, node)
        for name, tensor in zip(names[1:], (layer.weight, layer.bias), strict=True):
            shape = b"".join(b"\x08" + number_of(size) for size in tensor.shape)
            raw = struct.pack(f"<{tensor.numel()}f", *tensor.detach().flatten().tolist())
            tensors += field(5, shape + b"\x10\x01" + field(8, name) + field(9, raw))
    return b"\x08\x07" + field(7, nodes + field(2, b"graph") + tensors)


def field(number: int, data: bytes) -> bytes:
    return number_of(number << 3 | 2) + number_of(len(data)) + data


def number_of(value: int) -> bytes:
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])
