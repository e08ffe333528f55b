from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon._vendor.client import (
    Cancelled,
    Event,
    Finished,
    FrameArrived,
    InvertRequest,
    KinematicsArrived,
    Launcher,
    Level,
    LocalBackend,
    Lost,
    ProtocolError,
    ResultWriter,
    Started,
    Stroke,
    ThingArrived,
    ThingFound,
    ThingOrigin,
    ThingRequest,
    VariantDone,
)
from blender_addon.core.jobs import app, unfinished
from blender_addon.core.jobs.app import Phase
from blender_addon.core.jobs.bakes import Delivery, FileNames, Shot
from blender_addon.core.jobs.folders import THING_FILE
from blender_addon.core.jobs.job import Job, JobKind, JobPhase, Target
from blender_addon.core.jobs.runtime import ANSWERS, Runtime
from blender_addon.core.things.search import Question
from tests.machine import allowed

from .fakes import SUMMARY, FakeBackend, no_backend, request

PNG = b"not really a png"
ENOUGH_S = allowed(5.0)
HASH = hashlib.sha256(PNG).hexdigest()


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def runtime(backend: FakeBackend) -> Runtime:
    return Runtime(lambda: backend)


def job(folder: Path, job_id: str = "job") -> Job:
    return Job(request(job_id), JobKind.SAMPLE, Target("plate", "Plane"), folder)


def hear(runtime: Runtime, backend: FakeBackend, *events) -> tuple[Job, ...]:
    backend.to_say += events
    return runtime.tick(0.0, ENOUGH_S)


def test_a_job_comes_out_as_files(runtime, backend, tmp_path):
    folder = tmp_path / "job"
    runtime.dispatch(app.JobAsked(job(folder)))
    hear(runtime, backend, Started("job"), FrameArrived("job", 0, 1, PNG), FrameArrived("job", 0, 2, PNG))
    assert (folder / "variant_00/frame_0002.png").read_bytes() == PNG
    changed = hear(runtime, backend, VariantDone("job", 0, (HASH, HASH)), Finished("job", SUMMARY))
    assert [job.phase for job in changed] == [JobPhase.FINISHED]
    assert json.loads((folder / "job.json").read_text())["variants"][0]["sha256"] == [HASH, HASH]
    assert runtime.state.jobs == ()


def test_a_tick_tells_each_changed_job_once_and_nothing_when_nothing_happened(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    assert len(hear(runtime, backend, *(FrameArrived("job", 0, t, PNG) for t in range(1, 9)))) == 1
    assert hear(runtime, backend) == ()


def test_a_cancelled_job_leaves_no_half_variant(runtime, backend, tmp_path):
    folder = tmp_path / "job"
    runtime.dispatch(app.JobAsked(job(folder)))
    hear(runtime, backend, FrameArrived("job", 0, 1, PNG))
    runtime.dispatch(app.CancelAsked("job"))
    assert backend.session.cancelled == ["job"]
    hear(runtime, backend, Cancelled("job"))
    assert not folder.exists()


def test_without_a_backend_the_job_fails_with_a_sentence(tmp_path):
    runtime = Runtime(no_backend)
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    (ended,) = runtime.tick(0.0, 0.004)
    assert (ended.phase, ended.sentence) == (JobPhase.FAILED, "No backend was found; install it.")
    assert not runtime.active


def test_a_request_that_the_client_refuses_fails_alone(runtime, backend, tmp_path):
    def refuse(_request) -> str:
        raise ProtocolError("samples must be 1 to 64.")

    backend.session.submit = refuse
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    (ended,) = runtime.tick(0.0, 0.004)
    assert ended.sentence == "samples must be 1 to 64."
    assert runtime.state.backend.phase is Phase.READY


def test_the_mask_of_what_moves_is_kept_with_the_first_whole_variant_and_named_by_the_manifest(runtime, backend, tmp_path):
    folder = tmp_path / "job"
    asking = replace(job(folder), question=ThingRequest("q", b"plate", (Stroke(((0.5, 0.5),)),)))
    found = ThingFound("q", ThingOrigin.ALPHA, (Level.THING,), (1.0,), 0)
    runtime.dispatch(app.JobAsked(asking))
    hear(runtime, backend, ThingArrived("q", found, (b"mask",)), FrameArrived("job", 0, 1, PNG))
    assert [sent.job_id for sent in backend.session.submitted] == ["q", "job"]
    assert backend.session.submitted[1].thing == b"mask"
    assert not (folder / THING_FILE).exists(), "a job without a whole variant leaves nothing"
    hear(runtime, backend, VariantDone("job", 0, (HASH,)), Finished("job", SUMMARY))
    assert (folder / THING_FILE).read_bytes() == b"mask"
    told = json.loads((folder / "job.json").read_text())
    assert told["files"][THING_FILE] == hashlib.sha256(b"mask").hexdigest() == told["plate_options"]["thing_sha256"]
    assert runtime.history["job"].thing_sha256 == told["plate_options"]["thing_sha256"]
    assert runtime.history["job"].request.thing is None


def test_a_cancelled_job_keeps_its_mask_with_the_variants_that_are_whole_only(runtime, backend, tmp_path):
    for name, done in (("none", ()), ("one", (VariantDone("one", 0, (HASH,)),))):
        wanted = job(tmp_path / name, name)
        runtime.dispatch(app.JobAsked(replace(wanted, request=replace(wanted.request, thing=b"mask"))))
        hear(runtime, backend, FrameArrived(name, 0, 1, PNG), *done, Cancelled(name))
        assert (tmp_path / name / THING_FILE).exists() == bool(done)
        assert (tmp_path / name).exists() == bool(done)


def test_a_thing_that_the_client_refuses_to_ask_for_is_answered_with_the_reason(runtime, backend):
    def refuse(_request) -> str:
        raise ProtocolError("strokes have 3000 points.")

    backend.session.submit = refuse
    runtime.dispatch(app.ThingAsked(Question(("a",), ThingRequest("q", b"plate", ()))))
    hear(runtime, backend)
    assert runtime.answers[("a",)].sentence == "strokes have 3000 points."
    assert runtime.state.backend.phase is Phase.READY


def test_of_the_things_that_were_found_the_newest_are_remembered(runtime, backend):
    for number in range(ANSWERS + 5):
        name = f"q{number}"
        runtime.dispatch(app.ThingAsked(Question((number,), ThingRequest(name, b"plate", ()))))
        hear(runtime, backend, ThingArrived(name, ThingFound(name, ThingOrigin.NONE, (), (), 0, "No."), ()))
    assert list(runtime.answers) == [(number,) for number in range(5, ANSWERS + 5)]


def test_a_full_disk_fails_the_job_and_cancels_it_at_the_backend(runtime, backend, tmp_path, monkeypatch):
    def full(*_arguments) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    monkeypatch.setattr(Path, "write_bytes", full)
    (ended,) = hear(runtime, backend, FrameArrived("job", 0, 1, PNG), FrameArrived("job", 0, 2, PNG))
    assert "No space left" in ended.sentence
    assert backend.session.cancelled == ["job"]


def test_a_variant_that_arrived_damaged_fails_the_job(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    (ended,) = hear(runtime, backend, FrameArrived("job", 0, 1, PNG), VariantDone("job", 0, ("0" * 64,)))
    assert ended.phase is JobPhase.FAILED
    assert not (tmp_path / "job").exists()


def test_a_backend_that_gives_up_ends_its_jobs_with_its_last_words(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    backend.gave_up = True
    (ended,) = hear(runtime, backend, Lost("The backend ended with code 3."))
    assert ended.sentence == "The backend ended with code 3."
    assert backend.is_closing


def test_closing_leaves_nothing_behind(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    hear(runtime, backend, FrameArrived("job", 0, 1, PNG))
    runtime.close()
    assert backend.is_closing
    assert not runtime.active
    assert not (tmp_path / "job").exists()


def test_the_history_keeps_no_plates(runtime, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    assert runtime.history["job"].request.plate == b""


def bake(folder: Path, target: Path) -> Job:
    delivery = Delivery(target, FileNames("leaf_", 4, 1, ".png"), Shot(24.0, 1))
    asked = replace(request("bake"), samples=1)
    return Job(asked, JobKind.BAKE, Target("plate", "Plane"), folder / ".bake", source="job", delivery=delivery)


def bake_events() -> list[Event]:
    frames = [FrameArrived("bake", 0, t, PNG) for t in (1, 2)]
    return [Started("bake"), *frames, VariantDone("bake", 0, (HASH, HASH)), Finished("bake", SUMMARY)]


def test_a_bake_is_delivered_before_it_is_done(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(bake(tmp_path, tmp_path / "renders")))
    (ended,) = hear(runtime, backend, *bake_events())
    assert ended.phase is JobPhase.FINISHED
    assert sorted(path.name for path in (tmp_path / "renders").iterdir()) == ["leaf_0001.png", "leaf_0002.png", "leaf_job.json"]
    assert not (tmp_path / ".bake").exists()


def test_a_bake_that_cannot_be_delivered_fails_and_keeps_its_frames_for_the_next_try(runtime, backend, tmp_path):
    (tmp_path / "renders").write_text("a file where the folder should be")
    runtime.dispatch(app.JobAsked(bake(tmp_path, tmp_path / "renders")))
    (ended,) = hear(runtime, backend, *bake_events())
    assert ended.phase is JobPhase.FAILED
    assert "can't be written" in ended.sentence
    assert len(list((tmp_path / ".bake/variant_00").iterdir())) == 2


@pytest.mark.parametrize("end", [Cancelled("bake"), app.StopAsked()], ids=["cancelled", "closed"])
def test_a_bake_that_is_broken_off_keeps_its_frames_and_goes_on_with_the_rest(runtime, backend, tmp_path, end):
    asked = bake(tmp_path, tmp_path / "renders")
    runtime.dispatch(app.JobAsked(asked))
    hear(runtime, backend, *bake_events()[:3])
    runtime.dispatch(end)
    runtime.tick(0.0, ENOUGH_S)
    assert not (tmp_path / "renders").exists()

    again = replace(asked, request=unfinished.resumed(asked.request, asked.folder))
    assert again.request.kept == (HASH,)
    runtime.dispatch(app.JobAsked(again))
    (ended,) = hear(runtime, backend, *(event for event in bake_events() if getattr(event, "t", 2) == 2))
    assert ended.phase is JobPhase.FINISHED
    assert ended.clips[0].frames == 2
    assert json.loads((tmp_path / "renders/leaf_job.json").read_text())["variants"][0]["sha256"] == [HASH, HASH]
    assert sorted(path.name for path in (tmp_path / "renders").iterdir()) == ["leaf_0001.png", "leaf_0002.png", "leaf_job.json"]
    assert not (tmp_path / ".bake").exists()


def test_a_backend_that_makes_other_frames_than_before_ends_the_bake_and_the_next_starts_anew(runtime, backend, tmp_path):
    asked = bake(tmp_path, tmp_path / "renders")
    runtime.dispatch(app.JobAsked(asked))
    hear(runtime, backend, *bake_events()[:3], Cancelled("bake"))
    again = replace(asked, request=unfinished.resumed(asked.request, asked.folder))
    runtime.dispatch(app.JobAsked(again))
    (ended,) = hear(runtime, backend, Started("bake"), FrameArrived("bake", 0, 2, b"another png"))
    assert "press Bake to start anew" in ended.sentence
    assert backend.session.cancelled == ["bake"]
    assert not (tmp_path / ".bake").exists()
    assert unfinished.resumed(asked.request, asked.folder).kept == ()


def test_a_bake_that_would_replace_an_artists_file_fails_with_a_sentence_and_keeps_its_frames(runtime, backend, tmp_path):
    renders = tmp_path / "renders"
    renders.mkdir()
    (renders / "leaf_0002.png").write_bytes(b"painted by hand, while the bake was made")
    runtime.dispatch(app.JobAsked(bake(tmp_path, renders)))
    (ended,) = hear(runtime, backend, *bake_events())
    assert ended.phase is JobPhase.FAILED
    assert "come in the way" in ended.sentence
    assert (renders / "leaf_0002.png").read_bytes() == b"painted by hand, while the bake was made"
    assert (tmp_path / ".bake/variant_00/frame_0002.png").is_file()


def test_what_others_put_where_a_bake_waits_stays_when_it_is_delivered(runtime, backend, tmp_path):
    (tmp_path / ".bake").mkdir()
    (tmp_path / ".bake/notes.txt").write_text("mine")
    runtime.dispatch(app.JobAsked(bake(tmp_path, tmp_path / "renders")))
    (ended,) = hear(runtime, backend, *bake_events())
    assert ended.phase is JobPhase.FINISHED
    assert [path.name for path in (tmp_path / ".bake").iterdir()] == ["notes.txt"]


def test_a_motion_never_replaces_a_file_that_came_there_meanwhile(runtime, backend, tmp_path):
    file = tmp_path / "wind.kin.safetensors"
    asked = InvertRequest("motion", (PNG,), "wind")
    runtime.dispatch(app.JobAsked(Job(asked, JobKind.EXTRACT, Target("plate", "Plane"), file)))
    file.write_bytes(b"of another Blender")
    hear(runtime, backend, KinematicsArrived("motion", PNG))
    assert file.read_bytes() == b"of another Blender"
    assert (tmp_path / "wind_2.kin.safetensors").read_bytes() == PNG


def test_what_a_job_wrote_is_remembered_by_its_hash(runtime, backend, tmp_path):
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    hear(runtime, backend, FrameArrived("job", 0, 1, PNG), VariantDone("job", 0, (HASH,)), Finished("job", SUMMARY))
    assert runtime.written["job"].folder == tmp_path / "job"
    assert runtime.written["job"].files == {"variant_00/frame_0001.png": HASH}


def test_a_full_disk_at_the_very_end_is_told(runtime, backend, tmp_path, monkeypatch):
    def full(_self, _summary) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    monkeypatch.setattr(ResultWriter, "finish", full)
    (ended,) = hear(runtime, backend, FrameArrived("job", 0, 1, PNG), VariantDone("job", 0, (HASH,)), Finished("job", SUMMARY))
    assert ended.phase is JobPhase.FAILED
    assert "No space left" in ended.sentence


def test_a_tick_keeps_to_its_budget_and_the_rest_comes_with_the_next_ones(runtime, backend, tmp_path, monkeypatch):
    write = ResultWriter.frame

    def slow(self, event) -> Path:
        time.sleep(0.01)
        return write(self, event)

    monkeypatch.setattr(ResultWriter, "frame", slow)
    runtime.dispatch(app.JobAsked(job(tmp_path / "job")))
    backend.to_say += [FrameArrived("job", 0, t, PNG) for t in range(1, 31)]
    began_at = time.perf_counter()
    runtime.tick(0.0, 0.004)
    assert time.perf_counter() - began_at < 0.1, "thirty frames would take 0.3 s"
    for _ in range(60):
        runtime.tick(0.0, 0.004)
    assert len(list((tmp_path / "job/variant_00").glob("*.png"))) == 30


@pytest.mark.slow
def test_stopping_a_backend_that_hangs_does_not_wait_for_it(tmp_path):
    program = tmp_path / "ipoke"
    program.write_text(
        f"#!{sys.executable}\nimport signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    )
    program.chmod(0o755)
    runtime = Runtime(lambda: LocalBackend(Launcher([str(program)], tmp_path)))
    runtime.dispatch(app.StartAsked())
    runtime.tick(time.monotonic(), 0.004)
    pid = runtime.backend.launcher.pid
    os.kill(pid, signal.SIGSTOP)
    began_at = time.perf_counter()
    runtime.dispatch(app.StopAsked())
    runtime.tick(time.monotonic(), 0.004)
    assert time.perf_counter() - began_at < 0.05
    assert runtime.active, "its end is still watched over"
    deadline = time.monotonic() + allowed(10)
    while runtime.active:
        assert time.monotonic() < deadline
        runtime.tick(time.monotonic(), 0.004)
        time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
