"""One door to clips for training and evaluation: a clip store, or a folder of footage, which becomes one.

Also the options of footage on the command line, which both have in common.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import AutoencoderConfig
from .footage.layouts import LAYOUTS, Crop, Part
from .footage.store import CACHE, FootageOptions, footage_store
from .procedural.fresh import is_fresh
from .store import INFO_FILE, PLAN_FILE, ClipStore, JoinedClips, StoreError


@dataclass(frozen=True)
class Portion:
    """A folder to train on, and which share of the clips that are drawn comes from it; None for as large as it is."""

    folder: Path
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> Portion:
        """FOLDER, or FOLDER@SHARE. Raises argparse.ArgumentTypeError where the share is none."""
        folder, _, given = text.rpartition("@")
        if not folder or Path(text).exists():
            return cls(Path(text))
        try:
            share = float(given)
        except ValueError:
            share = 0
        if not 0 < share <= 1:
            raise argparse.ArgumentTypeError(f"'{text}' names no share between 0 and 1; write one like {folder}@0.1.")
        return cls(Path(folder), share)

    def __str__(self) -> str:
        return self.folder.name + ("" if self.share is None else f"@{self.share:g}")


def open_clips(folder: Path, part: Part, size_px: int, frames: int, options: FootageOptions) -> ClipStore:
    """The clips of a store, whatever the part, or of this part of a folder of footage, for models of this size and clip length.

    Raises:
        StoreError: the folder holds neither, or clips of another size.
    """
    if not is_store(folder):
        return footage_store(folder, part, options, size_px, frames)
    store = ClipStore(folder)
    if (store.info.size_px, store.info.frames) != (size_px, frames):
        raise StoreError(
            f"{folder} holds clips of {store.info.size_px} px and {store.info.frames} frames, the model takes {size_px} px and "
            f"{frames} frames; generate others, or choose another model."
        )
    return store


Opener = Callable[[Path, Part, int, int, FootageOptions], ClipStore]
"""Opens clips by name, as `open_clips` does."""


def open_training_clips(
    portions: Sequence[Portion],
    held_out: Path | None,
    sizes: AutoencoderConfig,
    options: FootageOptions,
    *,
    augment: bool,
    opener: Opener = open_clips,
) -> tuple[ClipStore, ClipStore]:
    """The clips to train on, of one folder or of several, and the held-out ones; footage without these is divided.

    With `augment`, training is to vary the clips.

    Raises:
        StoreError: a folder can't serve, shares don't add up, or clips that are not divided come without held-out ones.
    """
    first, own = portions[0].folder, held_out is None
    if own and (is_store(first) or is_fresh(str(first))):
        raise StoreError(f"The clips {first} are not divided; name the clips to judge by with --held-out.")
    if own and len(portions) > 1:
        raise StoreError("Several folders to train on are not divided; name the clips to judge by with --held-out.")
    part = Part.TRAIN if own else Part.WHOLE
    opened = [opener(portion.folder, part, sizes.size_px, sizes.frames, options) for portion in portions]
    shares = [portion.share for portion in portions]
    train = opened[0] if shares == [None] else JoinedClips(opened, shares)
    train.augmented = augment
    judge = opener(held_out or first, Part.HELD_OUT if own else Part.WHOLE, sizes.size_px, sizes.frames, options)
    return train, judge


def is_store(folder: Path) -> bool:
    """Whether a folder is a clip store, finished or not."""
    return (folder / INFO_FILE).exists() or (folder / PLAN_FILE).exists()


def add_footage_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of footage; `footage_options` reads them."""
    group = parser.add_argument_group("footage", "for folders of videos or of numbered pictures; see docs/training.md")
    group.add_argument("--layout", choices=sorted(LAYOUTS), default="folder", help="how the folder is ordered and divided")
    group.add_argument("--held-out-share", type=float, default=0.2, help="share of the sources to hold out")
    group.add_argument("--frame-step", type=int, help="raw frames from one frame of a clip to the next")
    group.add_argument("--stride", type=int, help="raw frames from one clip's start to the next clip's")
    group.add_argument("--crop", choices=[crop.value for crop in Crop], help="square in the centre, or around what moves")
    group.add_argument("--people", action=argparse.BooleanOptionalAction, help="keep pokes to a person in the middle")
    group.add_argument("--flow", default="dis", metavar="ESTIMATOR", help="'dis' or PACKAGE.MODULE:FUNCTION")
    group.add_argument("--cache", type=Path, default=CACHE, help="folder of the clips made of footage")
    group.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that make clips side by side")


def footage_options(options: argparse.Namespace) -> FootageOptions:
    """What `add_footage_options` read.

    Raises:
        StoreError: a number is out of its range.
    """
    if not 0 <= options.held_out_share <= 1:
        raise StoreError("--held-out-share is a share between 0 and 1.")
    if min(options.frame_step or 1, options.stride or 1) < 1 or 0 in (options.frame_step, options.stride):
        raise StoreError("--frame-step and --stride are 1 or more.")
    return FootageOptions(
        options.layout,
        options.frame_step,
        options.stride,
        Crop(options.crop) if options.crop else None,
        options.people,
        options.held_out_share,
        options.flow,
        options.cache,
        options.processes,
    )


def footage_command(options: argparse.Namespace) -> str:
    """The options of footage as they were given, for a record of how a model was made; those that change nothing are left out."""
    given = footage_options(options)
    words = [
        ("--layout", given.layout),
        ("--held-out-share", given.held_out_share),
        ("--frame-step", given.frame_step),
        ("--stride", given.stride),
        ("--crop", options.crop),
        ("--flow", given.flow),
    ]
    default = FootageOptions()
    usual = {"--layout": default.layout, "--held-out-share": default.held_out_share, "--flow": default.flow}
    text = "".join(f" {name} {value}" for name, value in words if value is not None and value != usual.get(name))
    if given.people is not None:
        text += " --people" if given.people else " --no-people"
    return text
