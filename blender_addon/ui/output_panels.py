"""Owns the panels of what is made from a variant: its bake, and its motion on other plates."""

import bpy

from .. import library, plates, pump
from ..core.bakes import Shot
from ..properties import IPOKE_PG_bake
from . import thumbnails
from .shared import PlatePanel, wrapped


class IPOKE_PT_bake(PlatePanel, bpy.types.Panel):
    """How the chosen variant is made at the plate's own resolution, and where it goes."""

    bl_label = "Bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the options and the button."""
        plate = plates.active(context)
        wanted = plate.bake
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("folder", "file_name", "first_number", "depth", "colour_space", "place"):
            column.prop(wanted, name)
        column.prop(wanted, "hold", expand=True)
        column.prop(wanted, "loop")
        if wanted.loop == "none":
            column.prop(wanted, "easing")
        row = column.row(heading="Fit Length")
        row.prop(wanted, "fit", text="")
        part = row.row()
        part.active = wanted.fit
        part.prop(wanted, "length" if wanted.unit == "FRAMES" else "seconds", text="")
        part.prop(wanted, "unit", text="")
        if wanted.fit:
            column.label(text=_other_unit(wanted, context.scene.render))
        row = self.layout.row()
        row.scale_y = 1.4
        row.operator("ipoke.bake", icon="RENDER_ANIMATION")
        row = self.layout.row(align=True)
        row.operator("ipoke.add_to_sequencer", text="To Sequencer", icon="SEQUENCE")
        row.operator("ipoke.add_to_compositor", text="To Compositor", icon="NODE_COMPOSITING")


def _other_unit(wanted: IPOKE_PG_bake, render: bpy.types.RenderSettings) -> str:
    """Return the length in what it is not given in."""
    rate = render.fps / render.fps_base
    return f"{wanted.length / rate:.2f} s" if wanted.unit == "FRAMES" else f"{Shot(rate, 1).frames_in(wanted.seconds)} frames"


class IPOKE_PT_transfer(PlatePanel, bpy.types.Panel):
    """The library of motions: taking them out of clips, replaying them on this plate."""

    bl_label = "Transfer"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the buttons, how a motion is replayed, and a row for each motion."""
        plate = plates.active(context)
        column = self.layout.column(align=True)
        column.operator("ipoke.extract_from_variant", icon="EXPORT")
        column.operator("ipoke.extract_from_images", icon="FILE_FOLDER")
        column.operator("ipoke.extract_from_movie", icon="FILE_MOVIE")
        column.operator("ipoke.extract_from_clip", icon="TRACKER")
        motions = pump.motions()
        if not motions:
            wrapped(self.layout, context, "Motions that are extracted appear here, to be replayed on any plate", icon="INFO")
            return
        row = self.layout.row(align=True)
        row.prop(plate, "replay_strength")
        row.prop(plate, "replay_mirror", toggle=True, icon="MOD_MIRROR")
        for file in motions:
            row = self.layout.row(align=True)
            row.template_icon(thumbnails.picture(library.picture_of(file)), scale=2.0)
            replay = row.operator("ipoke.transfer", text=library.name_of(file), icon="PLAY", translate=False)
            replay.filepath, replay.strength, replay.mirror = str(file), plate.replay_strength, plate.replay_mirror


CLASSES = (IPOKE_PT_bake, IPOKE_PT_transfer)
