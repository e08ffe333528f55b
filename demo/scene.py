"""The part of the demo that runs inside Blender: what an artist does, through the add-on's own operators.

python demo/scene.py make ZIP PLATE OUTPUT      the whole story, saved as OUTPUT/scene.blend
python demo/scene.py open BLEND PICTURE         opens a saved file without the add-on and renders a frame of it
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from steps import step

MODULE = "bl_ext.user_default.ipoke"
POKES = (((0.29, 0.33), (0.37, 0.27)), ((0.29, 0.72), (0.325, 0.70)))
SAMPLES = 4
SEED = 7
CHOSEN = 1
RENDER_PX = (640, 360)
RENDER_SAMPLES = 4


def make(extension: Path, plate: Path, output: Path) -> None:
    """Install the add-on, poke the plate, sample, choose, bake, render, save."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with step("Install the extension from its zip"):
        bpy.ops.extensions.package_install_files(filepath=str(extension), repo="user_default", enable_on_install=True)
        if MODULE not in bpy.context.preferences.addons:
            raise RuntimeError(f"Blender did not enable {extension.name}; see the messages above.")
    with step("Add the image plane and two pokes"):
        bpy.ops.wm.save_as_mainfile(filepath=str(output / "scene.blend"))
        bpy.ops.ipoke.add_plate(filepath=str(plate))
        for tail, tip in POKES:
            bpy.ops.ipoke.add_poke(tail=tail, tip=tip)
    settings = bpy.context.active_object.ipoke
    settings.samples, settings.seed, settings.lock_seed = SAMPLES, SEED, True
    with step("Start the backend and load the model"):
        bpy.ops.ipoke.start_backend()
    with step(f"Sample {SAMPLES} variants"):
        bpy.ops.ipoke.sample()
    with step(f"Bake variant {CHOSEN + 1} at the plate's size"):
        bpy.ops.ipoke.choose_variant(index=CHOSEN)
        bpy.ops.ipoke.bake()
    frames = settings.variants[CHOSEN].baked_frames
    with step("Render three frames with Cycles"):
        frame_camera(bpy.context.active_object)
        for frame in (1, (1 + frames) // 2, frames):
            render(frame, output / "renders" / f"frame_{frame:04d}.png")
    bpy.context.scene.frame_set(1)
    bpy.context.scene.frame_end = frames
    bpy.ops.wm.save_mainfile()
    bpy.ops.ipoke.stop_backend()


def frame_camera(plane: bpy.types.Object) -> None:
    """Look at the whole plane, straight."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = 0.995 * max(plane.dimensions)  # keeps the edge of the plane out of the picture
    camera.location = plane.location
    camera.location.y -= 2.0
    camera.rotation_euler = (1.5707963, 0.0, 0.0)
    scene.render.resolution_x, scene.render.resolution_y = RENDER_PX
    scene.render.image_settings.file_format = "PNG"
    scene.render.engine = "CYCLES"
    scene.cycles.samples = RENDER_SAMPLES
    scene.cycles.max_bounces = 0
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"


def render(frame: int, picture: Path) -> None:
    """Render one frame of the scene to a file."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    scene.render.filepath = str(picture)
    with quiet():
        bpy.ops.render.render(write_still=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Blender's own lines, which no Python stream sees, off the terminal."""
    sys.stdout.flush()
    terminal, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(nowhere)


def open_and_render(blend: Path, picture: Path) -> None:
    """Open a saved file as somebody without the add-on would, and render its last frame."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    render(bpy.context.scene.frame_end, picture)


def main() -> None:
    """Run one part and leave at once, because Blender's module may hang when Python ends by itself."""
    code = 0
    try:
        part, *words = sys.argv[1:]
        paths = [Path(word) for word in words]
        make(*paths) if part == "make" else open_and_render(*paths)
    except Exception:  # the border of the process
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


main()
