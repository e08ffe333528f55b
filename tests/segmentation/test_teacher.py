from __future__ import annotations

import cv2
import numpy as np

from ipoke_models.segmentation.__main__ import main
from ipoke_models.segmentation.teacher import LEAST_SOUND, mask_of, soundness


def disc(radius_px: int, centre: tuple[int, int] = (160, 160)) -> np.ndarray:
    return cv2.circle(np.zeros((320, 320), np.float32), centre, radius_px, 1.0, -1, cv2.LINE_AA)


def test_one_sharp_thing_off_the_border_is_sound():
    assert soundness(disc(80)) > LEAST_SOUND


def test_what_is_unsure_soft_in_pieces_or_cut_off_is_not_sound():
    two = np.maximum(disc(40, (80, 80)), disc(40, (240, 240)))
    for salience in (0.6 * disc(80), cv2.GaussianBlur(disc(80), (0, 0), 25), two, disc(80, (40, 160)), disc(10), 1 - disc(80)):
        assert soundness(salience) < LEAST_SOUND


def test_a_mask_has_the_pictures_size_and_no_islands():
    mask = mask_of(np.maximum(disc(80), disc(6, (20, 20))), (640, 480))
    assert mask.shape == (480, 640)
    assert mask[240, 320] == 255
    assert mask[30, 40] == 0


def test_a_missing_teacher_is_named_in_one_sentence(pictures, tmp_path, capsys):
    assert main(["masks", str(pictures), "--teacher", str(tmp_path / "u2net.onnx")]) == 2
    assert "There is no file" in capsys.readouterr().err
