"""A child process that finds people's key points in pictures by mediapipe's BlazePose.

Run by a Python of its own, which needs mediapipe (and so numpy < 2) and nothing of this package: `PYTHON -I find_key_points.py`.
Standard output: "K" once it is ready, then for each picture 33 x 3 float32 (x, y in fractions of the picture, visibility), all
NaN where there is nobody. Standard input: for each picture its height and width as two uint32 and its RGB bytes. Little-endian.
"""

import os
import struct
import sys

import numpy as np

POINTS = 33


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print can't break the answers
    from mediapipe.python.solutions.pose import Pose

    with Pose(static_image_mode=True, model_complexity=1) as pose:
        answers.write(b"K")
        answers.flush()
        while len(header := sys.stdin.buffer.read(8)) == 8:
            height, width = struct.unpack("<II", header)
            pixels = np.frombuffer(sys.stdin.buffer.read(3 * height * width), np.uint8).reshape(height, width, 3)
            person = pose.process(pixels).pose_landmarks
            found = np.full((POINTS, 3), np.nan, "<f4")
            if person is not None:
                found[:] = [(point.x, point.y, point.visibility) for point in person.landmark]
            answers.write(found.tobytes())
            answers.flush()


if __name__ == "__main__":
    main()
