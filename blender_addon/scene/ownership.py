"""Keeps what one plane shows its own: copies of a plane share material, mesh and clip until one of them changes."""

from __future__ import annotations

from collections.abc import Iterable

import bpy


def own_materials(obj: bpy.types.Object, wanted: Iterable[bpy.types.Material]) -> None:
    """Give the object a copy of each of its materials that something else uses too, or that another file owns."""
    for material in {*wanted}:
        slots = _slots(obj, material)
        if slots and _is_shared(material, obj, slots):
            _use(obj, slots, material.copy())


def own_clip(obj: bpy.types.Object) -> bpy.types.Image | None:
    """Return the clip that the add-on has made for this plane alone; None when there is none."""
    clip = obj.ipoke.clip
    if clip is None or clip.library is not None or clip.source != "SEQUENCE" or clip == obj.ipoke.still:
        return None
    others = (other.ipoke for other in bpy.data.objects if other != obj)
    if any(clip in (plate.clip, plate.still) for plate in others):
        return None
    playing = {slot.material for slot in obj.material_slots if _shows(slot.material, clip)}
    return None if any(_is_shared(material, obj, _slots(obj, material)) for material in playing) else clip


def _slots(obj: bpy.types.Object, material: bpy.types.Material) -> list[bpy.types.MaterialSlot]:
    return [slot for slot in obj.material_slots if slot.material == material]


def _shows(material: bpy.types.Material | None, image: bpy.types.Image) -> bool:
    tree = None if material is None else material.node_tree
    return tree is not None and any(node.type == "TEX_IMAGE" and node.image == image for node in tree.nodes)


def _use(obj: bpy.types.Object, slots: list[bpy.types.MaterialSlot], material: bpy.types.Material) -> None:
    for slot in slots:
        if slot.link == "DATA" and not _is_alone(obj):
            slot.link = "OBJECT"
        slot.material = material


def _is_shared(material: bpy.types.Material, obj: bpy.types.Object, slots: list[bpy.types.MaterialSlot]) -> bool:
    if material.library is not None:
        return True
    if _users(material) <= len(slots) and _is_alone(obj):
        return False
    mine = {obj, obj.data} if _is_alone(obj) else {obj}
    return bool(bpy.data.user_map(subset={material})[material] - mine)


def _is_alone(obj: bpy.types.Object) -> bool:
    """Whether the object's mesh is its own."""
    if obj.data.library is not None:
        return False
    return _users(obj.data) <= 1 or bpy.data.user_map(subset={obj.data})[obj.data] <= {obj}


def _users(block: bpy.types.ID) -> int:
    return block.users - block.use_fake_user
