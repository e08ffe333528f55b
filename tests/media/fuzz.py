"""Mutated videos of every kind against the reader: a sentence or pictures, and nothing else.

python -m tests.media.fuzz --seconds 200
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from ipoke_media import video
from tests.media.videos import counting, marked, write

MOST_MB = 2000
KINDS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("a.mp4", "libx264", "yuv420p", {}),
    ("a.mkv", "libx264", "yuv420p", {}),
    ("a.avi", "mpeg4", "yuv420p", {}),
    ("a.webm", "libvpx-vp9", "yuv420p", {}),
    ("b.mov", "prores_ks", "yuv422p10le", {}),
    ("c.mov", "qtrle", "rgb24", {}),
    ("d.ts", "libx264", "yuv420p", {}),
    ("e.gif", "gif", "rgb8", {}),
    ("h.mp4", "libx265", "yuv420p", {"x265-params": "log-level=none"}),
    ("i.webm", "libsvtav1", "yuv420p", {"svtav1-params": "lp=1"}),
)


def examples(folder: Path) -> list[bytes]:
    """One small video of each kind."""
    made = [write(folder / name, counting(6), codec, pix_fmt, options=options or None) for name, codec, pix_fmt, options in KINDS]
    clear = np.dstack([marked(), np.full((64, 96), 128, np.uint8)])
    return [path.read_bytes() for path in (*made, write(folder / "g.mov", [clear] * 3, "png", "rgba", options={}))]


def mutated(data: bytes, generator: random.Random) -> bytes:
    """The same with bytes replaced, removed or cut off, often near its beginning."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 20)):
        reach = len(changed) if generator.random() < 0.6 else min(len(changed), 900)
        place = generator.randrange(reach)
        kind = generator.random()
        if kind < 0.6:
            changed[place] = generator.randrange(256)
        elif kind < 0.8:
            changed[place : place + generator.randint(0, 8)] = generator.randbytes(generator.randint(0, 8))
        elif kind < 0.95:
            changed[place : place + 4] = b"\xff\xff\xff\xff"
        else:
            del changed[max(len(changed) // 2, place) :]
    return bytes(changed)


def try_one(file: Path, data: bytes) -> bool:
    """Whether it was read; what is no `VideoError` escapes."""
    file.write_bytes(data)
    video.claimed_frames(file)
    try:
        for _ in video.read_frames(file, range(40)):
            pass
    except video.VideoError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator, tried, read, longest_s = random.Random(arguments.seed), 0, 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        kinds = examples(Path(folder))
        until_s = time.monotonic() + arguments.seconds
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            read += try_one(Path(folder) / "video", mutated(generator.choice(kinds), generator))
            tried, longest_s = tried + 1, max(longest_s, time.monotonic() - began_s)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{tried} mutated videos of {len(kinds)} kinds: {read} read, 0 crashes, {longest_s:.1f} s and {most_mb} MB at most")
    return 0 if most_mb < MOST_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
