"""What the eye gets: arrows on white, grey and black plates at three zooms, and what EEVEE makes of a plane. See README.md."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
from mathutils import Color, Matrix, Vector
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from hand import SHOTS, move, override, play, screen, set_up, shoot, view

GREYS = {"white": 1.0, "grey": 0.5, "black": 0.0}
DISTANCES = (2.6, 5.2, 10.4)
ARROWS = (((0.2, 0.35), (0.7, 0.35)), ((0.2, 0.65), (0.7, 0.65)))
"""The second one is active, so that both of an arrow's colours are seen."""
ON_THE_SHAFT = 0.42
ACROSS_PX = 14
TOLD_APART = 0.06
CONTRAST = 3.0
"""Least ratio of luminances for graphics that have to be understood (WCAG 2.1, 1.4.11)."""
GRAIN = 0.02
SEEN = (0.2, 0.6, 0.4, 0.5)


def picture(name: str, rgba: tuple[float, ...]) -> Path:
    """A file of one colour."""
    image = bpy.data.images.new(name, 64, 64, alpha=True)
    image.pixels.foreach_set(rgba * 64**2)
    path = Path(bpy.app.tempdir) / f"{name}.png"
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def pixels(file: Path) -> NDArray[np.float32]:
    """A picture as rows of RGBA from the bottom up."""
    image = bpy.data.images.load(str(file))
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)


def luminance(colour: NDArray[np.float32]) -> float:
    return float(np.dot((0.2126, 0.7152, 0.0722), Color(colour[:3]).from_srgb_to_scene_linear()))


def profile(shot: NDArray[np.float32], at: tuple[int, int]) -> tuple[int, float]:
    """How many pixels it is across a shaft, from rim to rim, and the best ratio of luminances between the two."""
    column = shot[at[1] - ACROSS_PX : at[1] + ACROSS_PX + 1, at[0]]
    plate = column[0]
    drawn = np.flatnonzero(np.abs(column - plate)[:, :3].max(axis=1) > TOLD_APART)
    width = int(np.ptp(drawn)) + 1 if drawn.size else 0
    ground = luminance(plate) + 0.05
    ratios = [(luminance(colour) + 0.05) / ground for colour in column]
    return width, max(max(ratio, 1 / ratio) for ratio in ratios)


def arrows_at_every_zoom() -> Iterator[float]:
    for name, grey in GREYS.items():
        yield from set_up(picture(name, (grey, grey, grey, 1.0)))
        with override():
            for tail, tip in ARROWS:
                bpy.ops.ipoke.add_poke(tail=tail, tip=tip)
        obj = bpy.context.active_object
        widths: list[list[int]] = [[], []]
        for number, distance in enumerate(DISTANCES):
            view()[2].view_distance = distance
            yield 0.6
            move(screen(obj, (0.5, 0.5)))
            yield 0.6
            shoot(f"look_{name}_{number}")
            shot = pixels(SHOTS / f"look_{name}_{number}.png")
            for found, (tail, _tip) in zip(widths, ARROWS, strict=True):
                width, contrast = profile(shot, screen(obj, (ON_THE_SHAFT, tail[1])))
                print(f"scenario: {name}, distance {distance}: {width} px wide, contrast {contrast:.1f}", flush=True)
                assert contrast > CONTRAST, (name, distance, contrast)
                found.append(width)
        assert all(max(found) - min(found) <= 1 for found in widths), widths


def rendered(obj: bpy.types.Object, name: str) -> NDArray[np.float32]:
    """What EEVEE shows of a plane, on average: linear light and alpha, which is the same all over it."""
    scene, upright = bpy.context.scene, Matrix.Rotation(math.pi / 2, 4, "X")
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        bpy.context.collection.objects.link(scene.camera)
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 0.5 * min(obj.dimensions.x, obj.dimensions.z)
    scene.camera.matrix_world = Matrix.Translation((*obj.location.xy - Vector((0, 3)), obj.location.z)) @ upright
    scene.render.engine = "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0, 0) else "BLENDER_EEVEE"
    scene.eevee.taa_render_samples, scene.render.film_transparent = 8, True
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "OPEN_EXR", "RGBA"
    scene.render.filepath = str(Path(bpy.app.tempdir) / f"{name}.exr")
    bpy.ops.render.render(write_still=True)
    seen = pixels(Path(scene.render.filepath)).reshape(-1, 4)
    assert np.ptp(seen[:, 3]) < GRAIN, "half-clear pictures have no grain"
    return seen.mean(axis=0)


def eevee_keeps_colour_and_alpha() -> Iterator[float]:
    yield from set_up(picture("half clear", SEEN))
    obj, scene = bpy.context.active_object, bpy.context.scene
    scene.world = None
    *colour, alpha = rendered(obj, "emission")
    shown = tuple((Color(colour) / alpha).from_scene_linear_to_srgb())
    print(f"scenario: EEVEE shows {shown} with alpha {alpha:.3f} for {SEEN}", flush=True)
    assert abs(alpha - SEEN[3]) < 0.05, alpha
    assert max(abs(a - b) for a, b in zip(shown, SEEN, strict=False)) < 0.05, shown
    obj.ipoke.surface = "PRINCIPLED"
    yield 0.2
    *colour, alpha = rendered(obj, "dark")
    print(f"scenario: and without light {colour} with alpha {alpha:.3f}", flush=True)
    assert max(colour) < 0.02, colour
    assert abs(alpha - SEEN[3]) < 0.05, alpha


def story() -> Iterator[float]:
    yield from arrows_at_every_zoom()
    yield from eevee_keeps_colour_and_alpha()


play(story())
