"""What the measurements of plates share: stills, pokes, and a model's motion on them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.plate.errors import PlateError
from backend.plate.image import Field, PlateImage, decode_plate, from_working, to_working
from backend.plate.motion import Motion, motion_of_flows, motion_of_pictures
from backend.plate.region import default_region, model_input, pokes_in_region, region_of_thing
from backend.plate.stage import Stage, lock_of
from backend.protocol.messages import Poke
from ipoke_models.model import Model
from ipoke_values import Sampling


def read_still(path: Path, width_px: int | None) -> PlateImage:
    """A still, enlarged to a width where one is given."""
    try:
        plate = decode_plate(path.read_bytes())
    except (OSError, PlateError) as error:
        raise SystemExit(f"{path}: {error}") from error
    if width_px is None:
        return plate
    size = (width_px, round(plate.size_px[1] * width_px / plate.size_px[0]))
    return from_working(cv2.resize(to_working(plate), size, interpolation=cv2.INTER_CUBIC), plate)


def textured(width: int, height: int, seed: int, dtype: type = np.uint8) -> PlateImage:
    """A made-up still: smooth shapes with fine grain."""
    generator = np.random.default_rng(seed)
    coarse = generator.random((height // 120 + 2, width // 120 + 2, 3)).astype(np.float32)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels += cv2.GaussianBlur(generator.normal(0, 0.1, pixels.shape).astype(np.float32), (0, 0), 1)
    peak = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    return PlateImage((np.clip(pixels, 0, 1) * peak).astype(dtype), None)


def stage_of(plate: PlateImage, pokes: list[Poke], thing: Field | None = None) -> Stage:
    """The plate with its default region, or with a thing (H, W) in [0, 1] that moves as a body."""
    if thing is None:
        return Stage(plate, default_region(plate, pokes), None, None)
    arrows = np.array([(poke.x, poke.y, poke.dx, poke.dy) for poke in pokes])
    return Stage(plate, region_of_thing(thing, pokes), None, None, thing, arrows)


def read_mask(path: Path, size_px: tuple[int, int]) -> Field:
    """A mask of a thing, (H, W) in [0, 1], brought to a size (W, H)."""
    try:
        mask = lock_of(decode_plate(path.read_bytes()))
    except (OSError, PlateError) as error:
        raise SystemExit(f"{path}: {error}") from error
    return np.asarray(cv2.resize(mask, size_px, interpolation=cv2.INTER_LINEAR), np.float32)


def as_tensor(picture: NDArray[np.uint8]) -> Tensor:
    """A picture, BGR (H, W, 3), as metrics take it: RGB (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)))[None] / 127.5 - 1


def motion_on(model: Model, stage: Stage, pokes: list[Poke], sampling: Sampling) -> Motion:
    """The motion of variant 0."""
    x0 = model_input(stage.plate, stage.region, model.size_px)
    inside = pokes_in_region(pokes, stage.region, stage.plate.size_px)
    steps = list(model.stream(torch.from_numpy(x0), inside, 1, sampling))
    flows = [step.flow[0].numpy() for step in steps if step.flow is not None]
    if len(flows) < len(steps):
        return motion_of_pictures(x0, [step.frames[0].numpy() for step in steps])
    return motion_of_flows(flows, [None if step.visibility is None else step.visibility[0, 0].numpy() for step in steps])
