"""Owns the frames of a whole plate: its regions one over the other, each at its own place in its own clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol.messages import Loop, Region, Seam
from .drawer import Drawer, apply_lock
from .image import PlateImage
from .passes import Instant, encode_passes
from .region import box_around, overlap
from .timing import Timeline


@dataclass(frozen=True)
class Part:
    """What happens in one region: who renders it, and when it shows what."""

    renderer: Drawer
    plan: Timeline


def worst_seam(plans: Sequence[Timeline]) -> Seam | None:
    """How the regions' loops close: the worst of them, one that only goes there and back before all others."""
    seams = [plan.seam for plan in plans if plan.seam is not None]
    return max(seams, key=lambda seam: (seam.loop is Loop.PING_PONG, seam.share), default=None)


class Scene:
    """Renders a variant's frames 0 .. `count` - 1. Safe to use from several threads at once."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Parts of one plate under one lock, as many frames each; where regions overlap, the later one is in front."""
        self._parts = parts
        self._covers = [
            any(overlap(part.renderer.reach, other.renderer.region) for other in parts[:index])
            for index, part in enumerate(parts)
        ]
        self._box: Region = box_around([part.renderer.region for part in parts])

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self._parts[0].plan.rows)

    def frame(self, index: int) -> PlateImage:
        """The plate at frame `index`."""
        renderer = self._parts[0].renderer
        result = renderer.still()
        for part, covers in zip(self._parts, self._covers, strict=True):
            part.renderer.draw(part.plan.rows[index], result, over=covers)
        if renderer.lock is not None:
            apply_lock(renderer.lock, self._box, renderer.plate, result)
        return result

    def passes(self, index: int) -> bytes:
        """The passes of frame `index` as an EXR file."""
        return encode_passes([Instant(part.renderer, *part.plan.around(index)) for part in self._parts])
