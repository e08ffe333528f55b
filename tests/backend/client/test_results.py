"""A job's folder: whole files, job.json last, nothing half-written left behind."""

from __future__ import annotations

import errno
import hashlib
import json
import struct
from pathlib import Path

import pytest

from backend.client import (
    FrameArrived,
    MeshArrived,
    OutputSize,
    Poke,
    PosesArrived,
    ResultWriter,
    SampleRequest,
    VariantDone,
    results,
)
from backend.client.mesh import RestMesh
from backend.client.owned import is_sealed, manifest_of
from backend.client.results import write_atomically, write_new
from ipoke_values import Sampling

from ..protocol.examples import SUMMARY


@pytest.fixture
def writer(tmp_path) -> ResultWriter:
    return ResultWriter(
        tmp_path / "job", SampleRequest("job", b"plate", "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, 2, Sampling(7))
    )


def image(variant: int, t: int) -> bytes:
    return f"{variant}-{t}".encode()


def write_variant(writer: ResultWriter, variant: int, count: int = 10) -> bool:
    for t in range(1, count + 1):
        writer.frame(FrameArrived("job", variant, t, image(variant, t)))
    hashes = tuple(hashlib.sha256(image(variant, t)).hexdigest() for t in range(1, 11))
    return writer.variant_done(VariantDone("job", variant, hashes))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_frames_and_job_file_have_their_names(writer):
    assert write_variant(writer, 0)
    writer.finish(SUMMARY)
    names = [f"variant_00/frame_{t:04d}.png" for t in range(1, 11)]
    assert files(writer.folder) == ["job.json", *names]
    assert (writer.folder / names[2]).read_bytes() == image(0, 3)


def test_the_job_file_says_what_the_result_was_made_from(writer):
    write_variant(writer, 1)
    job = json.loads(writer.finish(SUMMARY).read_text())
    assert job["pokes"] == [[0.5, 0.5, 0.1, 0.0]]
    assert job["seed"] == 7
    assert job["model"] == {"name": "garden-64", "sha256": SUMMARY.model.sha256}
    assert job["plate"]["size_px"] == [640, 480]
    assert job["region_px"] == [80, 0, 480, 480]
    assert job["frames"] == 10
    (variant,) = job["variants"]
    assert (variant["index"], variant["folder"], variant["seed"]) == (1, "variant_01", 7)
    assert variant["sha256"][0] == hashlib.sha256(image(1, 1)).hexdigest()
    assert job["versions"] == {"ipoke": "0.1.0"}


@pytest.mark.parametrize("variation", [None, 0.25])
def test_the_job_file_says_the_variation_where_one_was_asked_for(tmp_path, variation):
    request = SampleRequest("job", b"plate", "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, 2, Sampling(7, variation=variation))
    job = json.loads(ResultWriter(tmp_path / "job", request).finish(SUMMARY).read_text())
    assert job.get("variation") == variation
    assert ("variation" in job) == (variation is not None)


def test_the_job_file_names_every_file_that_was_written(writer):
    write_variant(writer, 0)
    writer.write("contact_sheet.png", b"sheet")
    writer.finish(SUMMARY)
    named = manifest_of(writer.folder)
    assert sorted([*named, "job.json"]) == files(writer.folder)
    assert named["contact_sheet.png"] == hashlib.sha256(b"sheet").hexdigest()


def test_aborting_and_discarding_leave_what_somebody_else_put_there(writer):
    write_variant(writer, 0)
    write_variant(writer, 1, count=4)
    (writer.folder / "variant_01" / "notes.txt").write_text("mine")
    writer.abort()
    assert [name for name in files(writer.folder) if not name.startswith("variant_00")] == ["variant_01/notes.txt"]
    writer.discard()
    assert files(writer.folder) == ["variant_01/notes.txt"]


def test_a_variant_with_a_missing_frame_is_not_whole(writer):
    assert not write_variant(writer, 0, count=9)
    assert writer.done_variants == ()


def test_aborting_keeps_whole_variants_only(writer):
    write_variant(writer, 0)
    write_variant(writer, 1, count=4)
    writer.abort()
    assert {name.split("/")[0] for name in files(writer.folder)} == {"variant_00"}


def test_aborting_before_anything_is_whole_leaves_nothing(writer):
    write_variant(writer, 0, count=4)
    writer.abort()
    assert not writer.folder.exists()


@pytest.mark.parametrize("nth", range(1, 12))
@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_disk_that_is_full_at_any_file_leaves_no_half_file(writer, monkeypatch, step, nth):
    calls = 0
    write, replace = Path.write_bytes, results.os.replace

    def is_full() -> bool:
        nonlocal calls
        calls += 1
        return calls == nth

    def write_half(path, data):
        if is_full():
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    def refuse(source, target):
        if is_full():
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    if step == "write":
        monkeypatch.setattr(Path, "write_bytes", write_half)
    else:
        monkeypatch.setattr(results.os, "replace", refuse)

    def write_all():
        write_variant(writer, 0)
        writer.finish(SUMMARY)

    with pytest.raises(OSError, match="No space"):
        write_all()
    written = files(writer.folder)
    assert len(written) == nth - 1
    assert not [name for name in written if ".part" in name]


def test_frames_that_are_kept_count_and_stand_in_the_job_file(tmp_path):
    hashes = tuple(hashlib.sha256(image(0, t)).hexdigest() for t in range(1, 11))
    request = SampleRequest("job", b"plate", "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, 1, Sampling(7), kept=hashes[:6])
    writer = ResultWriter(tmp_path / "job", request)
    for t in range(7, 11):
        writer.frame(FrameArrived("job", 0, t, image(0, t)))
    assert writer.variant_done(VariantDone("job", 0, hashes))
    assert json.loads(writer.finish(SUMMARY).read_text())["variants"][0]["sha256"] == list(hashes)


def test_the_longest_name_that_a_file_can_have_is_written(tmp_path):
    file = tmp_path / ("n" * 251 + ".png")
    write_atomically(file, b"one")
    write_atomically(file, b"two")
    assert file.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_replaces_none_and_leaves_nothing_behind(tmp_path):
    write_new(tmp_path / "keys", b"secret", 0o600)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "keys", b"other")
    assert (tmp_path / "keys").read_bytes() == b"secret"
    assert list(tmp_path.iterdir()) == [tmp_path / "keys"]


def test_a_name_of_any_bytes_stands_in_the_job_file_as_text(tmp_path):
    request = SampleRequest("job", b"plate", "f\udcff\ud800.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, 1, Sampling(7))
    writer = ResultWriter(tmp_path / "job", request)
    text = writer.finish(SUMMARY).read_text()
    assert json.loads(text)["plate"]["name"] == "f??.png"
    assert is_sealed(writer.folder)


REST = RestMesh.of(struct.pack("<3i", 0, 1, 2), struct.pack("<6f", 0, 0, 1, 0, 0, 1))
POSES = struct.pack("<12f", 0, 0, 1, 0, 0, 1, 0.5, 0, 1, 0, 0, 1)
MESH = ["mesh/background.png", "mesh/thing.mtl", "mesh/thing.obj", "mesh/thing.png"]


@pytest.fixture
def meshes(tmp_path) -> ResultWriter:
    poke, size = Poke(0.5, 0.5, 0.1, 0.0), OutputSize.PLATE
    request = SampleRequest("job", b"plate", "leaf.png", (poke,), None, 2, Sampling(7), size=size, mesh=True, frames=False)
    writer = ResultWriter(tmp_path / "job", request)
    writer.mesh(MeshArrived("job", REST, (640, 480), b"thing", b"background"))
    writer.poses(PosesArrived("job", 0, POSES))
    return writer


def test_a_mesh_and_its_poses_are_files_of_the_job(meshes):
    assert meshes.variant_done(VariantDone("job", 0, (), None, hashlib.sha256(POSES).hexdigest()))
    job = json.loads(meshes.finish(SUMMARY).read_text())
    assert files(meshes.folder) == ["job.json", *MESH, "variant_00/mesh.pc2"]
    assert manifest_of(meshes.folder).keys() == {*MESH, "variant_00/mesh.pc2"}
    assert job["mesh"]["poses"] == ["variant_00/mesh.pc2"]


def test_poses_that_were_damaged_on_their_way_are_noticed(meshes):
    assert not meshes.variant_done(VariantDone("job", 0, (), None, hashlib.sha256(b"others").hexdigest()))
    assert not meshes.variant_done(VariantDone("job", 0, (), None, None))


def test_an_aborted_mesh_stays_only_with_a_variant_that_is_whole(meshes):
    meshes.poses(PosesArrived("job", 1, POSES))
    meshes.variant_done(VariantDone("job", 1, (), None, hashlib.sha256(POSES).hexdigest()))
    meshes.abort()
    assert files(meshes.folder) == [*MESH, "variant_01/mesh.pc2"]


def test_an_aborted_mesh_without_a_variant_leaves_nothing(meshes):
    meshes.abort()
    assert not meshes.folder.exists()
