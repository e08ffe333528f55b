from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon._vendor.client import Finished
from blender_addon._vendor.protocol.messages import POSES_DIFFER
from blender_addon.core.jobs.job import Job, JobKind, Target, after

from .fakes import SUMMARY, request


@pytest.mark.parametrize(("difference", "warns"), [(None, False), (POSES_DIFFER - 0.01, False), (POSES_DIFFER + 0.05, True)])
def test_a_replay_warns_when_the_poses_differ_much_and_says_by_how_much(difference, warns):
    job = Job(request(), JobKind.SAMPLE, Target("plate", "Plane"), Path("job"))
    ended = after(job, Finished("job", replace(SUMMARY, pose_difference=difference)))
    assert bool(ended.warning) == warns
    assert not warns or f"{difference:.2f}" in ended.warning
