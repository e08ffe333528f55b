from __future__ import annotations

import hashlib
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon.core.setup import environment, setup
from blender_addon.core.setup.environment import Device, PackageList, Plan
from blender_addon.core.setup.installer import Installer
from blender_addon.core.setup.setup import SetupPhase
from tests.machine import allowed

PATIENCE_S = allowed(60.0)
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
BACKEND = "import tiny\nassert tiny.WORKS\nprint('one model')\n"


def write_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = files | {f"{info}/METADATA": METADATA.format(name=name), f"{info}/WHEEL": WHEEL}
    with zipfile.ZipFile(path, "w") as archive:
        for file_name, text in files.items():
            archive.writestr(file_name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file_name},,\n" for file_name in [*files, f"{info}/RECORD"]))
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """An environment with one small package and a stand-in for the backend, from a folder of wheels."""
    wheels, root = tmp_path / "wheels", tmp_path / "env"
    wheels.mkdir()
    root.mkdir()
    tiny = write_wheel(wheels, "tiny", {"tiny.py": "WORKS = True\n"})
    backend = write_wheel(tmp_path, "ipoke", {"backend/__init__.py": "", "backend/__main__.py": BACKEND})
    listed = tmp_path / "list.txt"
    listed.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(tiny.read_bytes()).hexdigest()}\n")
    packages = PackageList(listed, "linux-x86_64", Device.CPU, "3.11", 1000)
    return Plan(Path(sys.executable), packages, backend, root, "new", wheels)


def with_stand_in(plan: Plan, create: str) -> Plan:
    """As `plan`, with a Python that does something else where an environment is to be created."""
    program = plan.root.parent / "python"
    program.write_text(f'#!/bin/sh\nif [ "$2" = -c ]; then exec {sys.executable} "$@"; fi\n{create}\n')
    program.chmod(0o755)
    return replace(plan, python=program)


@pytest.fixture
def slow(plan: Plan) -> Plan:
    """Leaves half an environment and then takes its time."""
    return with_stand_in(plan, f"mkdir -p {plan.folder}/half && sleep 60")


@pytest.fixture
def quick(plan: Plan) -> Plan:
    """Makes an environment whose Python is another one's, which is good enough for what is refused."""
    python = environment.python_of(plan.folder)
    return with_stand_in(plan, f"mkdir -p {python.parent} && ln -s {sys.executable} {python}")


def play(installer: Installer, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, installer.state.sentence
        installer.wait(0.02)
        installer.tick(time.monotonic())


def folders(plan: Plan) -> set[str]:
    return {path.name for path in plan.root.iterdir() if path.is_dir()}


def working(plan: Plan) -> None:
    """Let an environment be there that works."""
    old = environment.python_of(plan.root / "old")
    old.parent.mkdir(parents=True)
    old.touch()
    (plan.root / environment.CURRENT).write_text("old")


@pytest.mark.slow
def test_an_environment_is_made_checked_and_takes_the_place_of_the_one_before(plan):
    working(plan)
    installer = Installer()
    installer.dispatch(setup.SetupAsked(plan))
    play(installer, lambda: not installer.active)
    assert installer.state.phase is SetupPhase.DONE, installer.state.sentence
    assert folders(plan) == {"new"}
    python = environment.managed_python(plan.root)
    told = subprocess.run([python, "-I", "-m", "backend"], capture_output=True, text=True, check=True).stdout
    assert told == "one model\n"


def test_a_file_with_another_hash_is_refused_and_nothing_of_it_stays(quick):
    working(quick)
    with next(quick.wheels.iterdir()).open("ab") as file:
        file.write(b"something else")
    installer = Installer()
    installer.dispatch(setup.SetupAsked(quick))
    play(installer, lambda: not installer.active)
    assert installer.state.phase is SetupPhase.FAILED
    assert "HASHES" in installer.state.sentence.upper()
    assert folders(quick) == {"old"}
    assert environment.managed_python(quick.root) is not None, "the one before still counts"


def test_a_cancel_leaves_nothing_half_made_and_no_process(slow):
    working(slow)
    installer = Installer()
    installer.dispatch(setup.SetupAsked(slow))
    child = installer._process
    play(installer, (slow.folder / "half").is_dir)
    installer.dispatch(setup.SetupCancelled())
    play(installer, lambda: not installer.active)
    assert installer.state.sentence == "Cancelled; nothing was kept"
    assert folders(slow) == {"old"}
    assert child is not None
    assert child.returncode is not None


def test_closing_in_the_middle_leaves_nothing_half_made(slow):
    installer = Installer()
    installer.dispatch(setup.SetupAsked(slow))
    play(installer, (slow.folder / "half").is_dir)
    installer.close()
    assert not installer.active
    assert folders(slow) == set()


def test_a_python_that_is_not_there_is_a_sentence(plan):
    missing = replace(plan, python=Path("/nowhere/python"))
    installer = Installer()
    installer.dispatch(setup.SetupAsked(missing))
    assert installer.state.phase is SetupPhase.FAILED
    assert "/nowhere/python" in installer.state.sentence


def test_what_has_arrived_is_counted_while_it_grows(plan):
    (plan.downloads / "pip-unpack-x").mkdir(parents=True)
    assert environment.downloaded_bytes(plan) == 0
    (plan.downloads / "pip-unpack-x/tiny.whl").write_bytes(b"12345")
    assert environment.downloaded_bytes(plan) == 5
