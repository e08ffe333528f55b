"""A .blend is a stranger's data: whatever paths it names, nothing of the artist's is removed, replaced or moved."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

SHA256 = hashlib.sha256(b"precious").hexdigest()


def tree(folder: Path) -> dict[str, str]:
    """Every file, folder, pipe and link, with what is in it."""
    return {
        str(path): os.readlink(path) if path.is_symlink() else path.read_bytes().hex() if path.is_file() else "no file"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def victim(tmp_path) -> Path:
    """Work of the artist's that lies as our own would, with manifests that name it and hashes that fit."""
    home = tmp_path / "victim"
    for name in ("variant_00/frame_0001.png", "bake/.0123456789ab/variant_00/frame_0001.png", "frame_0001.png", "thesis.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"precious")
    (home / "job.json").write_text('{"files": {"variant_00/frame_0001.png": "' + SHA256 + '"}}')
    (home / "bake/.0123456789ab/frames.txt").write_text(f"{SHA256} 8 variant_00/frame_0001.png\n")
    os.mkfifo(home / "pipe_0001.png")
    return home


def preview(part: Callable, obj: bpy.types.Object) -> None:
    """What letting an arrow go does in live mode."""
    job = part("operators.sampling").new_job(obj, part("core.jobs.job").JobKind.LIVE)
    part("session.timer").dispatch(part("core.jobs.app").JobAsked(job))
    part("session.timer").drive(lambda: part("session.running").outcome(job.job_id) is not None)
    assert part("session.running").outcome(job.job_id).phase is part("core.jobs.job").JobPhase.FINISHED


WAYS: dict[str, Callable[[Path], str]] = {
    "absolute": str,
    "up from the file": lambda victim: "//" + os.path.relpath(victim, victim.parent),
    "up from the root": lambda victim: f"//ipoke/leaf/../../{victim.name}",
    "through a link in the root": lambda victim: "//ipoke/link",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_live_poke_removes_nothing_that_the_file_names(sampled, victim, part, tmp_path, way):
    (tmp_path / "ipoke/link").symlink_to(victim)
    sampled.ipoke.jobs[0].folder, sampled.ipoke.jobs[0].live = way(victim), True
    bpy.ops.wm.save_mainfile()
    before = tree(victim)
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath, use_scripts=False)
    obj = bpy.context.active_object
    preview(part, obj)
    preview(part, obj)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert tree(victim) == before


def test_a_bake_of_a_strangers_variant_writes_beside_the_file_and_removes_nothing(sampled, victim, tmp_path):
    sampled.ipoke.jobs[0].folder = str(victim)
    sampled.ipoke.variants[0].baked_file, sampled.ipoke.variants[0].baked_frames = f"{victim}/frame_0001.png", 1
    before = tree(victim)
    bpy.ops.ipoke.choose_variant(index=0)
    assert bpy.ops.ipoke.bake(overwrite=True) == {"FINISHED"}
    assert tree(victim) == before
    assert Path(bpy.path.abspath(sampled.ipoke.clip.filepath)).is_relative_to(tmp_path / "ipoke/plate")


@pytest.mark.parametrize("template", ["frame_####", "FRAME_####"])
def test_a_bake_into_an_artists_folder_is_refused_before_the_work_where_it_would_replace_something(sampled, victim, template):
    if template.isupper() and not (victim / "FRAME_0001.png").exists():
        (victim / "FRAME_0001.png").write_bytes(b"precious")  # a disk that tells cases apart
    sampled.ipoke.bake.folder, sampled.ipoke.bake.file_name = str(victim), template
    before = tree(victim)
    for overwrite in (False, True):
        with pytest.raises(RuntimeError, match="move it away"):
            bpy.ops.ipoke.bake(overwrite=overwrite)
    assert tree(victim) == before


def test_a_first_save_moves_nothing_but_what_this_session_made(plane, victim, part, tmp_path):
    waiting = part("scene.paths").unsaved_root()
    others = waiting / "leaf/0123456789ab"
    shutil.copytree(victim / "variant_00", others / "variant_00")
    (others / "variant_00/frame_0001.png").write_bytes(b"of another Blender")
    (waiting / "link").unlink(missing_ok=True)
    (waiting / "link").symlink_to(victim)
    before = tree(victim) | tree(others)
    for number, named in enumerate((others, waiting, waiting / "leaf", waiting / "link", victim, waiting.parent)):
        job = plane.ipoke.jobs.add()
        job.name, job.folder = f"{number:032d}", str(named)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert tree(victim) | tree(others) == before
    assert not (tmp_path / "ipoke").exists()
    shutil.rmtree(others)
    (waiting / "link").unlink()


def test_results_of_another_session_are_copied_on_the_first_save_and_stay_there_too(plane, part, tmp_path):
    plane.ipoke.samples = 1
    bpy.ops.ipoke.sample()
    job = plane.ipoke.jobs[0]
    old = Path(job.folder)
    before = tree(old)
    part("session.running").runtime().written.clear()  # as after a crash, when the file was recovered, or for a pasted object
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    new = Path(bpy.path.abspath(plane.ipoke.jobs[0].folder))
    assert new.is_relative_to(tmp_path / "ipoke")
    assert {path.name for path in new.rglob("*")} == {path.name for path in old.rglob("*")}
    assert tree(old) == before
    assert Path(bpy.path.abspath(plane.ipoke.clip.filepath)).is_relative_to(new)


def test_what_a_saved_file_says_of_a_place_that_is_not_looked_at_stays_in_it(sampled, tmp_path):
    sampled.ipoke.jobs[0].folder = "\\\\server\\show\\ipoke\\leaf\\0123"
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert bpy.context.active_object.ipoke.jobs[0].folder == "\\\\server\\show\\ipoke\\leaf\\0123"


PARTS = ["victim", "ipoke", "link", "plate", "bake", ".0123456789ab", "variant_00", "frame_0001.png", "pipe_0001.png", "..", ""]
LONG = ["x" * 300, "x" * 900]
STARTS = [
    "",
    "//",
    "/",
    "\\\\host\\share",
    "//\\\\host\\share",
    "////host/share",
    "/dev",
    "/proc/self/fd",
    "C:",
    "%",
    "~",
    "@",
    "@",
]


def hostile(dice: random.Random, home: Path) -> str:
    """A path that no file of ours would name; many lead to the artist's work."""
    parts = [dice.choice(PARTS + LONG if dice.random() < 0.1 else PARTS) for _ in range(dice.randrange(6))]
    return "/".join([dice.choice(STARTS).replace("@", str(home)), *parts])


@pytest.mark.parametrize("seed", range(16))
def test_whatever_a_file_names_a_disk_stays_byte_for_byte(sampled, victim, part, tmp_path, monkeypatch, seed):
    dice = random.Random(seed)
    (tmp_path / "ipoke/link").symlink_to(victim)
    folder, baked, kinematics, target, name = (hostile(dice, tmp_path) for _ in range(5))
    number = dice.randrange(-3, 3)
    obj = sampled
    plate, before = obj.ipoke, tree(tmp_path)
    job, variant = plate.jobs[0], plate.variants[0]
    job.folder, job.live, job.kinematics = folder, True, kinematics
    variant.baked_file, variant.baked_frames, variant.baked_first = baked, 1, max(number, 0)
    plate.bake.folder, plate.jobs.add().name, plate.active_variant = target, name, 0
    plate.variants.add().job_id = name

    def ask_for_a_bake() -> None:
        with monkeypatch.context() as once:  # what it would ask is enough
            once.setattr(part("operators.sampling"), "run", lambda *_: {"FINISHED"})
            bpy.ops.ipoke.bake(overwrite=True)

    acts: tuple[Callable[[], object], ...] = (
        lambda: bpy.ops.ipoke.choose_variant(index=0),
        lambda: bpy.ops.ipoke.choose_variant(index=2),
        lambda: bpy.ops.ipoke.show_bake(),
        lambda: bpy.ops.ipoke.add_to_sequencer(),
        lambda: bpy.ops.ipoke.add_to_compositor(),
        lambda: part("ui.disk").missing(plate),
        lambda: [part("ui.thumbnails").of_variant(plate, one, 1) for one in plate.variants],
        lambda: part("scene.results").refresh(obj),
        ask_for_a_bake,
        lambda: bpy.ops.ipoke.find_results(directory=str(tmp_path / "victim")),
        lambda: bpy.ops.ipoke.recall_settings(),
        lambda: part("session.arrivals").state().replaced.update({"a" * 32, job.name}),
        lambda: part("session.arrivals").sweep(),
        lambda: bpy.ops.ipoke.delete_variant(),
    )
    for act in acts:
        said = ""
        try:
            act()
        except RuntimeError as error:
            said = str(error)
        assert "Traceback" not in said
    changed = tree(tmp_path)
    assert {path: changed.get(path) for path in before} == before
    (tmp_path / "saved").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved/shot.blend"))
    changed = tree(tmp_path)
    assert {path: changed.get(path) for path in before} == before
