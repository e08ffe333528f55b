"""How a 3D view turns light into the colours of the screen, so that what is drawn over a plane looks like the plane."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

Table = Any  # numpy's array types are not there for a type checker inside Blender

SIDE = 48
DARKEST, BRIGHTEST = -12.0, 8.0
"""Of the table, in stops: powers of two."""
_PLAIN = ("Standard", "None", 0.0, 1.0, False)


@dataclass(frozen=True, slots=True)
class ColourManagement:
    """How a scene shows light: its view transform and what goes with it."""

    display: str
    transform: str
    look: str
    exposure: float
    gamma: float
    use_curves: bool

    @property
    def is_plain(self) -> bool:
        """Whether colours are shown as they are stored in a picture."""
        return self.display == "sRGB" and (self.transform, self.look, self.exposure, self.gamma, self.use_curves) == _PLAIN


PLAIN = ColourManagement("sRGB", *_PLAIN)


def management_of(context: bpy.types.Context) -> ColourManagement:
    """Return how a 3D view shows light: as the scene says, where it shows materials, and plainly where it doesn't."""
    if context.space_data.shading.type not in ("MATERIAL", "RENDERED"):
        return PLAIN
    settings = context.scene.view_settings
    return ColourManagement(
        context.scene.display_settings.display_device,
        settings.view_transform,
        settings.look,
        settings.exposure,
        settings.gamma,
        settings.use_curve_mapping,
    )


def light_of(place: Table) -> Table:
    """The linear light at places of a table's side, 0 to 1."""
    return np.exp2(DARKEST + (BRIGHTEST - DARKEST) * place)


def table_of(scene: bpy.types.Scene) -> Table:
    """(SIDE, SIDE, SIDE, 3) float32: the screen's colour of each light, blue first, red last, as Blender itself turns it."""
    light = light_of(np.linspace(0, 1, SIDE))
    blue, green, red = np.meshgrid(light, light, light, indexing="ij")
    pixels = np.stack([red, green, blue, np.ones_like(red)], axis=-1).astype(np.float32)
    image = bpy.data.images.new("iPOKE View", SIDE * SIDE, SIDE, float_buffer=True)
    writer = bpy.data.scenes.new("iPOKE View")
    try:
        image.pixels.foreach_set(pixels.ravel())
        _copy_view(scene, writer)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "view.png"
            image.save_render(str(path), scene=writer)
            return _read(path)
    finally:
        bpy.data.scenes.remove(writer)
        bpy.data.images.remove(image)


def _copy_view(scene: bpy.types.Scene, writer: bpy.types.Scene) -> None:
    writer.display_settings.display_device = scene.display_settings.display_device
    for name in ("view_transform", "look", "exposure", "gamma"):
        setattr(writer.view_settings, name, getattr(scene.view_settings, name))
    settings = writer.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
    writer.render.dither_intensity = 0.0


def _read(path: Path) -> Table:
    written = bpy.data.images.load(str(path), check_existing=False)
    try:
        written.colorspace_settings.is_data = True
        flat = np.empty(SIDE**3 * written.channels, np.float32)
        written.pixels.foreach_get(flat)
    finally:
        bpy.data.images.remove(written)
    return np.ascontiguousarray(flat.reshape(SIDE, SIDE, SIDE, -1)[..., :3])
