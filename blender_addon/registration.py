"""Owns what the add-on adds to Blender, in order, and takes it out again in the opposite order."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from . import translations
from .drawing import overlay, puppet
from .operators import (
    backend,
    baking,
    clips,
    colours,
    draw_poke,
    edit_region,
    hover,
    paint_thing,
    placing,
    plates,
    pokes,
    relink,
    sampling,
    set_up,
    take_as_mesh,
    thing,
    transfer,
)
from .scene import properties
from .session import handlers, preferences, puppets, timer
from .tools import keymaps, poke_tool
from .ui import add_menu, backend_panel, lists, output_panels, pie_menu, plate_panels, variant_panels
from .ui import set_up as set_up_panel

CLASSES: tuple[type, ...] = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *plates.CLASSES,
    *colours.CLASSES,
    *pokes.CLASSES,
    *draw_poke.CLASSES,
    *edit_region.CLASSES,
    *hover.CLASSES,
    *thing.CLASSES,
    *paint_thing.CLASSES,
    *sampling.CLASSES,
    *clips.CLASSES,
    *relink.CLASSES,
    *baking.CLASSES,
    *placing.CLASSES,
    *take_as_mesh.CLASSES,
    *transfer.CLASSES,
    *backend.CLASSES,
    *set_up.CLASSES,
    *lists.CLASSES,
    *set_up_panel.CLASSES,
    *plate_panels.CLASSES,
    *variant_panels.CLASSES,
    *output_panels.CLASSES,
    *backend_panel.CLASSES,
    *pie_menu.CLASSES,
)

STEPS: tuple[tuple[Callable[[], None], Callable[[], None]], ...] = (
    (properties.attach, properties.detach),
    (timer.open_runtime, timer.close_runtime),
    (handlers.add, handlers.remove),
    (lambda: None, puppets.stop),
    (poke_tool.add, poke_tool.remove),
    (keymaps.add, keymaps.remove),
    (add_menu.add, add_menu.remove),
    (translations.add, translations.remove),
    (puppet.add, puppet.remove),
    (overlay.add, overlay.remove),
)


def register() -> None:
    """Register every class, then take every step."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for add, _ in STEPS:
        add()


def unregister() -> None:
    """Undo every step, then unregister every class."""
    for _, remove in reversed(STEPS):
        remove()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
