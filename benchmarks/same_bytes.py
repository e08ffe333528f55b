"""Whether two versions of the product make the same bytes: hashes of all files that samples, bakes and transfers leave.

    git archive COMMIT | tar -x -C OLD
    python -m benchmarks.same_bytes OLD old.json
    python -m benchmarks.same_bytes . new.json
    python -m benchmarks.same_bytes --compare old.json new.json

The command line of the tree that is named asks a backend of that tree, both with this Python. Of a job's manifest the id and the
seal are left out. The same machine must make both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

PLATE_PX = (320, 240)
FRAMES = 11
START_S = 120.0
RANDOM = ("job_id", "seal")
ARROW = ("--poke", "0.5,0.5:0.6,0.42", "--seed", "7")
CASES: dict[str, tuple[str, ...]] = {
    "model": ("photo.png", *ARROW, "--samples", "2", "--size", "model"),
    "whole": ("photo.png", *ARROW, "--samples", "2", "--thing", "none", "--passes"),
    "body": ("cutout.png", *ARROW, "--samples", "2", "--pin", "0.5,0.8", "--mesh"),
    "like": ("cutout.png", *ARROW, "--samples", "1", "--like", "3/1:0.4", "--like", "5/0:0.3", "--variation", "0.5"),
    "loop": ("photo.png", *ARROW, "--samples", "1", "--thing", "none", "--loop", "closed", "--loop-draws", "2"),
    "chain": ("cutout.png", *ARROW, "--samples", "1", "--chain", "2", "--hold", "2"),
    "regions": (
        *("photo.png", *ARROW, "--poke", "0.2,0.3:0.25,0.4", "--samples", "1"),
        *("--region", "0,0,128,240", "--region", "128,0,192,240"),
    ),
    "masked": ("photo.png", *ARROW, "--samples", "1", "--thing", "mask.png", "--lock", "lock.png", "--free-ground"),
}
"""What `ipoke poke` is asked with, for every model."""


def main() -> int:
    """Write the hashes of one tree, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", action="store_true", help="say which files differ between two lists of hashes")
    parser.add_argument("first", type=Path, help="the tree to run, or the older list")
    parser.add_argument("second", type=Path, help="where its hashes are written, or the newer list")
    options = parser.parse_args()
    if options.compare:
        return _compare(*(json.loads(file.read_text()) for file in (options.first, options.second)))
    with tempfile.TemporaryDirectory() as scratch, _Tree(options.first.resolve(), Path(scratch)) as tree:
        hashes = dict(_hashes(tree))
    options.second.write_text(json.dumps(hashes, indent=1) + "\n")
    return 0


class _Tree:
    """The product in a folder, asked by its command line; what it makes goes to `scratch`."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root, self.scratch = root, scratch
        self._connection = scratch / "connection.json"
        _make_stills(root / "demo" / "plate.jpg", scratch)

    def __enter__(self) -> Self:
        self._backend = subprocess.Popen(self._command("serve"), cwd=self.scratch, env=self._environment)
        deadline_s = time.monotonic() + START_S
        while not self._connection.exists():
            if self._backend.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"The backend of {self._root} did not start; see what it wrote.")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._backend.terminate()
        self._backend.wait()

    @property
    def models(self) -> list[str]:
        """Names of the models that it ships with."""
        return sorted(folder.name for folder in (self._root / "ipoke_models" / "weights").iterdir() if folder.name != "thing")

    def ipoke(self, *words: str) -> None:
        """Run a command; raises CalledProcessError."""
        subprocess.run(self._command(*words), cwd=self.scratch, env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "backend", *words, "--connection-file", str(self._connection)]

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self._root)}


def _hashes(tree: _Tree) -> Iterator[tuple[str, str]]:
    for model in tree.models:
        for case, words in CASES.items():
            yield from _made(tree, f"{model}-{case}", "poke", *words, "--model", model)
        yield from _moved(tree, model)


def _moved(tree: _Tree, model: str) -> Iterator[tuple[str, str]]:
    """What a variant's own motion and that of a clip are, and what they make of another still."""
    variant, clip = f"{model}-variant.kin.safetensors", f"{model}-clip.kin.safetensors"
    tree.ipoke("invert", f"{model}-body", "--variant", "1", "--still", "cutout.png", "-o", variant)
    tree.ipoke("invert", "clip", "--poke", "0.5,0.5:0.6,0.5", "--model", model, "-o", clip)
    for file in (variant, clip):
        yield file, hashlib.sha256((tree.scratch / file).read_bytes()).hexdigest()
        yield from _made(tree, f"{file}-transferred", "transfer", file, "photo.png", "--mirror", "--thing", "none")


def _made(tree: _Tree, name: str, *words: str) -> Iterator[tuple[str, str]]:
    print(name, file=sys.stderr, flush=True)
    tree.ipoke(*words, "-o", name)
    for path in sorted((tree.scratch / name).rglob("*")):
        if path.is_file():
            yield f"{name}/{path.relative_to(tree.scratch / name).as_posix()}", _hash_of(path)


def _hash_of(path: Path) -> str:
    data = path.read_bytes()
    if path.name == "job.json":
        job = {key: value for key, value in json.loads(data).items() if key not in RANDOM}
        data = json.dumps(job).encode()
    return hashlib.sha256(data).hexdigest()


def _make_stills(photo: Path, folder: Path) -> None:
    """A photograph, a cut-out of its middle, masks of the thing and of a lock, and a clip in which it slides."""
    still = cv2.resize(cv2.imread(str(photo)), PLATE_PX, interpolation=cv2.INTER_AREA)
    width, height = PLATE_PX
    mask, lock = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 6, height // 3), 0, 0, 360, 255, -1)
    lock[:, : width // 8] = 255
    pictures = {"photo": still, "cutout": np.dstack([still, mask]), "mask": mask, "lock": lock}
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    (folder / "clip").mkdir()
    for number in range(FRAMES):
        moved = cv2.warpAffine(
            still, np.array([[1, 0, 3 * number], [0, 1, 0]], np.float64), PLATE_PX, borderMode=cv2.BORDER_REFLECT
        )
        cv2.imwrite(str(folder / "clip" / f"frame_{number:03d}.png"), np.where(mask[..., None] > 0, moved, still))


def _compare(old: dict[str, str], new: dict[str, str]) -> int:
    different = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    for name in different:
        print(name if name in old and name in new else f"{name} (in one of them)")
    print(f"{len(old)} and {len(new)} files, {len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
