"""Owns what is drawn over the 3D view: the arrows of every visible plate, the active object's brightest."""

from __future__ import annotations

import logging

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from .. import plates, pump, results
from ..core.arrows import Colour, Look, Mesh, ScreenArrow, add_frame, render_data
from ..core.pokes import Arrow
from ..properties import IPOKE_PG_plate
from . import view

log = logging.getLogger(__name__)

PLAIN: Colour = (1.0, 0.74, 0.18, 1.0)
ACTIVE: Colour = (1.0, 1.0, 1.0, 1.0)
HOVERED: Colour = (1.0, 0.92, 0.55, 1.0)
DISABLED_ALPHA = 0.35
OTHER_PLATE_ALPHA = 0.3
REGION: Colour = (1.0, 1.0, 1.0, 0.45)
TOOL = "ipoke.poke_tool"
HINT = "Drag from the part that is to move to where it goes"
HINT_PX = 15
HINT_HEIGHT_PX = 40
FONT = 0


def add() -> None:
    """Draw in every 3D view."""
    if not bpy.app.background:
        pump.addon().draw_handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def remove() -> None:
    """Draw no more."""
    addon = pump.addon()
    if addon.draw_handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(addon.draw_handle, "WINDOW")
    addon.draw_handle = None


def screen_arrows(context: bpy.types.Context, obj: bpy.types.Object) -> list[ScreenArrow | None]:
    """Return one entry a poke (None behind the viewer), and the arrow that is being drawn, if any, last."""
    shown = view.surface(obj)
    return [view.screen_arrow(context.region, context.region_data, shown, arrow, look) for arrow, look in _arrows(context, obj)]


def _arrows(context: bpy.types.Context, obj: bpy.types.Object) -> list[tuple[Arrow, Look]]:
    addon = pump.addon()
    plate = obj.ipoke
    active = obj == context.active_object
    scale = view.ui_scale(context)
    arrows = []
    for index, poke in enumerate(plate.pokes):
        arrow = Arrow(tuple(poke.tail), tuple(poke.tip))
        if active and addon.draft is not None and addon.draft.index == index:
            arrow = addon.draft.arrow
        hovered = active and addon.hovered is not None and addon.hovered[0] == index
        colour = HOVERED if hovered else ACTIVE if active and index == plate.active_poke else PLAIN
        alpha = (1.0 if active else OTHER_PLATE_ALPHA) * (1.0 if poke.enabled else DISABLED_ALPHA)
        arrows.append((arrow, Look((*colour[:3], alpha), scale)))
    if active and addon.draft is not None and addon.draft.index is None:
        arrows.append((addon.draft.arrow, Look(ACTIVE, scale)))
    return arrows


def _draw() -> None:
    context = bpy.context
    addon = pump.addon()
    if addon.overlay_failed or context.region_data is None or not context.space_data.overlay.show_overlays:
        return
    try:
        _draw_plates(context)
    except Exception:  # the border to Blender: a draw handler that raises is called, and fails, at every redraw
        log.exception("the overlay can't be drawn; disable and enable the add-on to try again")
        addon.overlay_failed = True


def _draw_plates(context: bpy.types.Context) -> None:
    visible = [obj for obj in context.visible_objects if obj.type == "MESH" and _has_arrows(context, obj)]
    found = [arrow for obj in visible for arrow in screen_arrows(context, obj) if arrow is not None]
    mesh = render_data(found)
    plate = plates.active(context)
    if plate is not None and _poke_tool_is_active(context):
        _add_region(context, plate, mesh)
        if not plate.pokes and not found:
            _draw_hint(context)
    if mesh.positions:
        _draw_mesh(mesh)


def _has_arrows(context: bpy.types.Context, obj: bpy.types.Object) -> bool:
    return plates.plate_of(obj) is not None or obj == context.active_object


def _poke_tool_is_active(context: bpy.types.Context) -> bool:
    tool = context.workspace.tools.from_space_view3d_mode(context.mode, create=False)
    return tool is not None and tool.idname == TOOL


def _add_region(context: bpy.types.Context, plate: IPOKE_PG_plate, mesh: Mesh) -> None:
    """Outline what the model saw of the plate when the chosen variant was sampled; nothing outside it ever moves."""
    variant = results.active_variant(plate)
    job = None if variant is None else plate.jobs.get(variant.job_id)
    if job is None or not any(job.region_px) or plate.shown == "STILL":
        return
    (width, height), (x, y, w, h) = plates.size_px(plate), job.region_px
    corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    shown = view.surface(plate.id_data)
    places = [view.to_screen(context.region, context.region_data, shown, (px / width, py / height)) for px, py in corners]
    if None not in places:
        add_frame(mesh, places, REGION)


def _draw_hint(context: bpy.types.Context) -> None:
    scale = view.ui_scale(context)
    blf.size(FONT, HINT_PX * scale)
    width, _ = blf.dimensions(FONT, HINT)
    blf.enable(FONT, blf.SHADOW)
    blf.shadow(FONT, 5, 0.0, 0.0, 0.0, 0.9)
    blf.color(FONT, 1.0, 1.0, 1.0, 1.0)
    blf.position(FONT, (context.region.width - width) / 2, HINT_HEIGHT_PX * scale, 0)
    blf.draw(FONT, HINT)
    blf.disable(FONT, blf.SHADOW)


def _draw_mesh(mesh: Mesh) -> None:
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    content = {"pos": [(x, y, 0.0) for x, y in mesh.positions], "color": mesh.colours}
    batch = batch_for_shader(shader, "TRIS", content, indices=mesh.triangles)
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")
