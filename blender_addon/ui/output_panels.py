"""Owns the panels of what is made from a variant: its bake, and its motion on other plates."""

import bpy

from .. import library, plates, pump
from . import thumbnails
from .shared import PlatePanel


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
        for name in ("folder", "file_name", "first_number", "depth"):
            column.prop(wanted, name)
        column.prop(wanted, "hold", expand=True)
        column.prop(wanted, "loop")
        if wanted.loop == "none":
            column.prop(wanted, "easing")
        row = column.row(heading="Fit Length")
        row.prop(wanted, "fit", text="")
        part = row.row()
        part.active = wanted.fit
        part.prop(wanted, "length", text="")
        if wanted.fit:
            column.label(text=f"{wanted.length * context.scene.render.fps_base / context.scene.render.fps:.2f} s")
        row = self.layout.row()
        row.scale_y = 1.4
        row.operator("ipoke.bake", icon="RENDER_ANIMATION")


class IPOKE_PT_transfer(PlatePanel, bpy.types.Panel):
    """The library of motions: taking them out of clips, replaying them on this plate."""

    bl_label = "Transfer"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the buttons and a row for each motion."""
        column = self.layout.column(align=True)
        column.operator("ipoke.extract_from_variant", icon="EXPORT")
        column.operator("ipoke.extract_from_images", icon="FILE_FOLDER")
        for file in pump.motions():
            row = self.layout.row(align=True)
            row.template_icon(thumbnails.picture(library.picture_of(file)), scale=2.0)
            row.operator("ipoke.transfer", text=library.name_of(file), icon="PLAY").filepath = str(file)


CLASSES = (IPOKE_PT_bake, IPOKE_PT_transfer)
