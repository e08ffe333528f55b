from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon._vendor.client import (
    Cancelled,
    Connected,
    ErrorCode,
    ErrorInfo,
    Failed,
    Finished,
    FrameArrived,
    Level,
    Lost,
    MeshArrived,
    PosesArrived,
    Progress,
    Queued,
    Restarted,
    Started,
    Status,
    Stroke,
    ThingArrived,
    ThingFound,
    ThingOrigin,
    ThingRequest,
    VariantDone,
)
from blender_addon._vendor.protocol.messages import WorkerStatus
from blender_addon.core.jobs import app
from blender_addon.core.jobs.app import AppState, Phase, transition, without_ended
from blender_addon.core.jobs.job import Clip, Job, JobKind, JobPhase, Target, describe
from blender_addon.core.jobs.outside_backend import Fix
from blender_addon.core.setup import diagnostics
from blender_addon.core.things.search import Answer, Question, Search

from .fakes import INFO, SUMMARY, request


def job(job_id: str = "job") -> Job:
    return Job(request(job_id), JobKind.SAMPLE, Target("plate", "Plane"), Path("nowhere"))


def play(*events: app.AppEvent) -> tuple[AppState, list[app.AppEffect]]:
    state, done = AppState(), []
    for event in events:
        state, effects = transition(without_ended(state), event)
        done += effects
    return state, done


def test_the_first_sample_starts_the_backend_and_is_handed_over_at_once():
    state, done = play(app.JobAsked(job()))
    assert state.backend.phase is Phase.STARTING
    assert done == [app.OpenBackend(), app.Submit(job())]


def test_a_backend_that_is_up_is_not_started_again():
    _, done = play(app.StartAsked(), Connected(INFO), app.JobAsked(job()))
    assert done == [app.OpenBackend(), app.Submit(job())]


def test_ready_tells_device_memory_and_model():
    state, _ = play(app.StartAsked(), Connected(INFO))
    assert state.backend.sentence == "Ready on CPU, 8.0 GB, garden-64"


def test_frames_are_written_and_counted():
    frames = [FrameArrived("job", 0, 1, b""), FrameArrived("job", 1, 1, b""), FrameArrived("job", 0, 2, b"")]
    state, done = play(app.JobAsked(job()), Started("job"), *frames)
    assert state.jobs[0].clips == (Clip(0, 2), Clip(1, 1))
    assert done[2:] == [app.WriteFrame(frame) for frame in frames]


def test_a_mesh_and_its_poses_are_written():
    came = [MeshArrived("job", None, (64, 48), b"thing", b"background"), PosesArrived("job", 0, b"")]
    _, done = play(app.JobAsked(job()), Started("job"), *came)
    assert done[2:] == [app.WriteMesh(event) for event in came]


def test_frames_that_come_again_after_a_restart_do_not_take_any_away():
    state, _ = play(
        app.JobAsked(job()),
        FrameArrived("job", 0, 1, b""),
        FrameArrived("job", 0, 2, b""),
        Restarted("job", 2),
        FrameArrived("job", 0, 1, b""),
    )
    assert state.jobs[0].clips == (Clip(0, 2),)


def test_a_finished_job_keeps_its_variants_and_leaves_the_open_ones():
    state, done = play(
        app.JobAsked(job()), FrameArrived("job", 0, 1, b""), VariantDone("job", 0, ("a", "b")), Finished("job", SUMMARY)
    )
    assert state.jobs[0].phase is JobPhase.FINISHED
    assert state.jobs[0].clips == (Clip(0, 2, complete=True),)
    assert done[-2:] == [app.FinishFolder(Finished("job", SUMMARY)), app.AskStatus()]
    assert without_ended(state).jobs == ()


@pytest.mark.parametrize("end", [Cancelled("job"), Failed("job", ErrorInfo(ErrorCode.INTERNAL, "Too bad."))])
def test_an_unhappy_end_keeps_whole_variants_only(end):
    state, done = play(
        app.JobAsked(job()),
        VariantDone("job", 0, ("a", "b")),
        FrameArrived("job", 1, 1, b""),
        end,
    )
    assert state.jobs[0].clips == (Clip(0, 2, complete=True),)
    assert done[-1] == app.AbortFolder("job")


def test_a_failure_says_why():
    state, _ = play(app.JobAsked(job()), Failed("job", ErrorInfo(ErrorCode.INTERNAL, "Too bad.")))
    assert state.jobs[0].sentence == "Too bad."


def test_stopping_cancels_what_is_open_and_ends_the_backend():
    state, done = play(app.JobAsked(job("a")), app.JobAsked(job("b")), app.StopAsked())
    assert state.backend.phase is Phase.OFF
    assert [job.phase for job in state.jobs] == [JobPhase.CANCELLED] * 2
    assert done[-3:] == [app.CloseBackend(), app.AbortFolder("a"), app.AbortFolder("b")]


def test_losing_the_backend_loses_no_job():
    state, done = play(app.JobAsked(job()), Connected(INFO), Lost("The backend does not answer."))
    assert state.backend.phase is Phase.LOST
    assert [job.ended for job in state.jobs] == [False]
    assert app.AbortFolder("job") not in done


def test_a_backend_that_cannot_be_kept_up_fails_its_jobs_with_the_reason():
    state, _ = play(app.JobAsked(job()), app.StartFailed("It ends at once."))
    assert state.backend.phase is Phase.FAILED
    assert state.jobs[0].sentence == "It ends at once."


def test_after_a_failure_the_next_sample_tries_again():
    _, done = play(app.StartAsked(), app.StartFailed("No."), app.JobAsked(job()))
    assert done.count(app.OpenBackend()) == 2


def test_events_of_unknown_jobs_change_nothing():
    before, _ = play(app.StartAsked(), Connected(INFO))
    for event in (FrameArrived("other", 0, 1, b""), Finished("other", SUMMARY), app.CancelAsked("other")):
        assert transition(before, event) == (before, ())


@pytest.mark.parametrize(
    ("progress", "sentence"),
    [
        (Progress("job", "sample", 12, 40, 8.2), "Sample 12 of 40, 8 s left"),
        (Progress("job", "sample", 1, 40, 184.0), "Sample 1 of 40, 3 min 4 s left"),
        (Progress("job", "load", 0, 0, None), "Load"),
        (Progress("job", "sample", 40, 40, 0.0), "Sample 40 of 40, 1 s left"),
    ],
)
def test_progress_reads_as_a_sentence(progress, sentence):
    assert describe(progress) == sentence


ids = st.sampled_from(["a", "b"])
events = st.one_of(
    st.just(app.StartAsked()),
    st.just(app.StopAsked()),
    st.just(app.StartFailed("No.")),
    st.just(Connected(INFO)),
    st.just(Lost("Gone.")),
    ids.map(lambda i: app.JobAsked(job(i))),
    ids.map(app.CancelAsked),
    ids.map(lambda i: app.WriteFailed(i, "Full.")),
    ids.map(lambda i: Queued(i, 1)),
    ids.map(Started),
    st.builds(FrameArrived, ids, st.integers(0, 2), st.integers(1, 3), st.just(b"")),
    st.builds(VariantDone, ids, st.integers(0, 2), st.just(("a", "b", "c"))),
    ids.map(lambda i: Finished(i, SUMMARY)),
    ids.map(Cancelled),
)


@given(st.lists(events, max_size=40))
def test_whatever_happens_every_job_ends_at_most_once_and_its_folder_is_closed_once(told):
    state = AppState()
    open_folders: set[str] = set()
    for event in told:
        if isinstance(event, app.JobAsked) and state.job(event.job.job_id):
            continue  # ids are never used twice
        state, effects = transition(state, event)
        for effect in effects:
            match effect:
                case app.Submit(job=asked):
                    open_folders.add(asked.job_id)
                case app.WriteFrame(event=frame):
                    assert frame.job_id in open_folders
                case app.AbortFolder(job_id=job_id):
                    open_folders.remove(job_id)
                case app.FinishFolder(event=finished):
                    open_folders.remove(finished.job_id)
        ended = {job.job_id for job in state.jobs if job.ended}
        assert not ended & open_folders
        state = without_ended(state)
        assert {job.job_id for job in state.jobs} == open_folders


def test_what_loaded_models_take_is_told_and_can_be_released():
    worker = WorkerStatus(1, True, "CPU", None, ("garden-64",), 512)
    state, done = play(app.StartAsked(), Connected(INFO), Status(INFO, 1.0, (), (worker,)), app.ReleaseAsked())
    assert state.backend.used_mb == 512
    assert done[-2:] == [app.ReleaseMemory(), app.AskStatus()]
    _, done = play(app.ReleaseAsked())
    assert done == []


def test_a_failure_that_the_preferences_mend_says_so():
    state, _ = play(app.StartAsked(), app.StartFailed("Nowhere.", Fix.PREFERENCES))
    assert (state.backend.phase, state.backend.fix) == (Phase.FAILED, Fix.PREFERENCES)


def test_diagnostics_tell_versions_state_and_the_end_of_the_log(tmp_path):
    log = tmp_path / "backend.log"
    log.write_text("much earlier\n" * 2000 + "the last word\n")
    state, _ = play(app.JobAsked(job()), Connected(INFO))
    told = diagnostics.text(state, "4.5.0", log)
    for expected in ("Blender 4.5.0", "Ready on CPU", "garden-64", "Job job: sample, waiting", "the last word"):
        assert expected in told
    assert len(told) < 10_000
    assert "can't be read" in diagnostics.text(state, "4.5.0", tmp_path / "gone.log")


def thing_request(job_id: str) -> ThingRequest:
    return ThingRequest(job_id, b"plate", (Stroke(((0.5, 0.5),)),))


def found(job_id: str, *masks: bytes) -> ThingArrived:
    levels = (Level.PART, Level.THING, Level.GROUP)[: len(masks)]
    origin = ThingOrigin.SEGMENTER if masks else ThingOrigin.NONE
    return ThingArrived(job_id, ThingFound(job_id, origin, levels, (0.9,) * len(masks), 0, ""), masks)


def test_a_thing_that_is_wanted_is_asked_for_and_remembered_and_starts_the_backend():
    asked = app.ThingAsked(Question(("a",), thing_request("q")))
    state, effects = play(asked, Connected(INFO), found("q", b"mask"))
    assert effects[:2] == [app.OpenBackend(), app.Ask(asked.question.request)]
    assert effects[-1] == app.KeepAnswer(("a",), Answer(ThingOrigin.SEGMENTER, {Level.PART: b"mask"}))
    assert state.search == Search()
    assert state.jobs == ()


def test_of_things_that_are_wanted_meanwhile_the_newest_is_asked_for_next():
    questions = [app.ThingAsked(Question((name,), thing_request(name))) for name in "abc"]
    _, effects = play(Connected(INFO), *questions, Failed("a", ErrorInfo(ErrorCode.BAD_PLATE, "No.")), Cancelled("c"))
    assert effects == [
        app.Ask(thing_request("a")),
        app.KeepAnswer(("a",), Answer(sentence="No.")),
        app.Ask(thing_request("c")),
    ]


def test_a_job_waits_for_the_thing_that_it_moves_and_takes_it_along():
    asking = replace(job(), question=thing_request("q"))
    state, effects = play(Connected(INFO), app.JobAsked(asking), Started("q"))
    assert effects == [app.Ask(asking.question)]
    assert state.jobs[0].sentence == "Finding the thing"
    state, effects = app.transition(state, found("q", b"mask"))
    ready = state.jobs[0]
    assert effects == (app.Submit(ready),)
    assert ready.request.thing == b"mask"
    assert ready.thing_sha256 == hashlib.sha256(b"mask").hexdigest()
    state, _ = app.transition(state, Finished("job", SUMMARY))
    assert state.jobs[0].phase is JobPhase.FINISHED


def test_a_job_for_which_no_thing_is_found_moves_its_region_as_a_whole():
    state, effects = play(Connected(INFO), app.JobAsked(replace(job(), question=thing_request("q"))), found("q"))
    assert effects[-1] == app.Submit(state.jobs[0])
    assert (state.jobs[0].request.thing, state.jobs[0].thing_sha256) == (None, "")


@pytest.mark.parametrize("end", [Failed("q", ErrorInfo(ErrorCode.BAD_PLATE, "The mask is black.")), Cancelled("q")])
def test_a_job_ends_with_the_question_that_it_waits_for(end):
    asking = replace(job(), question=thing_request("q"))
    state, effects = play(Connected(INFO), app.JobAsked(asking), app.CancelAsked("job"), end)
    assert effects == [app.Ask(asking.question), app.CancelJob("q"), app.AbortFolder("job")]
    assert state.jobs[0].ended
    assert state.jobs[0].sentence in ("The mask is black.", "Cancelled")


def test_a_backend_that_stops_forgets_what_was_asked():
    questions = [app.ThingAsked(Question((name,), thing_request(name))) for name in "ab"]
    state, _ = play(Connected(INFO), *questions, app.StopAsked())
    assert state.search == Search()
