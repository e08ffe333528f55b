"""Owns the lists in the sidebar: pokes and variants."""

import bpy

from ..core.pokes import Arrow, length_px
from ..plates import size_px
from ..properties import IPOKE_PG_plate, IPOKE_PG_poke, IPOKE_PG_variant


class IPOKE_UL_pokes(bpy.types.UIList):
    """The arrows of a plate."""

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
        """Draw one arrow: on or off, its name, its length in pixels, its strength."""
        row = layout.row(align=True)
        row.prop(poke, "enabled", text="")
        row.prop(poke, "name", text="", emboss=False)
        row.label(text=f"{length_px(Arrow(tuple(poke.tail), tuple(poke.tip)), size_px(plate)):.0f} px")
        row.prop(poke, "strength", text="")


class IPOKE_UL_variants(bpy.types.UIList):
    """The variants of a plate."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        plate: IPOKE_PG_plate,
        variant: IPOKE_PG_variant,
        _icon: int,
        _active: IPOKE_PG_plate,
        _active_property: str,
        index: int = 0,
        _flag: int = 0,
    ) -> None:
        """Draw one variant: a button that plays it, its seed, whether it is baked, its star."""
        job = plate.jobs.get(variant.job_id)
        row = layout.row(align=True)
        shown = index == plate.active_variant and plate.shown != "STILL"
        play = row.operator("ipoke.choose_variant", text="", icon="HIDE_OFF" if shown else "PLAY", emboss=False)
        play.index = index
        row.label(text=variant.name)
        row.label(text=f"seed {job.seed}" if job is not None else "")
        row.label(text="", icon="RENDER_ANIMATION" if variant.baked_frames else "NONE")
        row.prop(variant, "starred", text="", icon="SOLO_ON" if variant.starred else "SOLO_OFF", emboss=False)


CLASSES = (IPOKE_UL_pokes, IPOKE_UL_variants)
