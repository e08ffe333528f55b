"""The panels of what is made from a variant: its bake, and its motion on other plates."""

import bpy
from bpy.app.translations import pgettext_iface

from ..core.jobs.bakes import Shot
from ..scene import plates
from ..scene.properties import IPOKE_PG_bake
from ..session import motion_library
from . import disk, thumbnails
from .shared import PlatePanel, wrapped


class IPOKE_PT_bake(PlatePanel, bpy.types.Panel):
    """How the chosen variant is made at the plate's own resolution: its timing, and the button."""

    bl_label = "Bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the timing and the button."""
        wanted = plates.active(context).bake
        self.layout.prop(wanted, "own_timing")
        column = _options(self.layout)
        column.active = wanted.own_timing
        column.row().prop(wanted, "hold", expand=True)
        column.prop(wanted, "loop")
        if wanted.loop == "none":
            column.prop(wanted, "easing")
        column.prop(wanted, "fit")
        if wanted.fit:
            column.row().prop(wanted, "unit", expand=True)
            column.prop(wanted, "length" if wanted.unit == "FRAMES" else "seconds")
            row = column.row()
            row.alignment = "RIGHT"
            row.label(text=_other_unit(wanted, context.scene.render))
        row = self.layout.row()
        row.scale_y = 1.4
        row.operator("ipoke.bake", icon="RENDER_ANIMATION")
        row = self.layout.row(align=True)
        row.operator("ipoke.add_to_sequencer", text="To Sequencer", icon="SEQUENCE")
        row.operator("ipoke.add_to_compositor", text="To Compositor", icon="NODE_COMPOSITING")


class IPOKE_PT_bake_output(PlatePanel, bpy.types.Panel):
    """Where a bake goes, and as what."""

    bl_label = "Output"
    bl_parent_id = "IPOKE_PT_bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the options."""
        column = _options(self.layout)
        for name in ("folder", "file_name", "first_number", "depth", "colour_space", "place"):
            column.prop(plates.active(context).bake, name)


def _options(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _other_unit(wanted: IPOKE_PG_bake, render: bpy.types.RenderSettings) -> str:
    """Return the length in what it is not given in."""
    rate = render.fps / render.fps_base
    if wanted.unit == "FRAMES":
        return f"{wanted.length / rate:.2f} s"
    return pgettext_iface("{count} frames").format(count=Shot(rate, 1).frames_in(wanted.seconds))


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
        motions = disk.motions()
        if not motions:
            wrapped(self.layout, context, "Motions that are extracted appear here, to be replayed on any plate", icon="INFO")
            return
        row = self.layout.row(align=True)
        row.prop(plate, "replay_strength")
        row.prop(plate, "replay_mirror", toggle=True, icon="MOD_MIRROR")
        for file in motions:
            row = self.layout.row(align=True)
            row.template_icon(thumbnails.picture(motion_library.picture_of(file)), scale=2.0)
            replay = row.operator("ipoke.transfer", text=motion_library.name_of(file), icon="PLAY", translate=False)
            replay.filepath, replay.strength, replay.mirror = str(file), plate.replay_strength, plate.replay_mirror


CLASSES = (IPOKE_PT_bake, IPOKE_PT_bake_output, IPOKE_PT_transfer)
