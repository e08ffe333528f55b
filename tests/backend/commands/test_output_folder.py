"""Only what is ours is replaced, a place that can't be written is refused at once, and no finished work is thrown away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands import output_folder
from backend.commands.errors import UsageError
from backend.commands.output_folder import OutputFolder, open_output
from tests.machine import allowed

from .made import content, names, write_result

PROJECT = Path(__file__).resolve().parents[3]


def opened(target: Path, variants: int = 2, *, replace: bool = False, mark: str = "two") -> OutputFolder:
    """An output with a whole result in its working folder."""
    output = open_output(target, names(variants), replace=replace)
    write_result(output.work, variants, mark)
    return output


def tops(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- a folder that is not there ------------------------------------------------------------------------------------


def test_nothing_is_at_the_target_until_it_is_kept(tmp_path):
    target = tmp_path / "deep" / "out"
    output = opened(target)
    assert not target.parent.exists()
    assert output.keep() == target
    output.close()
    assert tops(target) == names()
    assert tops(tmp_path) == {"deep"}


def test_nothing_is_left_where_nothing_was_written(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("there", "deep/out"):
        open_output(tmp_path / name, names(), replace=False).close()
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_what_was_not_brought_to_its_place_is_in_sight_at_the_end(tmp_path):
    opened(tmp_path / "out").close()
    (aside,) = tmp_path.iterdir()
    assert not aside.name.startswith(".")
    assert tops(aside) == names()


def test_a_folder_that_somebody_made_meanwhile_stays_and_the_next_name_is_taken(tmp_path):
    output = opened(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out-2").write_text("mine")
    assert output.keep() == tmp_path / "out-3"
    assert tops(tmp_path / "out-3") == names()
    assert list((tmp_path / "out").iterdir()) == []


def test_two_runs_at_once_get_a_folder_each(tmp_path):
    first, second = opened(tmp_path / "out", mark="first"), opened(tmp_path / "out", mark="second")
    kept = {second.keep(): b"second", first.keep(): b"first"}
    assert set(kept) == {tmp_path / "out", tmp_path / "out-2"}
    for folder, mark in kept.items():
        assert (folder / "contact_sheet.png").read_bytes() == mark


# --- a folder that is there ----------------------------------------------------------------------------------------


def test_an_earlier_result_is_replaced_only_when_the_command_says_so(tmp_path):
    target = tmp_path / "out"
    write_result(target)
    before = content(target)
    with pytest.raises(UsageError, match="--replace"):
        open_output(target, names(), replace=False)
    assert content(target) == before
    assert opened(target, variants=1, replace=True).keep() == target
    assert tops(target) == names(1)
    assert (target / "contact_sheet.png").read_bytes() == b"two"
    assert tops(tmp_path) == {"out"}


def test_what_lies_beside_an_earlier_result_stays(tmp_path):
    target = tmp_path / "out"
    write_result(target, variants=2)
    mine = {"notes.txt", "selects/keep.png", "variant_01/painted.psd", "plate.png"}
    for name in mine:
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text("mine")
    (target / "variant_01" / "later").mkdir()
    opened(target, variants=1, replace=True).keep()
    assert (target / "variant_01" / "later").is_dir()
    kept = content(target)
    assert {name for name, data in kept.items() if data == b"mine"} == mine
    assert tops(target) == names(1) | {"notes.txt", "selects", "variant_01", "plate.png"}


@pytest.mark.parametrize("name", ["variant_01/frame_0002.png", "contact_sheet.png", "job.json"])
def test_a_file_of_ours_that_was_changed_is_named_and_stays(tmp_path, name):
    target = tmp_path / "out"
    write_result(target)
    changed = json.dumps(json.loads((target / name).read_text()) | {"note": "12"}) if name == "job.json" else "painted"
    (target / name).write_text(changed)
    with pytest.raises(UsageError, match=name):
        open_output(target, names(1), replace=True)
    assert (target / name).read_text() == changed
    assert tops(target) == names()


def test_a_file_that_is_changed_while_the_work_goes_on_stays_and_so_does_the_work(tmp_path):
    target = tmp_path / "out"
    write_result(target)
    output = opened(target, replace=True)
    (target / "variant_00" / "frame_0001.png").write_text("painted")
    with pytest.raises(UsageError, match="frame_0001"):
        output.keep()
    aside = output.set_aside()
    assert tops(aside) == names()
    assert not aside.name.startswith(".")
    assert (target / "variant_00" / "frame_0001.png").read_text() == "painted"
    assert (target / "contact_sheet.png").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["variant_00/frame_0007.png", "variant_01", "contact_sheet.png", "preview_00.mp4"])
def test_somebodys_file_under_a_name_of_ours_is_named_and_stays(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=name):
        open_output(tmp_path, names(), replace=True)
    assert content(tmp_path) == {name: b"mine"}


def test_a_result_of_a_version_before_stays(tmp_path):
    (tmp_path / "job.json").write_text('{"job_id": "x", "variants": []}')
    for replace in (False, True):
        with pytest.raises(UsageError, match=r"job\.json is not as this version wrote it"):
            open_output(tmp_path, names(), replace=replace)
    assert tops(tmp_path) == {"job.json"}


def test_files_of_other_names_are_no_reason_to_refuse(tmp_path):
    for name in ("thesis.txt", "variant_00/notes.txt", "variant_09/frame_0001.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    assert opened(tmp_path).keep() == tmp_path
    assert tops(tmp_path) == names() | {"thesis.txt", "variant_09"}
    assert content(tmp_path)["variant_00/notes.txt"] == b"mine"


def test_a_link_and_the_current_folder_stay_what_they_are(tmp_path, monkeypatch):
    (tmp_path / "disk" / "out").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "out")
    opened(tmp_path / "link").keep()
    assert (tmp_path / "link").is_symlink()
    assert tops(tmp_path / "disk" / "out") == names()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    opened(Path()).keep()
    assert set(os.listdir()) == names()
    assert tops(tmp_path) == {"disk", "link", "here"}


MOUNTS = sys.platform == "linux" and subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not MOUNTS, reason="needs a system that lets its users mount")
def test_a_mounted_volume_is_written_in_place(tmp_path):
    program = f"""
from pathlib import Path
from tests.backend.commands.made import content, names, write_result
from backend.commands.output_folder import open_output
output = open_output(Path({str(tmp_path)!r}), names(), replace=False)
write_result(output.work)
assert output.keep() == Path({str(tmp_path)!r})
assert {{name.split("/")[0] for name in content(Path({str(tmp_path)!r}))}} == names()
"""
    mounted = f'mount -t tmpfs none {tmp_path} && exec "$@"'
    command = ["unshare", "-rm", "bash", "-c", mounted, "bash", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=allowed(60), check=False)
    assert done.returncode == 0, done.stderr


def test_no_link_below_the_folder_is_followed(tmp_path):
    write_result(tmp_path / "out")
    shutil.move(tmp_path / "out" / "variant_00", tmp_path / "elsewhere")
    (tmp_path / "out" / "variant_00").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="variant_00"):
        open_output(tmp_path / "out", names(), replace=True)
    assert content(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("nth", range(1, 17))
def test_a_move_that_fails_leaves_the_earlier_result_and_the_work_whole(tmp_path, monkeypatch, nth):
    target = tmp_path / "out"
    write_result(target)
    before = content(target)
    output = opened(target, replace=True)
    move, calls = output_folder.move_new, 0

    def fail_once(source: Path, destination: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(5, "Input/output error")
        move(source, destination)

    monkeypatch.setattr(output_folder, "move_new", fail_once)
    with pytest.raises(OSError, match="Input/output"):
        output.keep()
    assert len(content(output.work)) == len(before)
    assert {name: data for name, data in content(target).items() if not name.startswith(".")} == before
    shutil.rmtree(output.work)
    assert content(target) == before
    assert tops(target) == names()


def test_a_file_that_is_changed_while_others_are_moved_stays(tmp_path, monkeypatch):
    target = tmp_path / "out"
    write_result(target)
    before = content(target)
    output = opened(target, replace=True)
    move = output_folder.move_new

    def paint_meanwhile(source: Path, destination: Path) -> None:
        if source == target / "variant_01" / "frame_0001.png":
            source.write_bytes(b"painted")
        move(source, destination)

    monkeypatch.setattr(output_folder, "move_new", paint_meanwhile)
    with pytest.raises(UsageError, match="frame_0001"):
        output.keep()
    output.set_aside()
    assert tops(target) == names() | {next(name for name in tops(target) if name.startswith("ipoke-"))}
    kept = {name: data for name, data in content(target).items() if not name.startswith("ipoke-")}
    assert kept == before | {"variant_01/frame_0001.png": b"painted"}


# --- a place that can't be written ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["file", "file/below", "dangling", "n" * 300, "deep/" + "n" * 300])
def test_a_place_that_can_not_be_written_is_refused_and_nothing_is_left(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "away")
    with pytest.raises(UsageError):
        open_output(tmp_path / name, names(), replace=True)
    assert tops(tmp_path) == {"file", "dangling"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that can't be written by anybody")
def test_a_folder_of_the_system_is_refused():
    for target in (Path("/proc/self/task"), Path("/proc/out")):
        with pytest.raises(UsageError, match="can't be written"):
            open_output(target, names(), replace=False)


# --- strangers' manifests ------------------------------------------------------------------------------------------

HOSTILE_NAMES = st.sampled_from(
    ["../precious.txt", "/etc/passwd", "variant_00/../../precious.txt", "notes.txt", "variant_00/frame_0001.png", "variant_00",
     "contact_sheet.png", "job.json", ".", "", "preview_00.mp4\n", "passes_00/passes_0001.exr", "variant_00/\ud800"]
)  # fmt: skip
HOSTILE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), HOSTILE_NAMES),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(HOSTILE_NAMES, values, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(manifest=HOSTILE | st.fixed_dictionaries({"files": HOSTILE, "seal": HOSTILE}))
def test_whatever_a_manifest_says_nothing_of_anybody_is_touched(tmp_path, manifest):
    folder = tmp_path / "given"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "variant_00").mkdir(parents=True)
    precious = {"notes.txt": b"mine", "variant_00/frame_0001.png": b"mine", "contact_sheet.png": b"mine"}
    for name, data in precious.items():
        (folder / name).write_bytes(data)
    (tmp_path / "precious.txt").write_bytes(b"mine")
    (folder / "job.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError):
        open_output(folder, names(), replace=True)
    assert {**content(folder), "job.json": b""} == {**precious, "job.json": b""}
    assert content(tmp_path)["precious.txt"] == b"mine"
