"""A variant as geometry: the thing's own mesh that moves as the variant does, before the plate without the thing.

Nothing of the add-on is needed for it to play: it is a mesh with shape keys in absolute mode, and one curve runs through them,
so that moving its keyframes changes the pace.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .._vendor.client import mesh as files
from .._vendor.protocol.messages import Loop
from ..core.errors import FolderError
from ..core.jobs import trusted_paths
from ..core.jobs.job import Job, JobKind, JobPhase
from ..core.things.posed_mesh import PosedMesh, normal_of, placed, sheet_of
from ..core.things.sheet import Sheet
from . import image_plane, plates, sequences, shaders

OF_PLATE = "ipoke_background_of"
"""On an object that shows a plate without its thing: which plate and which picture."""
CUT = 0.5
"""How many frames before a clip begins anew its last pose gives way to the first: motion blur does not reach so far."""


def take(job: Job) -> None:
    """Build what a job has brought, hide the plate, and let the new mesh be the active object."""
    obj = plates.find(job.target)
    if obj is None or job.kind is not JobKind.MESH or job.phase is not JobPhase.FINISHED:
        return
    try:
        _build(obj, job)
    except FolderError as error:
        obj.ipoke.message = error.sentence


def source(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the plate that a mesh or its background was taken from; None for any other object, or where that is gone."""
    background = _background_of(obj)
    if background is None:
        return None
    plate_id = background[OF_PLATE].partition(" ")[0]
    return next((other for other in bpy.data.objects if plates.is_own(other) and other.ipoke.plate_id == plate_id), None)


def put_away(obj: bpy.types.Object) -> None:
    """Hide what was taken with an object, and let its plate be seen again and be the active object."""
    plane, background = source(obj), _background_of(obj)
    for other in (background, *background.children):
        _show(other, shown=False)
    _show(plane, shown=True)
    plates.make_active(bpy.context, plane)


def _background_of(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    return next((one for one in (obj, obj and obj.parent) if one is not None and OF_PLATE in one), None)


def _show(obj: bpy.types.Object, *, shown: bool) -> None:
    obj.hide_render = not shown
    if obj.name in bpy.context.view_layer.objects:
        obj.hide_set(not shown)


def _build(obj: bpy.types.Object, job: Job) -> None:
    plate, variant, depth_bits = obj.ipoke, job.request.first, job.request.depth_bits
    pictures = [job.folder / name(depth_bits) for name in (files.thing_file, files.background_file)]
    gone = next((file for file in pictures if not trusted_paths.is_file(file)), None)
    if gone is not None:
        raise FolderError(f"{gone} is missing; take the variant again.")
    body, sheet = PosedMesh.read(job.folder, variant), _sheet(obj)
    side = _side(obj, sheet)
    name = f"{obj.name} v{variant + 1:02d}"
    taken = _thing(name, body, placed(sheet, body.poses, side), side * normal_of(sheet))
    taken.data.materials.append(_material(name, obj, pictures[0], is_thing=True))
    background = _background(obj, pictures[1])
    for collection in background.users_collection:
        collection.objects.link(taken)
    taken.parent = background
    loops = job.request.playback is not None and job.request.playback.loop is not Loop.NONE
    _animate(taken.data.shape_keys, plate.start_frame, cyclic=plate.cyclic, loops=loops)
    _show(background, shown=True)
    _show(obj, shown=False)
    if taken.name in bpy.context.view_layer.objects:
        plates.make_active(bpy.context, taken)


def _thing(name: str, body: PosedMesh, poses: Any, front: Any) -> bpy.types.Object:
    """A mesh that faces `front` at rest, with a shape key for each pose and one for the first frame again."""
    triangles = body.triangles
    a, b, c = (poses[0][triangles[:, corner]] for corner in range(3))
    if np.cross(b - a, c - a).sum(axis=0) @ front < 0:
        triangles = triangles[:, ::-1]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(poses[0].tolist(), [], triangles.tolist())
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", body.uvs[triangles].astype(np.float32).ravel())
    obj = bpy.data.objects.new(name, mesh)
    names = ["Rest", *(f"Frame {number}" for number in range(1, len(poses))), "Frame 1 Again"]
    for key_name, pose in zip(names, [*poses, poses[1]], strict=True):
        key = obj.shape_key_add(name=key_name, from_mix=False)
        key.interpolation = "KEY_LINEAR"
        key.data.foreach_set("co", pose.astype(np.float32).ravel())
    mesh.shape_keys.use_relative = False
    return obj


def _animate(keys: bpy.types.Key, start: int, *, cyclic: bool, loops: bool) -> None:
    """Play the frames from `start` on, one a frame of the scene; a clip that does not close jumps back to its first one."""
    times = [key.frame for key in keys.key_blocks]
    frames = len(times) - 2  # without rest, and without the first one again
    last = start + frames - 1
    wanted = [(start, times[1]), (last, times[frames])]
    if cyclic:
        wanted += [(start + frames, times[-1])] if loops else [(last + 1 - CUT, times[1]), (last + 1, times[1])]
    for frame, time in wanted:
        keys.eval_time = time
        keys.keyframe_insert("eval_time", frame=frame)
    curve = next(curve for curve in _curves(keys.animation_data) if curve.data_path == "eval_time")
    for key in curve.keyframe_points:
        key.interpolation = "LINEAR"
    if cyclic:
        if not loops:
            curve.keyframe_points[1].interpolation = "CONSTANT"
        curve.modifiers.new("CYCLES")
    curve.update()


def _curves(animation: bpy.types.AnimData) -> Any:
    action = animation.action
    if hasattr(action, "fcurves"):  # before Blender 5.0
        return action.fcurves
    return action.layers[0].strips[0].channelbag(animation.action_slot).fcurves


def _background(obj: bpy.types.Object, file: Path) -> bpy.types.Object:
    """A copy of the plate's object that shows it without the thing; the one that is there already, if it shows the same."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    mark = f"{obj.ipoke.plate_id} {digest}"
    known = next((other for other in bpy.data.objects if other.get(OF_PLATE) == mark and other.users_collection), None)
    if known is not None:
        return known
    copy = obj.copy()
    copy.name = f"{obj.name} Background"
    copy.property_unset("ipoke")
    copy[OF_PLATE] = mark
    copy.data = obj.data.copy()
    copy.data.name = copy.name
    copy.data.materials.clear()
    copy.data.materials.append(_material(copy.name, obj, file, is_thing=False))
    for collection in obj.users_collection:
        collection.objects.link(copy)
    return copy


def _material(name: str, obj: bpy.types.Object, file: Path, *, is_thing: bool) -> bpy.types.Material:
    """A material that shows a file as the plate shows its still."""
    image = bpy.data.images.load(sequences.blend_path(file))
    sequences.read_like(image, file, obj.ipoke.still)
    if is_thing:
        image.alpha_mode = "PREMUL" if file.suffix == ".exr" else "STRAIGHT"
    material = image_plane.new_material(name, image, shaders.of(obj) or shaders.guessed(obj))
    if is_thing:
        # Blended faces are neither sorted within a mesh nor blurred by EEVEE as they move.
        material.surface_render_method = "DITHERED"
    return material


def _sheet(obj: bpy.types.Object) -> Sheet:
    """The plate's surface as its mesh has it, in its own space; raises `FolderError`."""
    mesh = obj.data
    mesh.calc_loop_triangles()
    layer = mesh.uv_layers.active
    count = len(mesh.loop_triangles)
    vertices, loops = (np.empty(count * 3, np.int32) for _ in range(2))
    mesh.loop_triangles.foreach_get("vertices", vertices)
    mesh.loop_triangles.foreach_get("loops", loops)
    places = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    uvs = np.zeros(len(mesh.loops) * 2, np.float32)
    if layer is not None:
        layer.data.foreach_get("uv", uvs)
    corners = places.reshape(-1, 3)[vertices].reshape(-1, 3, 3).astype(np.float64)
    return sheet_of(corners, uvs.reshape(-1, 2)[loops].reshape(-1, 3, 2).astype(np.float64))


def _side(obj: bpy.types.Object, sheet: Sheet) -> int:
    """1 where the scene's camera sees the side that the surface faces, or where there is none; -1 for the other side."""
    camera = bpy.context.scene.camera
    if camera is None:
        return 1
    seen_from = np.array(obj.matrix_world.inverted_safe() @ camera.matrix_world.translation)
    return 1 if (seen_from - sheet.corners.mean(axis=(0, 1))) @ normal_of(sheet) >= 0 else -1
