"""The list of pokes and pins in the sidebar."""

import bpy

from ..core.gestures.pokes import Arrow, length_px
from ..scene.plates import size_px
from ..scene.properties import IPOKE_PG_plate, IPOKE_PG_poke


def effective_px(plate: IPOKE_PG_plate, poke: IPOKE_PG_poke) -> float:
    """Return how far a poke asks its place to go, its strength included, in pixels of the plate."""
    return poke.strength * length_px(Arrow(tuple(poke.tail), tuple(poke.tip)), size_px(plate))


class IPOKE_UL_pokes(bpy.types.UIList):
    """The arrows and pins of a plate."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        plate: IPOKE_PG_plate,
        poke: IPOKE_PG_poke,
        _icon: int,
        _active: IPOKE_PG_plate,
        _active_property: str,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        """Draw one arrow: on or off, its name, its length in pixels, its strength; of a pin, what it is."""
        row = layout.row(align=True)
        row.prop(poke, "enabled", text="")
        row.prop(poke, "name", text="", emboss=False)
        if Arrow(tuple(poke.tail), tuple(poke.tip)).is_pin:
            row.label(text="", icon="PINNED")
            return
        row.label(text=f"{effective_px(plate, poke):.0f} px")
        row.prop(poke, "strength", text="")


CLASSES = (IPOKE_UL_pokes,)
