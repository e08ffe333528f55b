"""Rates rise and fall as the schedules say."""

import math

import pytest
import torch

from ipoke_models.training.presets import PRESETS
from ipoke_models.training.schedule import Decay, Schedule


def test_the_rate_warms_up_and_falls_to_a_hundredth() -> None:
    schedule = Schedule(steps=300, batch=1, learning_rate=2.0, warmup=100)
    assert [schedule.rate(step) for step in (0, 49, 99, 100)] == pytest.approx([0.02, 1.0, 2.0, 2.0])
    assert schedule.rate(200) == pytest.approx(2 * 0.505)
    assert schedule.rate(300) == pytest.approx(0.02)


def test_stage_two_of_the_paper_warms_up_and_falls_to_zero_in_straight_lines() -> None:
    schedule = PRESETS["paper-128"].kinematics
    assert schedule.decay is Decay.LINEAR
    assert schedule.rate(249) == pytest.approx(0.5e-3)
    assert schedule.rate(500) == pytest.approx(1e-3)
    assert schedule.rate((schedule.steps + 500) // 2) == pytest.approx(0.5e-3)
    assert schedule.rate(schedule.steps) == 0
    (group,) = schedule.adam.optimizer(torch.nn.Linear(1, 1)).param_groups
    assert (group["amsgrad"], group["weight_decay"], group["betas"]) == (True, 1e-5, (0.9, 0.999))
    assert schedule.clip == math.inf


def test_stage_one_of_the_paper_loses_two_percent_an_epoch() -> None:
    schedule = PRESETS["paper-64"].video
    assert schedule.rate(0) == schedule.rate(1999) == pytest.approx(2e-4)
    assert schedule.rate(2000) == pytest.approx(2e-4 * 0.98)
    assert schedule.rate(20_000) == pytest.approx(2e-4 * 0.98**10)
