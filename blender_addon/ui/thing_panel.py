"""The panel of the thing: where it comes from, how much of it, and what mends it."""

import bpy
from bpy.app.translations import pgettext_iface

from .._vendor.client import ThingOrigin
from ..core.jobs.app import Phase
from ..core.things.thing import Source
from ..scene import plates
from ..scene.properties import IPOKE_PG_plate
from ..session import running, things
from .shared import PlatePanel, wrapped

ORIGINS = {
    ThingOrigin.MASK: "From the own mask",
    ThingOrigin.ALPHA: "From the plate's alpha",
    ThingOrigin.CLEAN_PLATE: "What differs from the clean plate",
    ThingOrigin.SEGMENTER: "Found in the picture",
    ThingOrigin.STROKES: "From the strokes alone",
}


class IPOKE_PT_thing(PlatePanel, bpy.types.Panel):
    """The thing that the arrows move."""

    bl_label = "Thing"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, plate = self.layout, plates.active(context)
        stored = plate.thing
        layout.prop(stored, "source", text="")
        if stored.source == Source.IMAGE:
            layout.template_ID(stored, "image", new="image.new", open="image.open")
        wrapped(layout, context, said_of(plate), icon="INFO" if things.drawn(plate.id_data) is None else "CHECKMARK")
        if stored.source == Source.REGION:
            return
        if things.has_levels(plate):
            layout.row(align=True).prop(stored, "level", expand=True)
        column = layout.column(align=True)
        column.operator("ipoke.find_thing", icon="VIEWZOOM")
        column.operator("ipoke.use_image_as_mask", icon="IMAGE_DATA")
        row = column.row(align=True)
        row.prop(stored, "brush", slider=True)
        row.operator("ipoke.clear_strokes", text="", icon="TRASH")


def said_of(plate: IPOKE_PG_plate) -> str:
    """Return where a plate's thing comes from, or why there is none."""
    if plate.thing.source == Source.REGION:
        return "All that the model sees moves as a whole"
    known, answer = things.drawn(plate.id_data), things.answered(plate)
    if known is not None:
        count = len(plate.thing.strokes)
        mended = "" if not count else pgettext_iface(", 1 stroke" if count == 1 else ", {count} strokes").format(count=count)
        return pgettext_iface(ORIGINS[known.origin]) + mended
    if running.state().search.asked is not None:
        return "Looking for the thing"
    if answer is not None:
        return answer.sentence or "Nothing was found; paint the thing with D and a drag"
    if plate.thing.source == Source.IMAGE:
        return "Choose an image that is white where the thing is"
    if not things.tails(plate):
        return "Draw an arrow on a thing, and it is found"
    backend = running.state().backend
    return backend.sentence if backend.phase is Phase.FAILED else "The backend finds the thing; press Find Thing, or paint it"
