from __future__ import annotations

from pathlib import Path

import pytest

from blender_addon.core.setup import setup
from blender_addon.core.setup.environment import Device, PackageList, Plan, Step
from blender_addon.core.setup.setup import (
    Adopt,
    Downloaded,
    KillStep,
    RunStep,
    SetupAsked,
    SetupCancelled,
    SetupPhase,
    SetupState,
    StepEnded,
    StepRefused,
)

PACKAGES = PackageList(Path("list.txt"), "linux-x86_64", Device.CPU, "3.11", 200_000_000)
PLAN = Plan(Path("python"), PACKAGES, Path("ipoke.whl"), Path("env"), "a1b2c3")


def after(*events: setup.SetupEvent) -> tuple[SetupState, list[setup.SetupEffect]]:
    state, done = SetupState(), []
    for event in events:
        state, effects = setup.transition(state, event)
        done += effects
    return state, done


def test_the_steps_follow_one_another_and_the_environment_counts_only_after_the_check():
    state, done = after(SetupAsked(PLAN), *[StepEnded(0)] * 5)
    run = [effect.step for effect in done if isinstance(effect, RunStep)]
    assert run == [Step.CREATE, Step.FETCH, Step.INSTALL, Step.CHECK, Step.TIDY]
    assert done.index(Adopt(PLAN)) == 4, "before the old one is removed"
    assert state == SetupState(SetupPhase.DONE, "The backend is set up")


@pytest.mark.parametrize("good", range(4))
def test_a_failure_in_any_step_adopts_nothing_tidies_up_and_tells_the_childs_words(good: int):
    state, done = after(SetupAsked(PLAN), *[StepEnded(0)] * good, StepEnded(1, "no luck"), StepEnded(0))
    assert not [effect for effect in done if isinstance(effect, Adopt)]
    assert done[-1] == RunStep(PLAN, Step.TIDY)
    assert state.phase is SetupPhase.FAILED
    assert state.sentence == f"{setup.STEPS[good].value} failed: no luck"


@pytest.mark.parametrize("good", range(4))
def test_a_cancel_kills_the_child_and_tidies_up_only_when_that_has_ended(good: int):
    begun = (SetupAsked(PLAN), *[StepEnded(0)] * good, SetupCancelled())
    state, done = after(*begun)
    assert (state.phase, done[-1]) == (SetupPhase.STOPPING, KillStep())
    state, done = after(*begun, StepEnded(0))
    assert done[-1] == RunStep(PLAN, Step.TIDY), "even if the step was quicker than the cancel"
    assert Adopt(PLAN) not in done
    state, _ = after(*begun, StepEnded(-15), StepEnded(0))
    assert state == SetupState(SetupPhase.IDLE, "Cancelled; nothing was kept")


def test_a_second_cancel_and_a_cancel_of_nothing_do_nothing():
    assert after(SetupCancelled()) == (SetupState(), [])
    once, twice = after(SetupAsked(PLAN), SetupCancelled()), after(SetupAsked(PLAN), SetupCancelled(), SetupCancelled())
    assert once == twice


def test_only_one_environment_is_made_at_a_time():
    state, done = after(SetupAsked(PLAN), SetupAsked(PLAN))
    assert done == [RunStep(PLAN, Step.CREATE)]
    assert state.active


def test_a_child_that_cannot_start_is_a_sentence_and_the_last_try_ends_it():
    state, done = after(SetupAsked(PLAN), StepRefused("No such program"))
    assert done[-1] == RunStep(PLAN, Step.TIDY)
    state, _ = after(SetupAsked(PLAN), StepRefused("No such program"), StepRefused("No such program"))
    assert state == SetupState(SetupPhase.FAILED, "No such program")


def test_the_download_tells_how_far_it_is_and_how_long_it_takes():
    fetching = (SetupAsked(PLAN), StepEnded(0))
    state, _ = after(*fetching, Downloaded(50_000_000, 1.0))
    assert state.sentence == "Downloading 50 of 200 MB"
    later, _ = after(*fetching, Downloaded(50_000_000, 60.0))
    assert later.sentence == "Downloading 50 of 200 MB, 3 min 0 s left"
    whole, _ = after(*fetching, Downloaded(200_000_000, 90.0))
    assert whole.sentence == "Unpacking"
    assert 0 < state.fraction < whole.fraction < 1


def test_archives_that_vanish_after_they_were_unpacked_turn_nothing_back():
    fetching = (SetupAsked(PLAN), StepEnded(0), Downloaded(200_000_000, 60.0))
    whole, _ = after(*fetching)
    assert after(*fetching, Downloaded(150_000_000, 61.0))[0] == whole


def test_downloads_are_told_in_their_own_step_only():
    state, _ = after(SetupAsked(PLAN), Downloaded(50_000_000, 1.0))
    assert state.sentence == Step.CREATE.value


def test_the_fraction_never_falls_on_the_way():
    events = [SetupAsked(PLAN), StepEnded(0), Downloaded(10_000_000, 1.0), Downloaded(200_000_000, 9.0), *[StepEnded(0)] * 3]
    fractions = [after(*events[: count + 1])[0].fraction for count in range(len(events))]
    assert fractions == sorted(fractions)
