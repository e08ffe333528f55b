"""What is drawn over the 3D view: the arrows of every visible plate, the active object's brightest."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..core.gestures import region
from ..core.gestures.arrows import (
    GROUND,
    Colour,
    Look,
    Mesh,
    ScreenArrow,
    add_arrows,
    add_bar,
    add_dot,
    add_frame,
    add_ground,
    faded,
)
from ..core.gestures.gesture import Part, ShowDraft
from ..core.gestures.hover import Ground
from ..core.gestures.plane import Vec2
from ..core.gestures.pokes import Arrow, length_px
from ..core.gestures.region import Box
from ..core.lifetime import WhileEnabled
from ..scene import plates, results
from ..scene.properties import IPOKE_PG_plate
from ..session import model_choice, pointer, progress, puppets, things
from . import thing_overlay, view
from .view import PlateView

log = logging.getLogger(__name__)

PLAIN: Colour = (1.0, 0.74, 0.18, 1.0)
ACTIVE: Colour = (1.0, 1.0, 1.0, 1.0)
DISABLED_ALPHA = 0.35
OTHER_PLATE_ALPHA = 0.3
REGION: Colour = (1.0, 1.0, 1.0, 0.45)
TOOL = "ipoke.poke_tool"
HINT = "Drag a part to where it goes, or click to pin it"
HINT_PX = 15
LENGTH_ASIDE_PX = 12
HINT_HEIGHT_PX = 40
PROGRESS_HEIGHT_PX = 76
BAR_PX, BAR_HEIGHT_PX = 220, 5
FONT = 0
FADE_S = 0.6
LEFT_WHILE_PLAYING = 0.12


@dataclass
class Overlay:
    """How the overlay is drawn in 3D views."""

    handle: object | None = None
    """Blender's handle of what draws; None without a window."""
    playing_s: float | None = None
    """Since when the scene plays and arrows fade; None while it does not."""
    has_failed: bool = False
    """Whether drawing has raised; then nothing is drawn until the add-on is enabled anew."""


state = WhileEnabled(Overlay)


def add() -> None:
    """Draw in every 3D view."""
    if not bpy.app.background:
        state().handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def remove() -> None:
    """Draw no more."""
    own = state()
    if own.handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(own.handle, "WINDOW")
    own.handle = None


def screen_arrows(context: bpy.types.Context, seen: PlateView) -> list[ScreenArrow | None]:
    """Return one entry a poke (None behind the viewer), and the arrow that is being drawn, if any, last."""
    return [seen.arrow(arrow, look) for arrow, look in _arrows(context, seen.obj)]


def _arrows(context: bpy.types.Context, obj: bpy.types.Object) -> list[tuple[Arrow, Look]]:
    plate = obj.ipoke
    active = obj == context.active_object
    draft = _draft(obj)
    hovered = pointer.state().hovered if active and draft is None else None
    scale = view.ui_scale(context)
    arrows = []
    for index, poke in enumerate(plate.pokes):
        arrow = Arrow(tuple(poke.tail), tuple(poke.tip))
        if draft is not None and draft.index == index:
            arrow = draft.arrow
        lit = hovered[1] if isinstance(hovered, tuple) and hovered[0] == index else None
        colour = ACTIVE if active and index == plate.active_poke else PLAIN
        alpha = (1.0 if active else OTHER_PLATE_ALPHA) * (1.0 if poke.enabled else DISABLED_ALPHA)
        arrows.append((arrow, Look((*colour[:3], alpha), scale, lit)))
    if draft is not None and draft.index is None:
        arrows.append((draft.arrow, Look(ACTIVE, scale)))
    return arrows


def _draft(obj: bpy.types.Object) -> ShowDraft | None:
    draft = pointer.draft_on(obj, pointer.PokeDraft)
    return None if draft is None else draft.shown


def ground_on_screen(seen: PlateView) -> list[Vec2]:
    """Return where the pins are on the screen that hold a thing by themselves."""
    return seen.points(puppets.ground(seen.obj)) or []


def handles_on_screen(seen: PlateView, box: Box) -> list[Vec2] | None:
    """Return where the handles of a region are on the screen."""
    return seen.points(region.handle_at(box, handle) for handle in region.HANDLES)


def _draw() -> None:
    context = bpy.context
    own = state()
    if own.has_failed or context.region_data is None or not context.space_data.overlay.show_overlays:
        return
    try:
        _draw_plates(context)
    except Exception:  # the border to Blender: a draw handler that raises is called, and fails, at every redraw
        log.exception("the overlay can't be drawn; disable and enable the add-on to try again")
        own.has_failed = True


def _draw_plates(context: bpy.types.Context) -> None:
    visible = {obj: PlateView.of(context, obj) for obj in context.visible_objects if _has_arrows(obj)}
    left = _left_of_arrows(context)
    found = [faded(arrow, left) for seen in visible.values() for arrow in screen_arrows(context, seen) if arrow is not None]
    mesh = Mesh()
    plate = plates.active(context)
    if plate is not None and _poke_tool_is_active(context):
        seen = visible.get(plate.id_data) or PlateView.of(context, plate.id_data)
        thing_overlay.draw(context, seen)
        if left == 1.0:  # while it plays nothing lies over the picture
            _add_region(context, seen, mesh)
            _add_ground(context, seen, mesh)
        thing_overlay.add_brush(mesh, seen)
        _draw_hint(context, thing_overlay.hint(plate) if plate.pokes or found else HINT)
        if plate.shown == "STILL" and plate.show_arrows:
            _draw_lost(context, seen)
    add_arrows(mesh, found)
    if mesh.positions:
        _draw_mesh(mesh)
    for seen in visible.values():
        _draw_length(context, seen)
    _draw_progress(context)


def _has_arrows(obj: bpy.types.Object) -> bool:
    plate = plates.plate_of(obj)
    return (plate is not None and plate.show_arrows) or _draft(obj) is not None


def _left_of_arrows(context: bpy.types.Context) -> float:
    """How opaque arrows are: they fade while the scene plays, and are back when it stops or one is drawn."""
    own = state()
    if not context.screen.is_animation_playing or pointer.state().draft is not None:
        own.playing_s = None
        return 1.0
    now_s = time.monotonic()
    own.playing_s = now_s if own.playing_s is None else own.playing_s
    return 1.0 - (1.0 - LEFT_WHILE_PLAYING) * min((now_s - own.playing_s) / FADE_S, 1.0)


def _draw_length(context: bpy.types.Context, seen: PlateView) -> None:
    """Write the length of the arrow that is being dragged beside its tip."""
    draft = _draft(seen.obj)
    at = None if draft is None or draft.arrow.is_pin else seen.point(draft.arrow.tip)
    if at is not None:
        text = f"{length_px(draft.arrow, plates.image_size_px(seen.obj)):.0f} px" + (" (longest)" if draft.clamped else "")
        text = ", ".join(filter(None, (text, _too_many(seen.obj.ipoke, draft))))
        _write(context, text, at[0] + LENGTH_ASIDE_PX * view.ui_scale(context), at[1])


def _too_many(plate: IPOKE_PG_plate, draft: ShowDraft) -> str:
    arrows = sum(not poke.arrow.is_pin and poke.enabled for poke in plates.poke_settings(plate.pokes))
    return model_choice.too_many(plate, arrows + (draft.index is None))


def _draw_lost(context: bpy.types.Context, seen: PlateView) -> None:
    """Say at the tail of each arrow that stands on nothing that it does."""
    scale = view.ui_scale(context)
    for place in things.lost(seen.obj.ipoke):
        at = seen.point(place)
        if at is not None:
            text = bpy.app.translations.pgettext_iface("Nothing is found here: paint it with D and a drag")
            _write(context, text, at[0] + LENGTH_ASIDE_PX * scale, at[1] - (HINT_PX + LENGTH_ASIDE_PX) * scale)


def _poke_tool_is_active(context: bpy.types.Context) -> bool:
    tool = context.workspace.tools.from_space_view3d_mode(context.mode, create=False)
    return tool is not None and tool.idname == TOOL


def _add_region(context: bpy.types.Context, seen: PlateView, mesh: Mesh) -> None:
    """Outline what the model sees of the plate, or saw of the chosen variant; nothing outside it ever moves."""
    plate = seen.obj.ipoke
    box = _region_box(plate)
    corners = None if box is None else seen.points(box.corners)
    if corners is None:
        return
    add_frame(mesh, corners, REGION)
    handles = handles_on_screen(seen, box) if plate.use_region else None
    scale, hovered = view.ui_scale(context), pointer.state().hovered
    for handle, place in zip(region.HANDLES, handles or (), strict=bool(handles)):
        add_dot(mesh, place, Look(ACTIVE, scale, Part.TAIL if handle == hovered else None))


def _add_ground(context: bpy.types.Context, seen: PlateView, mesh: Mesh) -> None:
    lit = Part.PIN if pointer.state().hovered is Ground.PINS else None
    add_ground(mesh, ground_on_screen(seen), Look((*GROUND, 1.0), view.ui_scale(context), lit))


def _region_box(plate: IPOKE_PG_plate) -> Box | None:
    draft = pointer.draft_on(plate.id_data, pointer.RegionDraft)
    if draft is not None:
        return draft.box
    if plate.use_region:
        return plates.region_box(plate)
    variant = results.active_variant(plate)
    job = None if variant is None else plate.jobs.get(variant.job_id)
    if job is None or not any(job.region_px) or plate.shown == "STILL":
        return None
    return region.to_box(job.region_px, plates.size_px(plate))


def _draw_hint(context: bpy.types.Context, hint: str) -> None:
    scale = view.ui_scale(context)
    text = bpy.app.translations.pgettext_iface(hint)
    blf.size(FONT, HINT_PX * scale)
    width, _ = blf.dimensions(FONT, text)
    _write(context, text, max((view.free_px(context, context.region) - width) / 2, 0), HINT_HEIGHT_PX * scale)


def _draw_progress(context: bpy.types.Context) -> None:
    """Say above the hint what is being made, with a bar, and a while what has ended."""
    shown = progress.now()
    if shown is None:
        return
    scale = view.ui_scale(context)
    blf.size(FONT, HINT_PX * scale)
    width, _ = blf.dimensions(FONT, shown.text)
    middle, bottom = view.free_px(context, context.region) / 2, PROGRESS_HEIGHT_PX * scale
    if shown.fraction is not None:
        mesh, left, reach = Mesh(), middle - BAR_PX * scale / 2, BAR_PX * scale
        add_bar(mesh, (left, bottom), reach, BAR_HEIGHT_PX * scale, shown.fraction)
        _draw_mesh(mesh)
    _write(context, shown.text, max(middle - width / 2, 0), bottom + 2.5 * BAR_HEIGHT_PX * scale)


def _write(context: bpy.types.Context, text: str, x: float, y: float) -> None:
    blf.size(FONT, HINT_PX * view.ui_scale(context))
    blf.enable(FONT, blf.SHADOW)
    blf.shadow(FONT, 5, 0.0, 0.0, 0.0, 0.9)
    blf.color(FONT, 1.0, 1.0, 1.0, 1.0)
    blf.position(FONT, x, y, 0)
    blf.draw(FONT, text)
    blf.disable(FONT, blf.SHADOW)


def _draw_mesh(mesh: Mesh) -> None:
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    content = {"pos": [(x, y, 0.0) for x, y in mesh.positions], "color": mesh.colours}
    batch = batch_for_shader(shader, "TRIS", content, indices=mesh.triangles)
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")
