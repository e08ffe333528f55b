"""A model folder that a stranger made ends in one sentence, soon and without memory, whatever its two files say."""

from __future__ import annotations

import copy
import json
import os
import resource
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipoke_models.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_networks, read_manifest, save_model
from ipoke_models.config import MOST_STEPS
from ipoke_models.errors import CheckpointError, ConfigError, ModelError
from ipoke_models.networks.whole import Networks
from ipoke_models.weights_file import MOST_HEADER_BYTES, open_weights, read_weights
from tests.machine import allowed

from . import small

SOON_S = allowed(20.0)
"""What takes a tenth of a second alone, on a busy machine."""
MEMORY_KB = 300 << 10
HOSTILE: list[Any] = [
    *(-1, 0, 1, 2, 3, 7, 64, 65, 1000, 4096, 16384, 2**31 - 1, 2**31, 2**40, 2**63, 10**400),
    *(-0.5, 1e308, 1e-320, True, None, "", "8", "../../etc/passwd", "/dev/zero", "\u202e\x1b[2J", "x" * 20_000),
    *([], [0], [1], [8] * 3, [8] * 17, [2**40] * 4, [[8]], [None], [-8] * 4, [2_000_000], [1] * 200),
    *({}, {"a": {}}, {"size_px": 64}),
]
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "small"
    save_model(folder, small.jitter(Networks(small.with_dense_flow())), "small", "")
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """The same with files of its own."""
    target = tmp_path / "small"
    target.mkdir()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        (target / name).write_bytes((saved / name).read_bytes())
    return target


def paths(document: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if above:
        yield above
    if isinstance(document, dict):
        for key, value in document.items():
            yield from paths(value, (*above, key))


def put(document: Any, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document.get(key) if isinstance(document, dict) else None
    if isinstance(document, dict):
        document[path[-1]] = value


def refused(folder: Path) -> str:
    """The sentence of a model that must not load; "" where it loads."""
    began_s, before_kb = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        load_networks(folder)
        sentence = ""
    except ModelError as error:
        sentence = str(error)
    assert time.monotonic() - began_s < SOON_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MEMORY_KB
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


@pytest.mark.slow
@given(data=st.data())
@FEW
def test_any_values_in_config_json_end_in_a_sentence_or_the_same_model(data, folder, saved):
    document = json.loads((saved / CONFIG_FILE).read_text())
    changed = copy.deepcopy(document)
    everywhere = list(paths(document))
    for _ in range(data.draw(st.integers(1, 3))):
        put(changed, data.draw(st.sampled_from(everywhere)), data.draw(st.sampled_from(HOSTILE)))
    (folder / CONFIG_FILE).write_text(json.dumps(changed))
    refused(folder)


def test_each_size_has_an_upper_bound_that_is_checked_before_anything_is_built(folder, saved):
    document = json.loads((saved / CONFIG_FILE).read_text())
    seen = 0
    for path in paths(document):
        found = document
        for key in path:
            found = found[key]
        if isinstance(found, bool) or not isinstance(found, int | float | list):
            continue
        changed = copy.deepcopy(document)
        put(changed, path, [2**31] * len(found) if isinstance(found, list) else 2**31)
        (folder / CONFIG_FILE).write_text(json.dumps(changed))
        with pytest.raises(ConfigError):
            read_manifest(folder)
        seen += 1
    assert seen > 30


@pytest.mark.slow
def test_the_largest_networks_that_a_configuration_may_ask_for_are_refused_by_the_weights_header(folder):
    document = json.loads((folder / CONFIG_FILE).read_text())
    document["networks"]["flow"].update(num_steps=[MOST_STEPS], mid_channels=16384, base_hidden=16384, masked_hidden_factor=16384)
    (folder / CONFIG_FILE).write_text(json.dumps(document))
    assert "parameters" in refused(folder) or "lacks tensors" in refused(folder)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object], data: Callable[[bytes], bytes] = lambda data: data) -> None:
    """Change the header of a safetensors file, and what follows it."""
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data(whole[8 + length :]))


@pytest.mark.slow
@given(data=st.data())
@FEW
def test_any_values_in_the_header_of_the_weights_end_in_a_sentence(data, folder, saved):
    (folder / WEIGHTS_FILE).write_bytes((saved / WEIGHTS_FILE).read_bytes())

    def change(header: dict[str, Any]) -> None:
        key = data.draw(st.sampled_from([*header, "new", "__metadata__"]))
        whole = data.draw(st.booleans())
        if whole or not isinstance(header.get(key), dict):
            header[key] = data.draw(st.sampled_from(HOSTILE))
        else:
            header[key] = {**header[key], data.draw(st.sampled_from(["dtype", "shape", "data_offsets", "more"])): None} | {
                data.draw(st.sampled_from(["dtype", "shape", "data_offsets"])): data.draw(st.sampled_from(HOSTILE))
            }

    rewrite(folder / WEIGHTS_FILE, change)
    assert refused(folder) or (folder / WEIGHTS_FILE).read_bytes() == (saved / WEIGHTS_FILE).read_bytes()


def test_tensors_that_overlap_leave_gaps_or_end_early_are_refused(folder, saved):
    entries = json.loads((saved / WEIGHTS_FILE).read_bytes()[8:].split(b"}}", 1)[0] + b"}}")
    first = next(name for name, entry in entries.items() if entry["data_offsets"][0] == 0)

    def moved(by: int) -> Callable[[dict[str, Any]], None]:
        def change(header: dict[str, Any]) -> None:
            for name, entry in header.items():
                if name != first:
                    entry["data_offsets"] = [place + by for place in entry["data_offsets"]]

        return change

    for by, tail in ((-4, lambda data: data[:-4]), (8, lambda data: data + bytes(8)), (0, lambda data: data[:-1])):
        (folder / WEIGHTS_FILE).write_bytes((saved / WEIGHTS_FILE).read_bytes())
        rewrite(folder / WEIGHTS_FILE, moved(by), tail)
        assert "not a whole safetensors file" in refused(folder)


def _sparse(path: Path, head: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(1 << 40)


def _huge_header(path: Path) -> None:
    _sparse(path, struct.pack("<Q", 1 << 39))


def _huge_tensor(path: Path) -> None:
    count = (1 << 40) // 4
    text = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + 4 * count)


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("/nowhere"),
    "endless zeros": _sparse,
    "an endless header": _huge_header,
    "an endless tensor": _huge_tensor,
    "a header of brackets": lambda path: path.write_bytes(struct.pack("<Q", 1 << 20) + b"[" * (1 << 20)),
    "the longest header, of small objects": lambda path: path.write_bytes(
        struct.pack("<Q", MOST_HEADER_BYTES) + b'{"a":[' + b"{}," * ((MOST_HEADER_BYTES - 10) // 3) + b"{}]}".ljust(8)
    ),
}


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("odd", ODD)
def test_odd_weights_are_refused_soon_and_without_memory(odd, folder):
    (folder / WEIGHTS_FILE).unlink()
    ODD[odd](folder / WEIGHTS_FILE)
    assert refused(folder)


def test_weights_that_are_cut_off_while_they_are_read_are_a_sentence_and_end_no_process(folder):
    with open_weights(folder / WEIGHTS_FILE) as file:
        os.truncate(folder / WEIGHTS_FILE, 20_000)
        with pytest.raises(CheckpointError, match="changed while it was read"):
            file.read()


def test_all_types_of_weights_are_read_as_the_library_reads_them(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    kinds = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8)
    tensors = {str(kind): torch.arange(6).reshape(2, 3).to(kind) for kind in (*kinds, torch.uint8, torch.bool)}
    tensors |= {"one": torch.tensor(3.5), "none": torch.zeros(0, 4)}
    save_file(tensors, tmp_path / "all.safetensors", {"told": "something"})
    read, known = read_weights(tmp_path / "all.safetensors"), load_file(tmp_path / "all.safetensors")
    assert read.keys() == known.keys()
    for name, tensor in known.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_links_to_files_elsewhere_are_a_models_own_as_caches_have_them(folder, saved):
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        (folder / name).unlink()
        (folder / name).symlink_to(saved / name)
    assert load_networks(folder)[0] == read_manifest(saved)
