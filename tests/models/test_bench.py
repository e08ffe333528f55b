"""`ipoke bench`: every row from a real run of a small model; and the goals that rows are held against."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.sampling_goals import goals, table
from ipoke_models.bench import __main__ as command
from ipoke_models.bench import measure, timing
from ipoke_models.bench.released import random_networks
from ipoke_models.checkpoint import save_model
from ipoke_models.networks.flow import FlowSampler
from ipoke_models.networks.whole import Networks

from . import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small"
    save_model(path, small.jitter(Networks(small.model()), 0.02), "small", "")
    return path


@pytest.mark.slow
@pytest.mark.timeout(300)  # it starts a process and takes medians
def test_every_row_and_goal_of_a_model_is_measured(folder, capfd):
    assert command.main([str(folder), "--batch", "1", "--threads", "1", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    rows = {(row["what"], row["batch"]): row for row in document["rows"]}
    assert len(rows) == 9 + 4
    assert all(row["ours_s"] > 0 and row["device"] == "cpu" for row in rows.values())
    flow = rows[measure.FLOW, 1]
    assert flow["ratio"] == pytest.approx(flow["plain_s"] / flow["ours_s"])
    assert flow["peak_mb"] > flow["weights_mb"]
    assert rows[measure.FLOOR, 1]["ours_s"] < flow["ours_s"]
    assert rows[measure.REQUEST_FIRST, 8]["ours_s"] < rows[measure.REQUEST_LAST, 8]["ours_s"]
    assert "| small | request to first frame, 8 variants, s, under 0.5 | " in table(document)[0].replace(str(folder), "small")


def test_an_unknown_model_is_refused_in_one_sentence(capfd, monkeypatch):
    monkeypatch.setattr(command, "_in_child", measure.measure)  # quicker than starting one
    assert command.main(["nonesuch"]) == 1
    assert capfd.readouterr().err.strip().count("\n") == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_cuda_device_it_says_so(capfd):
    assert command.main(["--device", "cuda"]) == 1
    assert capfd.readouterr().err.startswith("There is no CUDA device")


def test_seconds_are_the_median_and_one_run_warms_up(monkeypatch):
    now_s, waits_s = 0.0, iter([9.0, 0.5, 4.0, 0.75])

    def work() -> None:
        nonlocal now_s
        now_s += next(waits_s)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now_s)
    assert timing.seconds(work, "cpu") == 0.75


def test_goals_of_the_released_sizes_are_met_or_missed_by_the_rows():
    def row(what: str, batch: int, ours_s: float, plain_s: float | None = None) -> measure.Row:
        ratio = None if plain_s is None else plain_s / ours_s
        return measure.Row(what, 64, batch, "cpu", plain_s, ours_s, ratio)

    flow = replace(row(measure.FLOW, 1, 1.0, 5.0), peak_mb=4400.0, plain_peak_mb=5000.0, weights_mb=4000.0)
    rows = [flow, row(measure.MASKED, 1, 0.1, 0.7), row(measure.FLOOR, 1, 0.8), row(measure.ROOFLINE, 1, 0.6)]
    found = {goal.goal: (round(goal.found, 2), goal.met) for goal in goals("released-64", rows)}
    assert found == {
        "flow, times faster than plain, batch 1, at least 4": (5.0, True),
        "flow over its floor, batch 1": (1.25, None),
        "masked convolutions, times faster than plain, batch 1, at least 8": (7.0, False),
        "share of the roofline, batch 1": (0.6, None),
        "peak memory over the weights, batch 1, at most 1.2": (1.1, True),
        "peak memory over the weights, batch 1, plain": (1.25, None),
    }


@pytest.mark.slow
def test_random_networks_stay_finite():
    flow = random_networks(small.model()).flow
    sampler = FlowSampler(flow)
    z = sampler.latent(torch.randn(2, 6, 8, 8), sampler.condition(torch.randn(1, 32, 8, 8)))
    assert z.isfinite().all()
