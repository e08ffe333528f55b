"""Foreign checkpoints ask for no more memory than they are large, and name no file but their own."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ipoke_models.convert import layout, pickle_reader
from ipoke_models.errors import CheckpointError
from tests.machine import allowed

from .reference import TINY

SOON_S = allowed(20.0)
MEMORY_KB = 400 << 10


def deflated(file: Path) -> None:
    """Zeros that unpack to two thousand times their size."""
    torch.save({"state_dict": {"w": torch.zeros(1 << 26, dtype=torch.uint8)}}, file)
    with zipfile.ZipFile(file) as stored:
        parts = {entry: stored.read(entry) for entry in stored.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)


def expanded(file: Path) -> None:
    """One number that is shown as fourteen gigabytes."""
    torch.save({"state_dict": {"w": torch.zeros(1).expand(60_000, 60_000)}}, file)


def shared(file: Path) -> None:
    """One tensor under very many names."""
    weight = torch.zeros(100_000)
    torch.save({"state_dict": {f"w{number}": weight for number in range(10_000)}}, file)


def deep(file: Path) -> None:
    file.write_bytes(b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b".")


def lying(file: Path) -> None:
    """The older format, with a storage that it says is enormous."""
    torch.save({"state_dict": {"w": torch.zeros(4)}}, file, _use_new_zipfile_serialization=False)
    data = file.read_bytes()
    assert b"K\x04" in data
    file.write_bytes(data.replace(b"K\x04", b"\x8a\x05\xff\xff\xff\xff\x1f"[:7]))


BOMBS: dict[str, Callable[[Path], object]] = {
    "packed": deflated,
    "expanded": expanded,
    "shared": shared,
    "deep": deep,
    "lying": lying,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda file: file.symlink_to("/dev/zero"),
    "cut off": lambda file: file.write_bytes((TINY / "second_stage.ckpt").read_bytes()[:5000]),
    "objects": lambda file: file.write_bytes(pickle.dumps([[]] * 100_000)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's about the kind of pickle
@pytest.mark.timeout(60)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_checkpoint_that_would_grow_is_refused_without_the_memory(bomb, tmp_path):
    file = tmp_path / "bomb.ckpt"
    BOMBS[bomb](file)
    began_s, before_kb = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError) as refused:
        pickle_reader.copy(file, tmp_path / "out")
    assert time.monotonic() - began_s < SOON_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MEMORY_KB
    assert str(refused.value).isprintable()
    assert not (tmp_path / "out").exists()


def test_tensors_with_two_names_are_still_read(tmp_path):
    weight = torch.zeros(1000)
    torch.save({"state_dict": {"a": weight, "b": weight}}, tmp_path / "tied.ckpt")
    assert pickle_reader.read(tmp_path / "tied.ckpt").keys() == {"a", "b"}


LAUGHS = "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 3)}]\n" for n in range(1, 9))
YAMLS = {
    "laughs": LAUGHS,
    "merges": MERGES,
    "deep": "a: " + "[" * 20_000,
    "a date that can't be": "a: 2001-13-45",
    "no date": "a: !!timestamp hello",
    "no number": 'a: !!int ""',
    "no truth": "a: !!bool perhaps",
    "a number of many digits": "a: " + "9" * 5000,
    "a list as a key": "? !!python/tuple [[1]]\n: 2",
    "an object": "a: !!python/object/apply:os.mkdir [crater]",
    "too large": "a: 1\n" * 20_000,
    "no UTF-8": "a: \udcff",
    "itself": "&a [*a]",
}


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", YAMLS)
def test_hostile_yaml_is_a_sentence(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "config.yaml"
    file.write_bytes(YAMLS[kind].encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError) as refused:
        layout._read_yaml(file)
    assert len(str(refused.value)) < 500
    assert os.listdir(tmp_path) == ["config.yaml"]


@pytest.mark.timeout(60)
def test_values_that_show_one_another_are_named_in_short(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("".join(LAUGHS.splitlines(keepends=True)[:16]))
    with pytest.raises(CheckpointError, match="must be a whole number") as refused:
        layout._read_yaml(file).whole("a15")
    assert len(str(refused.value)) < 500


@pytest.mark.timeout(60)
@pytest.mark.parametrize("odd", [os.mkfifo, Path.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_yaml_that_is_no_file_is_a_sentence(odd, tmp_path):
    odd(tmp_path / "config.yaml")
    with pytest.raises(CheckpointError):
        layout._read_yaml(tmp_path / "config.yaml")


@pytest.mark.parametrize("name", ["../../../elsewhere", "/etc", "..", "a/b", "a\\b", ["a"]])
def test_a_yaml_names_no_folder_outside_the_released_tree(name, tmp_path):
    """The second stage names the folders of the others."""
    root = tmp_path / "released"
    (root / "second_stage/config/model").mkdir(parents=True)
    (root / "second_stage/ckpt/model").mkdir(parents=True)
    shutil.copy(TINY / "second_stage.ckpt", root / "second_stage/ckpt/model/last.ckpt")
    (root / "second_stage/config/model/config.yaml").write_text(f"first_stage: {{name: {name!r}}}\n")
    with pytest.raises(CheckpointError, match="must be the name of a folder"):
        layout.find(root, "model")
