"""Run by a Python that has `bpy`: what Blender reads of every file in a folder, as one .npz beside them.

Of an image: its pixels (H, W, 4) as stored, the first row on top, and whether its alpha mode is premultiplied. Of a file with
layers, whose pixels Blender's Python doesn't give: what a plane shows of it, drawn by Cycles, its alpha left as 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

RESULT = "blender.npz"


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    width, height = image.size
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(height, width, image.channels)[::-1]


def read(file: Path) -> tuple[np.ndarray, bool] | None:
    image = bpy.data.images.load(str(file))
    shown = tuple(image.size)  # loads it: only then the type and the alpha mode are known
    if image.type == "MULTILAYER":
        return drawn(file), True
    if shown == (0, 0):
        return None
    premultiplied = image.alpha_mode == "PREMUL"
    image.colorspace_settings.name = "Non-Color"
    return pixels_of(image), premultiplied


def drawn(file: Path, size: tuple[int, int] = (40, 28)) -> np.ndarray:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 0.01
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR", "32"
    scene.view_settings.view_transform = "Raw"
    bpy.ops.mesh.primitive_plane_add(size=1)
    plane = bpy.context.object
    plane.scale = (size[0] / size[1], 1, 1)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", size[0] / size[1], (0, 0, 1)
    scene.collection.objects.link(camera)
    scene.camera = camera
    material = bpy.data.materials.new("material")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture, emission, output = (
        nodes.new(name) for name in ("ShaderNodeTexImage", "ShaderNodeEmission", "ShaderNodeOutputMaterial")
    )
    texture.interpolation, texture.image = "Closest", bpy.data.images.load(str(file))
    texture.image.colorspace_settings.name = "Non-Color"
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(emission.outputs[0], output.inputs["Surface"])
    plane.data.materials.append(material)
    scene.render.filepath = str(file.with_name("drawn.exr"))
    bpy.ops.render.render(write_still=True)
    result = bpy.data.images.load(scene.render.filepath)
    result.colorspace_settings.name = "Non-Color"
    pixels = pixels_of(result).copy()
    pixels[..., 3] = 1
    return pixels


def main(folder: Path) -> None:
    found: dict[str, np.ndarray] = {}
    for file in sorted(folder.iterdir()):
        result = read(file)
        if result is not None:
            found[file.stem], found[f"{file.stem} premultiplied"] = result[0], np.array(result[1])
    np.savez(folder / RESULT, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
