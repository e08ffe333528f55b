"""How a 3D view shades planes: whether it shows their pictures, and whether in the pictures' own colours."""

from __future__ import annotations

import bpy

AS_BLENDER_STARTS = ("MATERIAL", "STUDIO")
PICTURES = ("TEXTURE", "FLAT")
STANDARD = "Standard"
TRUE = frozenset({STANDARD, "Raw"})
"""View transforms that leave a picture as it is."""


def of(context: bpy.types.Context) -> bool | None:
    """Return whether the solid 3D view shows pictures in their own colours; None where it is set otherwise, or is none."""
    space = context.space_data
    if space is None or space.type != "VIEW_3D" or space.shading.type != "SOLID":
        return None
    return {PICTURES: True, AS_BLENDER_STARTS: False}.get((space.shading.color_type, space.shading.light))


def change(context: bpy.types.Context, *, textures: bool) -> None:
    """Let the solid 3D view show pictures in their own colours, or as Blender starts."""
    shading = context.space_data.shading
    shading.color_type, shading.light = PICTURES if textures else AS_BLENDER_STARTS


def changes_colours(scene: bpy.types.Scene) -> bool:
    """Return whether the scene's view transform shows pictures in other colours than their own, such as AgX does."""
    return scene.view_settings.view_transform not in TRUE


def shows_changed(context: bpy.types.Context) -> bool:
    """Return whether this 3D view shows pictures in other colours than their own."""
    space = context.space_data
    lit = space is not None and space.type == "VIEW_3D" and space.shading.type in ("MATERIAL", "RENDERED")
    return lit and changes_colours(context.scene)
