"""An endless sequence of procedural scenes, named by a recipe and a seed, and the pictures that go into them.

It can be sent to another process, which reads the pictures itself when it needs them first.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2

from ..pictures import Pictures, load_pictures
from ..store import StoreInfo
from .recipes import ANIMATED, scene_of, subjects_of
from .restyling import restyled
from .scenes import Scene


@dataclass(frozen=True)
class SceneSource:
    """Scenes of a recipe and a seed; pictures come from folders (None: none of that kind), of one of their two parts.

    `restyled` copies of each cut-out in other colours and textures join the cut-outs.
    """

    recipe: str
    seed: int
    size_px: int
    frames: int
    cutouts: Path | None = None
    photos: Path | None = None
    mocap: Path | None = None
    held_out: bool = False
    restyled: int = 0
    animated: Path | None = None

    @property
    def pictures(self) -> Pictures:
        """The pictures, read once a process.

        Raises:
            PictureError: a folder is missing or holds nothing of use.
        """
        animated, subjects = self.animated if self.recipe == ANIMATED else None, subjects_of(self.recipe)
        return _pictures(self.cutouts, self.photos, self.mocap, self.held_out, self.restyled, subjects, animated)

    def scene(self, index: int) -> Scene:
        """Scene number `index`, whichever process asks."""
        return scene_of(self.recipe, self.seed, index, self.pictures, self.size_px, self.frames)

    def info(self, count: int) -> StoreInfo:
        """Provenance of the first `count` clips."""
        return StoreInfo(self.size_px, self.frames, count, self.seed, self.described(), self.recipe, restyled=self.restyled)

    def described(self) -> str:
        """One line that says which pictures these are."""
        pictures = self.pictures
        digest = hashlib.sha256(b"".join(p.tobytes() for p in (*pictures.cutouts, *pictures.photos))).hexdigest()[:16]
        part = "held-out" if self.held_out else "training"
        line = f"{part} part: {len(pictures.cutouts)} cut-outs, {len(pictures.photos)} photographs, sha256 {digest}"
        line += f", {len(pictures.motions)} captured motions" if pictures.motions else ""
        return line + (f", {len(pictures.animations)} animated cut-outs" if pictures.animations else "")


def add_picture_options(parser: argparse._ActionsContainer) -> None:
    """Options that say which pictures scenes are made of."""
    parser.add_argument("--cutouts", type=Path, help="folder of PNG cut-outs with alpha, e.g. Debian's tuxpaint stamps")
    parser.add_argument("--photos", type=Path, help="folder of photographs for backgrounds")
    parser.add_argument("--mocap", type=Path, help="folder of humanoid motion files, pybullet_data/data/motions, for puppets")
    parser.add_argument("--animated", type=Path, help="folder of animated cut-outs, for the recipe of that name")
    parser.add_argument(
        "--restyled", type=_copies, default=0, metavar="N", help="add N copies of each cut-out in other colours and textures"
    )


def _copies(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of copies of each cut-out: give 0 or more")
    return int(text)


@cache
def _pictures(
    cutouts: Path | None,
    photos: Path | None,
    mocap: Path | None,
    held_out: bool,
    copies: int,
    subjects: tuple[str, ...],
    animated: Path | None,
) -> Pictures:
    cv2.setNumThreads(1)
    pictures = load_pictures(cutouts, photos, held_out, mocap=mocap, subjects=subjects, animated=animated)
    return replace(pictures, cutouts=(*pictures.cutouts, *restyled(pictures.cutouts, pictures.photos, copies)))
