"""Set Up Backend takes only what its list names, from where nobody else can write, and removes only what it made."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon.core.setup import environment, setup
from blender_addon.core.setup.environment import Plan, Step
from blender_addon.core.setup.installer import Installer
from blender_addon.core.setup.setup import SetupPhase

from .test_installer import PATIENCE_S, folders, plan, play, with_stand_in, working, write_wheel

__all__ = ["plan"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """An environment as the first step leaves it."""
    folder = tmp_path_factory.mktemp("empty") / "made"
    subprocess.run([sys.executable, "-I", "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def ready(plan, empty) -> Plan:
    """An attempt whose first step is done."""
    shutil.copytree(empty, plan.folder, symlinks=True)
    return plan


def fetched(plan: Plan) -> subprocess.CompletedProcess[str]:
    command = environment.command(plan, Step.FETCH)
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def made(plan: Plan) -> Installer:
    installer = Installer()
    installer.dispatch(setup.SetupAsked(plan))
    play(installer, lambda: not installer.active)
    return installer


@pytest.mark.slow
def test_a_wheel_that_is_swapped_after_it_was_copied_is_not_installed(ready, tmp_path):
    plan = ready
    (tmp_path / "evil").mkdir()
    evil = write_wheel(tmp_path / "evil", "tiny", {"tiny.py": "WORKS = False\n"})
    fetching = subprocess.Popen(environment.command(plan, Step.FETCH), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not (plan.private / evil.name).exists() and fetching.poll() is None:
        assert time.monotonic() < deadline
    shutil.copy(evil, plan.wheels / evil.name)
    fetching.wait(PATIENCE_S)
    look = [str(environment.python_of(plan.folder)), "-I", "-c", "import tiny; print(tiny.WORKS)"]
    found = subprocess.run(look, capture_output=True, text=True, check=False)
    assert found.stdout in ("True\n", ""), "either the right one or none"
    assert stat.S_IMODE(plan.private.stat().st_mode) == 0o700


@pytest.mark.slow
def test_of_a_share_with_many_wheels_only_those_of_the_list_are_copied(ready):
    plan = ready
    write_wheel(plan.wheels, "other", {"other.py": ""})
    os.mkfifo(plan.wheels / "tiny-1.0-cp311-cp311-linux_x86_64.whl")
    assert fetched(plan).returncode == 0
    assert [path.name for path in plan.private.iterdir()] == ["tiny-1.0-py3-none-any.whl"]


@pytest.mark.slow
@pytest.mark.parametrize("through", ["variable", "user's file"])
def test_pips_own_settings_have_no_say(ready, tmp_path, monkeypatch, through):
    """They name a folder that has the package, which the folder of wheels lacks."""
    elsewhere = tmp_path / "elsewhere"
    ready.wheels.rename(elsewhere)
    ready.wheels.mkdir()
    settings = f"[global]\nfind-links = {elsewhere}\n"
    if through == "variable":
        monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    else:
        (tmp_path / "config/pip").mkdir(parents=True)
        (tmp_path / "config/pip/pip.conf").write_text(settings)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "No matching distribution" in fetched(ready).stderr


def test_proxies_of_the_system_stay(plan, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    told = with_stand_in(plan, 'echo "ERROR: through $HTTPS_PROXY"; exit 1')
    assert made(told).state.sentence.endswith("through http://proxy.example:3128")


@pytest.mark.slow
@pytest.mark.parametrize("outcome", [SetupPhase.DONE, SetupPhase.FAILED])
def test_folders_that_set_up_did_not_make_stay(plan, tmp_path, outcome):
    working(plan)
    (plan.root / "mine").mkdir()
    (plan.root / "mine/letter.txt").write_text("keep me")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("keep me")
    (plan.root / "linked").symlink_to(tmp_path / "precious")
    asked = plan if outcome is SetupPhase.DONE else with_stand_in(plan, "exit 1")
    assert made(asked).state.phase is outcome
    assert folders(plan) == {"mine", "linked", "new" if outcome is SetupPhase.DONE else "old"}
    assert (plan.root / "mine/letter.txt").read_text() == (tmp_path / "precious/letter.txt").read_text() == "keep me"


def test_a_link_in_the_place_of_an_attempt_is_not_followed(plan, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("keep me")
    asked = with_stand_in(plan, f"ln -s {tmp_path / 'precious'} {plan.folder}; exit 1")
    assert made(asked).state.phase is SetupPhase.FAILED
    assert (tmp_path / "precious/letter.txt").read_text() == "keep me"


@pytest.mark.parametrize("named", ["..", "../precious", "/", ".", ""])
def test_names_that_leave_the_folder_of_environments_are_neither_removed_nor_used(plan, tmp_path, named):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("keep me")
    (plan.root / environment.CURRENT).write_text(named)
    (plan.root / environment.MADE).write_text(f"{named}\n")
    assert environment.managed_python(plan.root) is None
    subprocess.run([*environment.command(plan, Step.TIDY)], check=True)
    assert (tmp_path / "precious/letter.txt").read_text() == "keep me"
    assert plan.root.is_dir()


def test_the_folder_and_its_log_are_the_users_alone_and_a_link_is_not_written_through(plan, tmp_path):
    asked, log = with_stand_in(plan, "exit 1"), plan.root / environment.LOG
    plan.root.chmod(0o755)
    assert made(asked).state.phase is SetupPhase.FAILED
    assert stat.S_IMODE(plan.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    (tmp_path / "precious").write_text("keep me")
    log.unlink()
    log.symlink_to(tmp_path / "precious")
    assert made(replace(asked, name="newer")).state.phase is SetupPhase.FAILED
    assert (tmp_path / "precious").read_text() == "keep me"
