"""Key points of people in pictures, found by a child process with a Python that has mediapipe. No mediapipe here."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..data.optical_flow import to_bytes
from ..errors import ModelError

CHILD = Path(__file__).with_name("find_key_points.py")
POINTS = {
    "nose": 0,
    "left shoulder": 11,
    "right shoulder": 12,
    "left elbow": 13,
    "right elbow": 14,
    "left wrist": 15,
    "right wrist": 16,
    "left hip": 23,
    "right hip": 24,
}
"""The points that are measured, with BlazePose's number of each."""
NAMES = tuple(POINTS)
_SIDES = {"left": "right", "right": "left"}
_MIRRORED = [NAMES.index(" ".join(_SIDES.get(word, word) for word in name.split())) for name in NAMES]
SURE = 0.8
"""Visibility from which on a point counts as found."""
LEAST_SIDE_PX = 256
"""Smaller pictures are enlarged: people are not found in them otherwise."""
START_S, ANSWER_S, _END_S = 120.0, 30.0, 5.0
_ANSWER_SHAPE = (33, 3)
Points = NDArray[np.float64]
"""(K, 2) as (x, y) in px, from the picture's corner; NaN where a point is not found."""


class KeyPointError(ModelError):
    """Key points can't be found; the sentence says why."""


class KeyPointFinder:
    """Finds the key points of one person a picture; closes its child process when left.

    Raises:
        KeyPointError: the Python is missing, has no mediapipe, or doesn't get ready or answer in time; from any method.
    """

    def __init__(self, python: str, child: Path = CHILD, start_s: float = START_S, answer_s: float = ANSWER_S) -> None:
        self._python, self._answer_s = python, answer_s
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        try:
            self._process = subprocess.Popen(
                [python, "-I", str(child)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, "GLOG_minloglevel": "2"},
            )
        except OSError as error:
            self._errors.close()
            raise KeyPointError(
                f"{python} can't be run ({error.strerror}); give --key-points the Python of an environment with mediapipe."
            ) from error
        try:
            self._exchange(b"", 1, start_s)
        except KeyPointError:
            self.close()
            raise

    def __enter__(self) -> KeyPointFinder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def find(self, picture: Tensor) -> Points:
        """The points `NAMES` in a picture (3, S, S) in [-1, 1]; NaN where one is not sure or lies outside."""
        height, width = picture.shape[-2:]
        scale = max(1.0, LEAST_SIDE_PX / min(height, width))
        size = (round(width * scale), round(height * scale))
        pixels = cv2.resize(to_bytes(picture), size, interpolation=cv2.INTER_CUBIC)
        request = struct.pack("<II", size[1], size[0]) + pixels.tobytes()
        answer = self._exchange(request, 4 * int(np.prod(_ANSWER_SHAPE)), self._answer_s)
        found = np.frombuffer(answer, "<f4").reshape(_ANSWER_SHAPE)[list(POINTS.values())].astype(np.float64)
        places = found[:, :2]
        sure = (found[:, 2] >= SURE) & (places >= 0).all(axis=1) & (places < 1).all(axis=1)
        return np.where(sure[:, None], places * (width, height), np.nan)

    def find_mirrored(self, picture: Tensor) -> Points:
        """The same points, found in the mirrored picture and mirrored back."""
        found = self.find(picture.flip(-1))[_MIRRORED]
        return np.stack([picture.shape[-1] - found[:, 0], found[:, 1]], axis=1)

    def _exchange(self, request: bytes, size: int, limit_s: float) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        with self._killed_after(limit_s) as late:
            try:
                requests.write(request)
                requests.flush()
                answer = answers.read(size)
            except OSError:
                answer = b""
        if len(answer) == size:
            return answer
        if late.is_set():
            raise KeyPointError(f"mediapipe in {self._python} did not answer within {limit_s:g} s.")
        raise KeyPointError(
            f"mediapipe in {self._python} ended ({self._last_words()}); set it up with '{self._python} -m pip install "
            "mediapipe==0.10.21'."
        )

    @contextmanager
    def _killed_after(self, limit_s: float) -> Iterator[threading.Event]:
        """Kill the child at the limit, which ends every wait for it; the event says whether that happened."""
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, kill)
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()

    def _last_words(self) -> str:
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"
