"""The add-on's keys in the 3D view's Object Mode, and how the preferences show them so that they can be changed."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import rna_keymap_ui

KEYMAP = "Object Mode"
PIE = "wm.call_menu_pie"
MENU = "IPOKE_MT_pie"
STEP = "ipoke.step_variant"
KEYS = (
    (PIE, "P", False, {}),
    ("ipoke.sample", "P", True, {}),
    (STEP, "PAGE_DOWN", False, {}),
    (STEP, "PAGE_UP", False, {"step": -1}),
)
"""Operator, key, Shift, and the operator's properties."""


def add() -> None:
    """Put the keys into the add-ons' key configuration."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:  # without a window there may be none
        return
    keymap = config.keymaps.new(KEYMAP, space_type="EMPTY")
    for operator, key, shift, properties in KEYS:
        item = keymap.keymap_items.new(operator, key, "PRESS", shift=shift)
        for name, value in properties.items():
            setattr(item.properties, name, value)
        if operator == PIE:
            item.properties.name = MENU


def remove() -> None:
    """Take the keys out again."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is not None:
        for keymap, item in list(_own(config)):
            keymap.keymap_items.remove(item)


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the keys as the user has them, to be changed in place."""
    config = context.window_manager.keyconfigs.user
    for keymap, item in _own(config):
        column = layout.column()
        column.context_pointer_set("keymap", keymap)
        rna_keymap_ui.draw_kmi([], config, keymap, item, column, 0)


def _own(config: bpy.types.KeyConfig) -> Iterator[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]]:
    keymap = config.keymaps.get(KEYMAP)
    for item in () if keymap is None else keymap.keymap_items:
        pie = item.idname == PIE and item.properties.name == MENU
        if pie or item.idname.startswith("ipoke."):
            yield keymap, item
