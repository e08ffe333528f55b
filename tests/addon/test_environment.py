from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import build_addon
from blender_addon.core.errors import SetupError
from blender_addon.core.setup import environment
from blender_addon.core.setup.environment import Device, Plan, Step

FOLDER = build_addon.SOURCE / "environment"
LISTS = environment.package_lists(FOLDER)
DEPENDENCIES = tomllib.loads((build_addon.ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def plan(tmp_path: Path, device: Device = Device.CPU, system: str = "linux-x86_64", wheels: Path | None = None) -> Plan:
    packages = environment.chosen(LISTS, system, device, "3.11")
    return Plan(Path("python"), packages, Path("ipoke.whl"), tmp_path, "a1b2c3", wheels)


@pytest.mark.parametrize("packages", LISTS, ids=lambda packages: packages.file.stem)
def test_each_list_pins_and_hashes_everything_that_the_project_asks_for(packages):
    pinned = {}
    for entry in packages.file.read_text().replace("\\\n", " ").splitlines():
        if not entry.startswith("#"):
            pin, *hashes = entry.split()
            name, version = pin.split("==")
            pinned[name] = version
            assert hashes, pin
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes), pin
    for asked in map(Requirement, DEPENDENCIES):
        assert asked.specifier.contains(pinned[asked.name.lower()]), asked
    assert packages.size_bytes > 100e6


def test_there_is_a_list_for_every_platform_that_pytorch_has_and_each_python_of_blender():
    assert {(known.system, known.python) for known in LISTS if known.device is Device.CPU} == {
        (system, python) for system in ("linux-x86_64", "windows-amd64", "darwin-arm64") for python in ("3.11", "3.13")
    }


@pytest.mark.parametrize(
    ("system", "device", "python", "sentence"),
    [
        ("darwin-x86_64", Device.CPU, "3.11", "no PyTorch for this machine"),
        ("linux-x86_64", Device.CPU, "3.14", "Python 3.11 or 3.13 is needed, this is 3.14; name another Python"),
        ("windows-amd64", Device.CUDA, "3.11", "CUDA"),
    ],
)
def test_what_cannot_be_set_up_is_a_sentence(system, device, python, sentence):
    with pytest.raises(SetupError, match=sentence):
        environment.chosen(LISTS, system, device, python)


def test_packages_come_with_their_hashes_and_never_from_sources(tmp_path):
    command = environment.command(plan(tmp_path), Step.FETCH)
    assert "--require-hashes" in command
    assert command[command.index("--only-binary") + 1] == ":all:"


def test_a_folder_of_wheels_keeps_the_network_out(tmp_path):
    command = environment.command(plan(tmp_path, wheels=tmp_path), Step.FETCH)
    assert "--no-index" in command
    assert not [word for word in command if word.startswith("http")]


@pytest.mark.parametrize(
    ("system", "device", "second"),
    [
        ("linux-x86_64", Device.CPU, True),
        ("linux-x86_64", Device.CUDA, False),
        ("windows-amd64", Device.CPU, False),
        ("darwin-arm64", Device.CPU, False),
    ],
)
def test_only_the_processors_pytorch_for_linux_needs_a_second_index(tmp_path, system, device, second):
    assert ("--extra-index-url" in environment.command(plan(tmp_path, device, system), Step.FETCH)) is second


def test_a_full_disk_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "DISK_FOR_EACH_BYTE", 10**9)
    with pytest.raises(SetupError, match="GB are free; make room"):
        environment.check_room(plan(tmp_path))


def test_an_environment_counts_when_it_is_named_and_there(tmp_path):
    asked = plan(tmp_path)
    python = environment.python_of(asked.folder)
    python.parent.mkdir(parents=True)
    python.touch()
    assert environment.managed_python(tmp_path) is None
    environment.adopt(asked)
    assert environment.managed_python(tmp_path) == python
    python.unlink()
    assert environment.managed_python(tmp_path) is None


def test_an_environment_whose_python_has_gone_is_not_used_and_names_it(tmp_path):
    asked, source = plan(tmp_path), tmp_path / "blender/python3.11"
    python = environment.python_of(asked.folder)
    python.parent.mkdir(parents=True)
    source.parent.mkdir()
    source.touch()
    python.symlink_to(source)
    (asked.folder / "pyvenv.cfg").write_text(f"home = {source.parent}\nexecutable = {source}\n")
    environment.adopt(asked)
    assert environment.managed_python(tmp_path) == python
    assert environment.lost_python(tmp_path) is None
    source.unlink()
    assert environment.managed_python(tmp_path) is None
    assert environment.lost_python(tmp_path) == source


def test_nothing_is_lost_where_nothing_was_set_up(tmp_path):
    assert environment.lost_python(tmp_path) is None
