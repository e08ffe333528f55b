"""Listing models: whatever lies in a folder of models, the others are found, and what is left out is told."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.protocol import limits
from backend.protocol.fields import from_plain, to_plain
from backend.protocol.messages import ModelEntry
from ipoke_models import config as sizes
from ipoke_models import installed, load_model
from ipoke_models import listing as models
from ipoke_models.checkpoint import CONFIG_FILE, NAME_CHARACTERS
from ipoke_models.errors import ModelError
from ipoke_models.installed import WEIGHTS, survey
from tests.machine import allowed
from tests.segmenters import save_small_segmenter

SEGMENTER = "thing"
SHIPPED = {folder.name for folder in WEIGHTS.iterdir()} - {SEGMENTER}
GARDEN = json.loads((WEIGHTS / "garden-64" / CONFIG_FILE).read_text())


def write_model(root: Path, folder: str, **changed: object) -> Path:
    """A model folder without weights, which is enough to be listed."""
    (root / folder).mkdir(parents=True)
    (root / folder / CONFIG_FILE).write_text(json.dumps({**GARDEN, "name": folder, **changed}))
    return root / folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models, with a good one before and after what a test puts there."""
    root = tmp_path / "models"
    write_model(root, "aa")
    write_model(root, "zz")
    monkeypatch.setenv("IPOKE_MODELS", str(root))
    return root


def config(root: Path) -> Path:
    (root / "odd").mkdir()
    return root / "odd" / CONFIG_FILE


def _device(root: Path) -> None:
    config(root).symlink_to("/dev/zero")


def _endless(root: Path) -> None:
    with config(root).open("wb") as file:
        file.truncate(1 << 40)


ODD: dict[str, Callable[[Path], object]] = {
    "brackets": lambda root: config(root).write_text("[" * 50_000),
    "much deeper": lambda root: config(root).write_text("[" * 400_000),
    "objects": lambda root: config(root).write_text('{"a":' * 10_000),
    "no UTF-8": lambda root: config(root).write_bytes(b"\xff\xfe{"),
    "a lone surrogate": lambda root: config(root).write_text(json.dumps({**GARDEN, "name": "\udc80"})),
    "NaN": lambda root: config(root).write_text(json.dumps(GARDEN).replace("0.3", "NaN").replace("0.2", "NaN")),
    "a key twice": lambda root: config(root).write_text('{"name": "one", ' + json.dumps(GARDEN)[1:]),
    "a number of many digits": lambda root: config(root).write_text(json.dumps(GARDEN).replace("64", "6" * 5000)),
    "a list": lambda root: config(root).write_text("[]"),
    "empty": lambda root: config(root).write_text(""),
    "a pipe": lambda root: os.mkfifo(config(root)),
    "a device": _device,
    "a folder": lambda root: config(root).mkdir(),
    "a link to itself": lambda root: config(root).symlink_to(CONFIG_FILE),
    "a link to nowhere": lambda root: config(root).symlink_to("/nowhere"),
    "endless": _endless,
    "a slash": lambda root: write_model(root, "odd", name="team/leaves"),
    "a backslash": lambda root: write_model(root, "odd", name="team\\leaves"),
    "a turned name": lambda root: write_model(root, "odd", name="\u202egarden"),
    "a name with a line": lambda root: write_model(root, "odd", name="garden\nmodels: none"),
    "a name that rings": lambda root: write_model(root, "odd", name="\x1b[2Jgarden\x07"),
    "a long name": lambda root: write_model(root, "odd", name="n" * (NAME_CHARACTERS + 1)),
    "no name": lambda root: write_model(root, "odd", name=""),
    "a name of another type": lambda root: write_model(root, "odd", name=["garden"]),
    "a hash that is none": lambda root: write_model(root, "odd", sha256="../../etc/passwd"),
    "another's name": lambda root: write_model(root, "odd", name="aa"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_folder_is_left_out_with_a_sentence_and_the_others_are_found(odd, root):
    ODD[odd](root)
    found = survey()
    assert {info.name for info in found.models} == {"aa", "zz"} | SHIPPED
    (left_out,) = found.left_out
    assert left_out.folder == root / "odd"
    assert left_out.reason.isprintable()
    assert len(left_out.reason) < 600
    assert left_out.reason.endswith(".")


@pytest.mark.slow
def test_a_folder_that_may_not_be_read_is_left_out(root):
    """As another user, since the administrator may read all."""
    write_model(root, "odd").chmod(0o700 if os.geteuid() == 0 else 0)
    for folder in (root, *root.parents[:3]):
        folder.chmod(0o755)
    code = (
        "import os, ipoke_models\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "found = ipoke_models.survey()\n"
        "print([one.folder.name for one in found.left_out], [info.name for info in found.models if len(info.name) == 2])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (root / "odd").chmod(0o700)
    assert done.stdout.strip() == "['odd'] ['aa', 'zz']", done.stderr


@pytest.mark.slow
def test_a_crowded_folder_ends_in_a_sentence_and_leaves_the_shipped_ones_their_place(root):
    for number in range(10_000):
        (root / f"m{number:05d}").mkdir()
        (root / f"m{number:05d}" / CONFIG_FILE).write_text("{}" if number % 2 else json.dumps({**GARDEN, "name": f"m{number}"}))
    found = survey()
    assert len(found.models) + len(found.segmenters) == installed.MOST_MODELS
    assert {info.name for info in found.models} > SHIPPED
    assert any("one model more than the 64" in one.reason for one in found.left_out)
    assert any("holds 10002 folders of models" in one.reason for one in found.left_out)


@pytest.mark.parametrize("named", ["nowhere", "file", "x" * 300])
def test_a_folder_of_models_that_is_none_is_told(root, monkeypatch, named):
    (root.parent / "file").write_text("")
    monkeypatch.setenv("IPOKE_MODELS", os.pathsep.join([str(root.parent / named), str(root)]))
    found = survey()
    assert {info.name for info in found.models} == {"aa", "zz"} | SHIPPED
    assert "can't be listed" in found.left_out[0].reason


def test_a_folder_that_is_named_twice_is_listed_once(root, monkeypatch):
    monkeypatch.setenv("IPOKE_MODELS", os.pathsep.join([str(root), f"{root}/", str(root), str(WEIGHTS)]))
    assert survey().left_out == ()


@pytest.mark.slow
def test_the_command_prints_the_others_and_nothing_that_moves_the_cursor(root):
    write_model(root, "odd", name="\x1b[2J")
    (root / "aa" / "model_card.md").write_text("# A\n\x1b[2J\u202e card\n")
    (root / "zz" / "model_card.md").symlink_to("/dev/zero")
    done = subprocess.run(
        [sys.executable, "-m", "ipoke_models.listing"], capture_output=True, text=True, timeout=allowed(60), check=True
    )
    assert "# A\n" in done.stdout
    assert "left out: A model's name must have" in done.stderr
    assert all(line.isprintable() for line in (done.stdout + done.stderr).split("\n"))


def test_every_model_that_is_listed_can_be_told_to_a_client(root):
    write_model(root, "long", name="ö" * NAME_CHARACTERS)
    for info in survey().models:
        entry = ModelEntry(info.name, info.size_px, info.frames, info.max_pokes, info.sha256)
        assert from_plain(ModelEntry, to_plain(entry)) == entry
    assert NAME_CHARACTERS <= limits.NAME_CHARACTERS
    assert sizes.LARGEST_SIZE_PX <= limits.IMAGE_SIDE_PX
    assert sizes.MOST_FRAMES <= limits.FRAMES
    assert sizes.MOST_POKES <= limits.POKES


@pytest.mark.parametrize("name", ["no\0name", "n" * 5000, "\x1b[2J"])
def test_names_that_no_folder_can_have_are_a_sentence(name):
    with pytest.raises(ModelError, match="There is no model") as refused:
        load_model(name)
    assert str(refused.value).isprintable()


@pytest.mark.slow
def test_a_listed_model_is_loaded_from_its_own_folder_whatever_lies_in_the_current_one(root, tmp_path, monkeypatch):
    """The name of a model is also a path: one that somebody put into the current folder must not take its place."""
    from backend.worker.loaded_models import Models

    model = Path(shutil.copytree(WEIGHTS / "garden-64", root / "garden"))
    (model / CONFIG_FILE).write_text(json.dumps({**GARDEN, "name": "garden"}))
    (tmp_path / "here/garden").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    write_model(root, "odd", name="team/leaves")
    models = Models()
    assert {entry.name for entry in models.info().models} == {"aa", "zz", "garden"} | SHIPPED
    loaded = models.get("garden")
    assert loaded.entry.sha256 == hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def test_segmenters_are_told_from_models_and_the_one_called_thing_comes_first(root):
    for name in ("a-finder", "thing"):
        save_small_segmenter(root / name, name)
    found = survey()
    names = [info.name for info in found.segmenters]
    assert names.index("thing") == 0
    assert "a-finder" in names
    assert {"thing", "a-finder"}.isdisjoint(info.name for info in found.models)
    assert [one.folder for one in found.left_out] == [WEIGHTS / SEGMENTER]


def test_a_segmenter_in_a_folder_of_models_takes_the_place_of_the_shipped_one(root):
    folder = save_small_segmenter(root / "mine", "thing")
    assert survey().segmenters[0].folder == folder


@pytest.mark.parametrize("name", ["team/leaves", "two\nlines", "", "n" * 200])
def test_a_segmenter_whose_name_cannot_be_passed_on_is_left_out(root, name):
    folder = save_small_segmenter(root / "odd", "odd")
    told = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps({**told, "name": name}))
    found = survey()
    assert [one.folder for one in found.left_out] == [folder]
    assert "odd" not in [info.folder.name for info in found.segmenters]


def test_models_and_segmenters_are_listed_for_people_and_programs(root, capfd, monkeypatch):
    save_small_segmenter(root / "finder", "finder")
    for words, told in ((["models"], "finder: finds what an arrow stands on, 64 px"), (["models", "--json"], '"segmenters": [')):
        monkeypatch.setattr(sys, "argv", words)
        models.main()
        assert told in capfd.readouterr().out


def test_a_damaged_segmenters_folder_is_told_without_what_its_name_would_do_to_a_terminal(root):
    folder = save_small_segmenter(root / "\x1b[2Jodd", "odd")
    (folder / CONFIG_FILE).write_text(json.dumps({**json.loads((folder / CONFIG_FILE).read_text()), "name": 3}))
    (left_out,) = survey().left_out
    assert "odd" in left_out.reason
    assert "\x1b" not in left_out.reason
