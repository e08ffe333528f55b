"""What of the active plate lies under the mouse: an arrow, a handle of its region, or its thing's ground."""

from __future__ import annotations

import bpy

from ..core.gestures import hover, region
from ..core.gestures.gesture import Part
from ..core.gestures.plane import Vec2
from ..core.gestures.region import Handle
from ..drawing import overlay, view
from ..drawing.view import PlateView
from ..scene import plates
from ..session import puppets


def grabbed_poke(context: bpy.types.Context, mouse: Vec2) -> tuple[int, Part] | None:
    """Return which arrow of the active plate is under the mouse."""
    obj = context.active_object
    plate = plates.plate_of(obj)
    if plate is None or not plate.show_arrows:
        return None
    arrows = overlay.screen_arrows(context, PlateView.of(context, obj))
    numbered = [(i, arrow) for i, arrow in enumerate(arrows) if arrow is not None]
    found = hover.grabbed([arrow for _, arrow in numbered], mouse)
    return None if found is None else (numbered[found[0]][0], found[1])


def grabbed_ground(context: bpy.types.Context, mouse: Vec2) -> bool:
    """Return whether a pin of the ground is under the mouse, which is on no arrow; what is not made yet is made now."""
    if plates.active(context) is None:
        return False
    puppets.of(context.active_object)
    places = overlay.ground_on_screen(PlateView.of(context, context.active_object))
    return hover.on_ground(places, mouse, view.ui_scale(context))


def grabbed_handle(context: bpy.types.Context, mouse: Vec2) -> Handle | None:
    """Return which handle of the active plate's region is under the mouse, where no arrow lies above it."""
    plate = plates.active(context)
    if plate is None or not plate.use_region or grabbed_poke(context, mouse) is not None:
        return None
    seen, box = PlateView.of(context, plate.id_data), plates.region_box(plate)
    handles, corners = overlay.handles_on_screen(seen, box), seen.points(box.corners)
    if handles is None or corners is None:
        return None
    return region.grabbed(handles, corners, mouse, view.ui_scale(context))
