"""What the add-on adds to Blender, in order, and takes out again in the opposite order."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from . import translations
from .core.lifetime import WhileEnabled
from .drawing import outline, overlay, puppet
from .operators import (
    backend,
    baking,
    colours,
    draw_poke,
    edit_region,
    hover,
    paint_thing,
    plates,
    pokes,
    relink,
    sampling,
    set_up,
    strips_and_nodes,
    take_as_mesh,
    thing,
    transfer,
    variants,
)
from .scene import paths, properties, results
from .scene.plates import propose_region
from .session import arrivals, finding, handlers, model_choice, pointer, progress, puppets, relocation, running, things, timer
from .tools import keymaps, poke_tool
from .ui import (
    add_menu,
    backend_panel,
    disk,
    lists,
    output_panels,
    pie_menu,
    plate_panels,
    preferences,
    thumbnails,
    variant_panels,
)
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
    *variants.CLASSES,
    *relink.CLASSES,
    *baking.CLASSES,
    *strips_and_nodes.CLASSES,
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

STATES: tuple[WhileEnabled, ...] = (
    *running.STATES,
    arrivals.state,
    relocation.saving,
    paths.named_folders,
    pointer.state,
    things.cache,
    finding.pending,
    progress.state,
    puppets.state,
    outline.outlines,
    overlay.state,
    puppet.state,
    thumbnails.state,
    disk.state,
)
"""Everything of the add-on that is neither in the .blend nor in the preferences."""

REACTIONS = properties.Reactions(
    timing_changed=results.refresh,
    region_wanted=propose_region,
    model_names=lambda: (entry.name for entry in model_choice.installed()),
    backend_named=timer.forget_failure,
)


def _open_states() -> None:
    for state in STATES:
        state.open()


def _close_states() -> None:
    for state in reversed(STATES):
        state.close()


def _nothing() -> None:
    """Of a step that only takes out."""


STEPS: tuple[tuple[Callable[[], None], Callable[[], None]], ...] = (
    (lambda: properties.attach(REACTIONS), properties.detach),
    (_open_states, _close_states),
    (_nothing, timer.stop),
    (handlers.add, handlers.remove),
    (_nothing, puppets.stop),
    (poke_tool.add, poke_tool.remove),
    (keymaps.add, keymaps.remove),
    (add_menu.add, add_menu.remove),
    (progress.add, progress.remove),
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
