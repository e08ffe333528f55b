"""Writing a model replaces a model's own three files and nothing else, wherever it is written to."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from ipoke_models.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_networks, read_card, read_manifest, require_free, save_model
from ipoke_models.errors import CheckpointError, ConfigError
from ipoke_models.networks.whole import Networks

from . import small

OURS = {"config.json", "model.safetensors", "model_card.md"}


@pytest.fixture(scope="module")
def networks() -> Networks:
    return small.jitter(Networks(small.model())).eval()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_else_lies_in_a_models_folder_stays(networks, tmp_path):
    folder = tmp_path / "mine"
    save_model(folder, networks, "mine", "old")
    (folder / "notes").mkdir()
    (folder / "notes/thoughts.txt").write_text("keep me")
    (folder / "plate.png").write_bytes(b"keep me too")
    os.link(folder / WEIGHTS_FILE, tmp_path / "backup")
    save_model(folder, networks, "mine", "new")
    assert set(contents(folder)) == OURS | {"notes/thoughts.txt", "plate.png"}
    assert (folder / "notes/thoughts.txt").read_text() == "keep me"
    assert read_card(folder) == "new"
    assert sorted(os.listdir(tmp_path)) == ["backup", "mine"]


@pytest.mark.parametrize(
    "document",
    ['{"model_type": "llama"}', '{"format": "another-1"}', "[]", "hello", "[" * 100_000],
    ids=["another project's", "another format", "a list", "text", "deep"],
)
def test_a_folder_with_another_projects_model_is_never_written_to(networks, tmp_path, document):
    """Its files have the same names."""
    (tmp_path / CONFIG_FILE).write_text(document)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"somebody's")
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match="something else than a model"):
        save_model(tmp_path, networks, "mine", "")
    assert contents(tmp_path) == before


def test_a_link_as_a_target_stays_a_link_and_what_it_leads_to_gets_the_model(networks, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "mine").symlink_to("disk")
    for _ in range(2):
        save_model(tmp_path / "mine", networks, "mine", "")
        assert (tmp_path / "mine").is_symlink()
        assert set(contents(tmp_path / "disk")) == OURS


def test_files_of_a_model_that_are_links_are_replaced_and_what_they_lead_to_stays(networks, tmp_path):
    save_model(tmp_path / "cache", networks, "mine", "")
    before = contents(tmp_path / "cache")
    (tmp_path / "mine").mkdir()
    for name in OURS:
        (tmp_path / "mine" / name).symlink_to(tmp_path / "cache" / name)
    save_model(tmp_path / "mine", networks, "mine", "new")
    assert contents(tmp_path / "cache") == before
    assert read_card(tmp_path / "mine") == "new"


def test_the_current_folder_is_a_target(networks, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    save_model(Path("."), networks, "mine", "")
    assert read_manifest(tmp_path / "here").name == "mine"
    assert os.listdir(tmp_path) == ["here"]


@pytest.mark.parametrize("target", ["file", "loop", "nowhere/further", "file/below"])
def test_a_target_that_cant_be_a_folder_is_told_before_the_work(tmp_path, target):
    (tmp_path / "file").write_text("keep me")
    (tmp_path / "loop").symlink_to("loop")
    if target == "nowhere/further":
        require_free(tmp_path / target)
        return
    with pytest.raises(CheckpointError, match=r"\.$"):
        require_free(tmp_path / target)
    assert (tmp_path / "file").read_text() == "keep me"


@pytest.mark.parametrize("name", ["", "a/b", "\u202ex", "n" * 129, " x"])
def test_a_name_that_cant_be_listed_is_not_written(networks, tmp_path, name):
    with pytest.raises(ConfigError, match="A model's name must have"):
        save_model(tmp_path / "mine", networks, name, "")
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_readers_see_the_old_model_or_the_new_one_while_it_is_written_again_and_again(networks, tmp_path):
    folder, other = tmp_path / "mine", small.jitter(Networks(small.model())).eval()
    save_model(folder, networks, "mine", "")
    ends = threading.Event()

    def write() -> None:
        for number in range(30):
            save_model(folder, other if number % 2 else networks, "mine", "")
        ends.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not ends.is_set():
        seen.add(load_networks(folder)[0].sha256)
    writer.join()
    assert len(seen) == 2
    assert json.loads((folder / CONFIG_FILE).read_text())["sha256"] in seen
