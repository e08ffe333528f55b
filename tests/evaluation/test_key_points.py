"""Key points: the finder's faults are sentences, figure 8's numbers are right, and mediapipe finds a person's where it is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from ipoke_models.data.store import ClipStore, StoreError
from ipoke_models.evaluation.__main__ import main
from ipoke_models.evaluation.contestants import RECONSTRUCTION, STILL, TRUTH, WARP, Contestants
from ipoke_models.evaluation.figures.key_point_motion import key_point_figure
from ipoke_models.evaluation.key_point_control import (
    ERROR,
    FOUND,
    MIRRORED,
    MOVED,
    SPREAD,
    TIP_PERCENT,
    TIP_PX,
    KeyPointReport,
    key_point_control,
)
from ipoke_models.metrics.key_points import NAMES, KeyPointError, KeyPointFinder, Points
from ipoke_models.model import load_model

VARIABLE = "IPOKE_MEDIAPIPE_PYTHON"
PICTURE = torch.zeros(3, 64, 64)


def fault(folder: Path, name: str) -> Path:
    return Path(shutil.copy(Path(__file__).with_name("faulty_finder.py"), folder / f"{name}.py"))


def test_a_missing_python_is_named_in_a_sentence(clips: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "tiny"), str(clips), "--key-points", "/nowhere/python"]) == 2
    assert "/nowhere/python can't be run (No such file or directory)" in capsys.readouterr().err


def test_a_python_without_mediapipe_is_told_what_to_install() -> None:
    with pytest.raises(KeyPointError, match=r"No module named 'mediapipe'.*pip install mediapipe==0\.10\.21"):
        KeyPointFinder(sys.executable)


def test_a_child_that_does_not_get_ready_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(KeyPointError, match=r"did not answer within 0\.5 s"):
        KeyPointFinder(sys.executable, fault(tmp_path, "never_ready"), start_s=0.5)


def test_a_child_that_hangs_over_a_picture_is_given_up(tmp_path: Path) -> None:
    with (
        KeyPointFinder(sys.executable, fault(tmp_path, "hangs"), answer_s=0.5) as finder,
        pytest.raises(KeyPointError, match=r"did not answer within 0\.5 s"),
    ):
        finder.find(PICTURE)


def test_a_child_that_dies_is_quoted(tmp_path: Path) -> None:
    with (
        KeyPointFinder(sys.executable, fault(tmp_path, "dies")) as finder,
        pytest.raises(KeyPointError, match="the model file is damaged"),
    ):
        finder.find(PICTURE)


class KnownPerson(KeyPointFinder):
    """Finds the points where this test put them: in the still at 30, in the last frame with the nose moved by (6, 0) px."""

    def __init__(self, clip: Tensor) -> None:
        self._still, self._last = clip[0], clip[-1]

    def find(self, picture: Tensor) -> Points:
        points = np.full((len(NAMES), 2), 30.0)
        if torch.equal(picture, self._last):
            points[0, 0] += 6
        elif not torch.equal(picture, self._still):
            points[:, 1] += 2  # all that is made: 2 px down, the nose short of its tip
        points[-1] = np.nan
        return points

    def find_mirrored(self, picture: Tensor) -> Points:
        return self.find(picture) + 0.5


@pytest.fixture(scope="module")
def report(clips: Path, folder: Path) -> KeyPointReport:
    store = ClipStore(clips)
    finder = KnownPerson(store.batch(np.array([0])).frames[0])
    return key_point_control(Contestants([load_model(folder / "tiny")], None, 2), store, 1, 7, finder)


def test_each_row_is_measured_at_the_poked_point_and_at_the_others(report: KeyPointReport) -> None:
    rows = report.rows
    assert (report.people, report.clips, report.pokes, report.arrow_px) == (1, 1, 1, 6)
    assert rows[STILL][TIP_PERCENT].value == 100
    assert rows[STILL][MOVED].value == 0
    for row in ("tiny (warp)", WARP, RECONSTRUCTION):
        assert rows[row][TIP_PX].value == pytest.approx(np.hypot(6, 2))
        assert rows[row][MOVED].value == rows[row][ERROR].value == 2
        assert rows[row][FOUND].value == 100
    assert rows["tiny (warp)"][SPREAD].value == 0
    assert SPREAD not in rows[WARP]
    assert TIP_PX not in rows[TRUTH]
    assert rows[MIRRORED][TIP_PX].value == pytest.approx(np.hypot(0.5, 0.5))
    assert "arrows of 6.0 px" in report.markdown()
    assert "nose" not in [part for part, found in report.parts[WARP].items() if found]


def test_the_report_is_drawn(report: KeyPointReport, tmp_path: Path) -> None:
    key_point_figure(report, tmp_path / "figure.png")
    assert cv2.imread(str(tmp_path / "figure.png")).std() > 1


def test_clips_without_people_are_refused_in_a_sentence(clips: Path, folder: Path) -> None:
    class Nobody(KnownPerson):
        def find(self, picture: Tensor) -> Points:
            return np.full((len(NAMES), 2), np.nan)

    store = ClipStore(clips)
    with pytest.raises(StoreError, match="In none of 2 clips a person's key point moves"):
        key_point_control(Contestants([load_model(folder / "tiny")], None, 2), store, 2, 7, Nobody(PICTURE[None]))


def drawn_person() -> Tensor:
    """Head and trunk of a person, 256 px: the nose at (128, 69), the shoulders 80 to 90 px apart."""
    skin, cloth = (205, 160, 130), (40, 60, 120)
    picture = np.full((256, 256, 3), (200, 205, 200), np.uint8)
    cv2.ellipse(picture, (128, 190), (48, 80), 0, 0, 360, cloth, -1)
    for side in (-1, 1):
        cv2.line(picture, (128 + side * 40, 130), (128 + side * 62, 190), cloth, 20)
        cv2.line(picture, (128 + side * 62, 190), (128 + side * 66, 235), skin, 14)
    cv2.rectangle(picture, (118, 85), (138, 120), skin, -1)
    cv2.ellipse(picture, (128, 65), (24, 32), 0, 0, 360, skin, -1)
    cv2.ellipse(picture, (128, 48), (25, 20), 0, 180, 360, (50, 30, 20), -1)
    for side in (-1, 1):
        cv2.circle(picture, (128 + side * 9, 62), 3, (30, 30, 30), -1)
    cv2.line(picture, (119, 83), (137, 83), (150, 50, 50), 2)
    return torch.from_numpy(picture).movedim(-1, 0) / 127.5 - 1


def test_mediapipe_finds_a_persons_points_where_they_are_and_nobody_in_a_grey_picture() -> None:
    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} names no Python that has mediapipe; see docs/evaluation.md.")
    with KeyPointFinder(python) as finder:
        for found in (finder.find(drawn_person()), finder.find_mirrored(drawn_person())):
            nose, left, right = found[[NAMES.index(name) for name in ("nose", "left shoulder", "right shoulder")]]
            assert nose == pytest.approx((128, 69), abs=8)
            assert left == pytest.approx((170, 134), abs=10)
            assert right == pytest.approx((86, 134), abs=10)
        assert np.isnan(finder.find(PICTURE)).all()
