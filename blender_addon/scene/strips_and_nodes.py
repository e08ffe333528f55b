"""Where a bake plays beside the plane: as a strip in the sequencer, as an image node in the compositor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..core.errors import FolderError
from ..core.jobs import folders, trusted_paths
from ..core.jobs.bakes import ShowIn
from ..core.jobs.job import Job, JobKind, JobPhase
from . import paths, plates, results, sequences
from .properties import IPOKE_PG_variant


def show_bake(job: Job) -> None:
    """Let a bake that has just been made play where it was asked for, beside the plane."""
    obj, delivery = plates.find(job.target), job.delivery
    if obj is None or delivery is None or job.kind is not JobKind.BAKE or job.phase is not JobPhase.FINISHED:
        return
    if obj.ipoke.still is None or results.active_variant(obj.ipoke) is None:
        return  # taken away while the bake was made
    scene = next(iter(obj.users_scene), bpy.context.scene)
    try:
        if delivery.show_in is ShowIn.SEQUENCER:
            add_strip(scene, obj, delivery.shot.start_frame)
        elif delivery.show_in is ShowIn.COMPOSITOR:
            add_node(scene, obj, delivery.shot.start_frame)
    except FolderError as error:
        obj.ipoke.message = error.sentence


def add_strip(scene: bpy.types.Scene, obj: bpy.types.Object, frame_start: int, channel: int = 0) -> bpy.types.Strip:
    """Add the chosen variant's bake as an image strip; channel 0 takes the first one that is free there.

    Raises `FolderError` when frames of the bake are missing.
    """
    files, variant = _files(obj), results.active_variant(obj.ipoke)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = strips_of(editor)
    place = channel or _free_channel(strips, frame_start, len(files))
    strip = strips.new_image(_name(obj, variant), sequences.blend_path(files[0]), place, frame_start)
    for file in files[1:]:
        strip.elements.append(file.name)
    strip.colorspace_settings.name = sequences.colour_of(files[0], obj.ipoke.still, variant.baked_colour)
    strip.alpha_mode = "PREMUL" if files[0].suffix == ".exr" else "STRAIGHT"
    return strip


def add_node(scene: bpy.types.Scene, obj: bpy.types.Object, frame_start: int) -> bpy.types.Node:
    """Add the chosen variant's bake as an image node; it is connected when the compositor shows nothing yet.

    Raises `FolderError` when frames of the bake are missing.
    """
    files, plate = _files(obj), obj.ipoke
    variant = results.active_variant(plate)
    tree = _compositor(scene)
    node = tree.nodes.new("CompositorNodeImage")
    node.image = sequences.load_sequence(files[0], plate.still, variant.baked_colour)
    node.image.name = node.label = _name(obj, variant)
    sequences.time(node, len(files), frame_start, variant.baked_first - 1, plate.cyclic)
    output = next((other for other in tree.nodes if other.bl_idname in ("CompositorNodeComposite", "NodeGroupOutput")), None)
    if output is not None:
        node.location = output.location.x - 400, output.location.y - 200
        if output.inputs and not output.inputs[0].is_linked:
            tree.links.new(node.outputs["Image"], output.inputs[0])
    tree.nodes.active = node
    return node


def image_strips(scene: bpy.types.Scene) -> list[bpy.types.Strip]:
    """Return the image strips of a scene's sequencer."""
    if scene.sequence_editor is None:
        return []
    return [strip for strip in strips_of(scene.sequence_editor) if strip.type == "IMAGE"]


def _files(obj: bpy.types.Object) -> list[Path]:
    """Return the files of the chosen variant's bake; raises `FolderError` when one is missing."""
    plate = obj.ipoke
    variant = results.active_variant(plate)
    first = paths.baked_file(paths.folder(plate, variant.job_id), variant)
    files = folders.numbered_files(first, variant.baked_frames)
    gone = next((file for file in files if not trusted_paths.is_file(file)), None)
    if gone is not None:
        raise FolderError(f"The bake's file {gone} is missing; bring it back, or bake again.")
    return files


def _name(obj: bpy.types.Object, variant: IPOKE_PG_variant) -> str:
    return f"{Path(obj.ipoke.still.name).stem} v{variant.index + 1:02d}"


def strips_of(editor: bpy.types.SequenceEditor) -> Any:
    """Return the strips of a sequencer."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences  # the older name, until Blender 4.3


def _free_channel(strips: Any, start: int, frames: int) -> int:
    """Return the lowest channel where nothing lies between two frames."""
    end = start + frames
    taken = {strip.channel for strip in strips if _reach(strip)[0] < end and _reach(strip)[1] > start}
    return next(channel for channel in range(1, 129) if channel not in taken)


def _reach(strip: Any) -> tuple[float, float]:
    if hasattr(strip, "left_handle"):  # the older names go in Blender 6.0
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def _compositor(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """Return the scene's compositing nodes, made when there are none."""
    if not hasattr(scene, "compositing_node_group"):  # before Blender 5.0
        if scene.node_tree is None:
            scene.use_nodes = True  # where an artist has switched his nodes off, they stay so
        return scene.node_tree
    if scene.compositing_node_group is None:
        tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        tree.nodes.new("NodeGroupOutput")
        scene.compositing_node_group = tree
    return scene.compositing_node_group
