"""Takes a variant of a cut-out as a mesh in a Blender window, undoes and redoes it, and lets EEVEE render it with motion blur.

IPOKE_CONNECTION_FILE names the backend's connection file; README.md says how to start it all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import hand

LENGTH = 12
FAST = 5
BLURRED_PX = (480, 270)


def cut_out() -> Path:
    """The demo's photograph, smaller, with an alpha around the dandelion in front."""
    image = bpy.data.images.load(str(hand.PLATE))
    image.scale(960, 540)
    pixels = np.empty(960 * 540 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(540, 960, 4)
    y, x = np.mgrid[:540, :960]
    head = 30 * (1 - np.hypot((x - 285) / 140, (y - 365) / 125))
    stalk = np.where(y < 365, 12 - np.abs(x - 282), -1)
    pixels[..., 3] = np.clip(np.maximum(head, stalk), 0, 1)
    path = Path(bpy.app.tempdir) / "dandelion.png"
    made = bpy.data.images.new("Cut-Out", 960, 540, alpha=True)
    made.pixels.foreach_set(pixels.ravel())
    made.filepath_raw, made.file_format = str(path), "PNG"
    made.save()
    for used in (image, made):
        bpy.data.images.remove(used)
    return path


def story() -> Iterator[float]:
    """What happens."""
    yield from hand.set_up(cut_out())
    plane = bpy.context.active_object
    hand.part("scene.preferences").get().connection_file = hand.CONNECTION_FILE
    with hand.override():
        bpy.ops.ipoke.add_poke(tail=(0.3, 0.3), tip=(0.42, 0.22))
        plane.ipoke.samples, plane.ipoke.seed, plane.ipoke.lock_seed, plane.ipoke.cyclic = 1, 3, True, False
        plane.ipoke.bake.fit, plane.ipoke.bake.length = True, LENGTH
        bpy.ops.ipoke.sample()
    yield from hand.wait_until(lambda: not hand.busy() and len(plane.ipoke.variants) == 1, "a variant")
    hand.shoot("taking_1_variant")
    before = len(bpy.data.objects)
    with hand.override():
        assert bpy.ops.ipoke.take_as_mesh() == {"FINISHED"}
    yield from hand.wait_until(lambda: not hand.busy() and len(bpy.data.objects) == before + 2, "the mesh")
    yield 0.5
    taken = bpy.context.active_object
    assert taken.name == "dandelion v01", taken.name
    assert plane.hide_get()
    check_places(taken)
    bpy.context.scene.frame_set(LENGTH)
    area, _, _ = hand.view()
    yield 0.5
    hand.shoot("taking_2_taken")
    centre = area.x + area.width // 2, area.y + area.height // 2
    yield from hand.tap("Z", centre, ctrl=True)
    assert len(bpy.data.objects) == before, [obj.name for obj in bpy.data.objects]
    assert not bpy.data.objects["dandelion"].hide_get()
    hand.shoot("taking_3_undone")
    yield from hand.tap("Z", centre, ctrl=True, shift=True)
    assert len(bpy.data.objects) == before + 2
    check_places(bpy.data.objects["dandelion v01"])
    area.spaces.active.shading.type = "MATERIAL"
    bpy.context.scene.frame_set(FAST)
    yield 8.0
    hand.shoot("taking_4_material_preview")
    for blur in (False, True):
        render(blur)
        yield 0.1
    yield 0.1


def check_places(taken: bpy.types.Object) -> None:
    """The last frame's geometry is the last pose of the point cache that it was made from."""
    image = next(node.image for node in taken.active_material.node_tree.nodes if node.type == "TEX_IMAGE")
    data = (Path(bpy.path.abspath(image.filepath)).parents[1] / "variant_00/mesh.pc2").read_bytes()
    poses = np.frombuffer(data, "<f4", offset=32).reshape(LENGTH + 1, -1, 3)
    bpy.context.scene.frame_set(LENGTH)
    seen = taken.evaluated_get(bpy.context.evaluated_depsgraph_get())
    found = np.array([vertex.co for vertex in seen.to_mesh().vertices])
    seen.to_mesh_clear()
    np.testing.assert_allclose(found[:, 0], 2 * (poses[-1][:, 0] - 960 / 540 / 2), atol=1e-5)
    np.testing.assert_allclose(found[:, 2], 2 * (poses[-1][:, 1] - 0.5), atol=1e-5)


def render(blur: bool) -> None:
    """A frame by EEVEE, seen by a camera that the plane fills."""
    scene = bpy.context.scene
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
        scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 2 * 960 / 540
        scene.camera.location, scene.camera.rotation_euler = (0, -5, 0), (np.pi / 2, 0, 0)
    engines = scene.render.bl_rna.properties["engine"].enum_items.keys()
    scene.render.engine = "BLENDER_EEVEE_NEXT" if "BLENDER_EEVEE_NEXT" in engines else "BLENDER_EEVEE"
    scene.eevee.taa_render_samples = 8
    scene.render.resolution_x, scene.render.resolution_y = BLURRED_PX
    scene.view_settings.view_transform = "Standard"
    scene.render.use_motion_blur = blur
    scene.render.filepath = str(hand.SHOTS / f"taking_5_eevee_{'blurred' if blur else 'sharp'}.png")
    bpy.ops.render.render(write_still=True)


hand.play(story())
