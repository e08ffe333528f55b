"""A picture that is painted from back to front and remembers what can be seen of each thing, and the camera that takes it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.procedural.motion import Array
from ..data.procedural.scenes import Patch

_OPAQUE = 0.5


@dataclass(frozen=True)
class Owner:
    """Whose a patch is: the thing's number, its kind's, and the part's within the thing, -1 for none of its own."""

    thing: int
    kind: int
    part: int = -1


class Canvas:
    """RGB (S, S, 3) in [0, 1], how much of each thing is seen (S, S), and which part of its thing a pixel shows."""

    def __init__(self, background: Array) -> None:
        self.rgb = background.copy()
        self.size_px = len(background)
        self.seen: dict[int, Array] = {}
        self.whole_px: dict[int, float] = {}
        self.kinds: dict[int, int] = {}
        self.parts: NDArray[np.int32] = np.full((self.size_px, self.size_px), -1, np.int32)

    def paint(self, patch: Patch, owner: Owner | None) -> None:
        """Put a patch before what is there; without an owner it only covers."""
        window, texture = patch.within(self.size_px)
        alpha = texture[..., 3]
        self.rgb[window] = self.rgb[window] * (1 - alpha[..., None]) + texture[..., :3]
        for seen in self.seen.values():
            seen[window] *= 1 - alpha
        opaque = alpha > _OPAQUE
        self.parts[window][opaque] = -1 if owner is None else owner.part
        if owner is None:
            return
        if owner.thing not in self.seen:
            self.seen[owner.thing] = np.zeros((self.size_px, self.size_px), np.float32)
            self.whole_px[owner.thing] = 0.0
            self.kinds[owner.thing] = owner.kind
        self.seen[owner.thing][window] += alpha
        self.whole_px[owner.thing] += float(patch.texture[..., 3].sum())

    def mark(self, corner: tuple[int, int], region: NDArray[np.bool_], thing: int, part: int) -> None:
        """Say that these pixels, as far as the thing is seen there, are one part of it."""
        window, within = Patch(region[..., None].astype(np.float32), corner).within(self.size_px)
        self.parts[window][(within[..., 0] > 0) & (self.seen[thing][window] > _OPAQUE)] = part

    def darken(self, patch: Patch, shift_px: tuple[int, int], blur_px: float, strength: float) -> None:
        """A soft shadow of the patch on what is there."""
        pad = int(3 * blur_px) + 1
        alpha = cv2.GaussianBlur(np.pad(patch.texture[..., 3], pad), (0, 0), blur_px)
        corner = (patch.corner[0] - pad + shift_px[1], patch.corner[1] - pad + shift_px[0])
        window, shadow = Patch(np.asarray(alpha[..., None], np.float32), corner).within(self.size_px)
        self.rgb[window] *= 1 - strength * shadow


def blurred(patch: Patch, sigma_px: float) -> Patch:
    """The patch out of focus."""
    pad = int(2.5 * sigma_px) + 1
    texture = cv2.GaussianBlur(np.pad(patch.texture, ((pad, pad), (pad, pad), (0, 0))), (0, 0), sigma_px)
    return Patch(np.asarray(texture, np.float32), (patch.corner[0] - pad, patch.corner[1] - pad))


def lit(rng: np.random.Generator, patch: Patch, like: Array) -> Patch:
    """The patch nearer to the colours (3,) of what is around it, and brighter on one side."""
    texture = patch.texture.copy()
    alpha = texture[..., 3:]
    if rng.random() < 0.45:
        own = texture[..., :3].sum((0, 1)) / max(float(alpha.sum()), 1.0)
        texture[..., :3] += rng.uniform(0.1, 0.8) * (like - own) * alpha
    if rng.random() < 0.35:
        turn = rng.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[-1 : 1 : texture.shape[0] * 1j, -1 : 1 : texture.shape[1] * 1j]
        texture[..., :3] *= (1 + rng.uniform(0, 0.4) * (np.cos(turn) * columns + np.sin(turn) * rows))[..., None]
    texture[..., :3] = np.clip(texture[..., :3], 0, alpha)
    return Patch(texture.astype(np.float32), patch.corner)


def photographed(rng: np.random.Generator, rgb: Array) -> NDArray[np.uint8]:
    """What a camera makes of it: exposure, white balance, softness, noise, JPEG. RGB (S, S, 3)."""
    picture = np.clip(rgb, 0, 1)
    if rng.random() < 0.6:
        picture = picture ** np.float32(np.exp(rng.normal(0, 0.25))) * rng.uniform(0.85, 1.1, 3).astype(np.float32)
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.1))
    if rng.random() < 0.5:
        picture = picture + rng.normal(0, rng.uniform(0.003, 0.04), picture.shape)
    taken = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", taken, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))])
        taken = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(taken, np.uint8)
