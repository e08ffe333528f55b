"""The entry of Blender's menu Add > Image."""

import bpy


def _draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    menu.layout.operator("ipoke.add_plate", text="iPOKE Plate", icon="FORCE_WIND")


def add() -> None:
    """Put the entry below Blender's own."""
    bpy.types.VIEW3D_MT_image_add.append(_draw)


def remove() -> None:
    """Take it out again."""
    bpy.types.VIEW3D_MT_image_add.remove(_draw)
