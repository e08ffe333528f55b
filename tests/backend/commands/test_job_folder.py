"""A job.json that somebody sent is read field by field, or refused in a sentence at once."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.client import Poke, ResultWriter
from backend.client.results import JOB_FILE
from backend.commands.errors import CommandError, UsageError
from backend.commands.job_folder import JobFolder
from backend.protocol.codec import encode
from backend.protocol.messages import Easing, Playback
from ipoke_values import Like, Sampling

from ..protocol.examples import SUMMARY
from .hostile import changed
from .made import request, write_result

PLATE = b"plate"
SHA = hashlib.sha256(PLATE).hexdigest()


@pytest.fixture
def good(tmp_path) -> dict[str, Any]:
    """What stands in the job.json of a finished job."""
    asked = dataclasses.replace(
        request(),
        sampling=Sampling(7, (Like(3, 1, 0.5),), 0.5),
        playback=Playback(frames=24, easing=Easing.OUT),
        pokes=(Poke(0.5, 0.4, 0.1, -0.1),),
    )
    write_result(tmp_path / "good")
    ResultWriter(tmp_path / "good", asked).finish(dataclasses.replace(SUMMARY, plate_sha256=SHA))
    job = json.loads((tmp_path / "good" / JOB_FILE).read_text())
    job["variants"] = [{"index": 0, "seed": 7, "folder": "variant_00", "sha256": [SHA]}]
    shutil.rmtree(tmp_path / "good")
    return job


@pytest.fixture
def read(tmp_path):
    (tmp_path / "plate.png").write_bytes(PLATE)

    def run(text: str) -> JobFolder:
        (tmp_path / JOB_FILE).write_text(text)
        return JobFolder.read(tmp_path, tmp_path / "plate.png")

    return run


def test_what_was_asked_for_is_read_back(read, good):
    job = read(json.dumps(good))
    assert job.variants == (0,)
    assert job.request.sampling == Sampling(7, (Like(3, 1, 0.5),), 0.5)
    assert job.request.playback == Playback(frames=24, easing=Easing.OUT)
    assert job.kinematics_of(0).variant.sampling.variation == 0.5


def test_a_job_without_likes_and_variation_is_read(read, good):
    del good["like"], good["variation"]
    assert read(json.dumps(good)).request.sampling == Sampling(7)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_it_it_is_read_or_refused(read, good, data):
    text = json.dumps(data.draw(changed(good)))
    with contextlib.suppress(CommandError):
        job = read(text)
        for variant in job.variants:
            encode(job.kinematics_of(variant).message())


@pytest.mark.parametrize(
    "text", ["[" * 200_000 + "]" * 200_000, "[1]", '"kinematics"', "", "\x00", "NaN", '{"pokes": 1e999}', "9" * 10_000]
)
def test_what_is_no_job_is_refused(read, text):
    with pytest.raises(UsageError, match="not what `ipoke poke` wrote"):
        read(text)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "huge"])
def test_nobody_waits_for_what_is_no_file(tmp_path, kind):
    file = tmp_path / JOB_FILE
    (tmp_path / "plate.png").write_bytes(PLATE)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("wb") as opened:
            opened.truncate(2**40)
    with pytest.raises(UsageError, match=JOB_FILE):
        JobFolder.read(tmp_path, tmp_path / "plate.png")
