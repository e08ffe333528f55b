"""The panels of what goes in: the plate, its arrows, and sampling."""

import bpy
from bpy.app.translations import pgettext_iface

from ..core.german import CONTEXT
from ..core.gestures.pokes import longest_px
from ..core.jobs.job import Job
from ..drawing import shading
from ..scene import meshes, plates, shaders
from ..scene.properties import IPOKE_PG_plate
from ..session import model_choice, progress, running
from . import set_up
from .lists import effective_px
from .shared import Panel, PlatePanel, wrapped
from .thing_panel import IPOKE_PT_thing


class IPOKE_PT_plate(Panel, bpy.types.Panel):
    """The plate and how to get one."""

    bl_label = "Plate"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout = self.layout
        plate = plates.active(context)
        if meshes.source(context.active_object) is not None:
            layout.operator("ipoke.back_to_plate", icon="LOOP_BACK")
        elif plate is None:
            wrapped(layout, context, "Add a photograph, then drag arrows on it with the Poke tool", icon="INFO")
        else:
            width, height = plates.size_px(plate)
            layout.label(text=f"{plate.still.name}, {width} x {height}", icon="IMAGE_DATA")
            if shaders.of(context.active_object) is not None:
                layout.row().prop(plate, "surface", expand=True)
            _draw_shading(layout, context)
        column = layout.column(align=True)
        column.operator("ipoke.add_plate", icon="ADD")
        if plate is None:
            column.operator("ipoke.use_image", icon="TEXTURE")
            if bpy.ops.ipoke.convert_empty.poll():
                column.operator("ipoke.convert_empty", icon="IMAGE_REFERENCE")


def _draw_shading(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what lets this view show the picture as it is."""
    pictures = shading.of(context)
    if pictures is not None:
        layout.operator("ipoke.show_textures", icon="SHADING_TEXTURE", depress=pictures)
    if shading.shows_changed(context):
        text = pgettext_iface("{transform} shows the picture in other colours than it has, mostly paler")
        wrapped(layout, context, text.format(transform=context.scene.view_settings.view_transform), icon="INFO")
        layout.operator("ipoke.set_standard", icon="COLOR")


class IPOKE_PT_pokes(PlatePanel, bpy.types.Panel):
    """The arrows."""

    bl_label = "Pokes"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Draw the arrows' switch."""
        plate = plates.active(context)
        self.layout.prop(plate, "show_arrows", text="", icon="HIDE_OFF" if plate.show_arrows else "HIDE_ON", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw them."""
        layout = self.layout
        plate = plates.active(context)
        if not plate.pokes:
            wrapped(layout, context, "Pick the Poke tool and drag from the part that is to move to where it goes", icon="INFO")
        tool = layout.operator("wm.tool_set_by_id", text="Poke Tool", icon="FORCE_WIND")
        tool.name = "ipoke.poke_tool"
        if plate.pokes:
            row = layout.row()
            row.template_list("IPOKE_UL_pokes", "", plate, "pokes", plate, "active_poke", rows=2)
            column = row.column(align=True)
            column.operator("ipoke.remove_poke", text="", icon="REMOVE")
            column.operator("ipoke.duplicate_poke", text="", icon="DUPLICATE")
            column.operator("ipoke.mirror_pokes", text="", icon="MOD_MIRROR")
            column.operator("ipoke.clear_pokes", text="", icon="TRASH")
            longest = longest_px(plates.size_px(plate))
            layout.prop(plate, "free_ground")
            arrows = sum(not poke.arrow.is_pin and poke.enabled for poke in plates.poke_settings(plate.pokes))
            if model_choice.too_many(plate, arrows):
                wrapped(layout, context, model_choice.too_many(plate, arrows), icon="ERROR")
            if any(poke.enabled and effective_px(plate, poke) > longest for poke in plate.pokes):
                text = pgettext_iface("Arrows over {px} px are longer than the model was trained for")
                wrapped(layout, context, text.format(px=round(longest)), icon="INFO")


class IPOKE_PT_sample(PlatePanel, bpy.types.Panel):
    """Settings, the backend, and how far it is."""

    bl_label = "Sample"
    bl_translation_context = CONTEXT

    def draw(self, context: bpy.types.Context) -> None:
        """Draw them."""
        layout = self.layout
        plate = plates.active(context)
        column = layout.column(align=True)
        column.prop(plate, "samples")
        row = column.row(align=True)
        row.prop(plate, "seed")
        row.prop(plate, "lock_seed", text="", icon="LOCKED" if plate.lock_seed else "UNLOCKED")
        row = column.row(align=True)
        row.prop(plate, "variation_word", text="")
        if plate.use_variation:
            row.prop(plate, "variation", text="", slider=True)
        _draw_timing(column, plate)
        if model_choice.has_choice(plate):
            column.prop(plate, "model", placeholder=model_choice.by_itself())
        row = column.row(align=True)
        row.prop(plate, "use_region", toggle=True, icon="SELECT_SET")
        row.prop(plate, "live", toggle=True, icon="PLAY")
        if plate.like:
            row = layout.row(align=True)
            near = plate.like[-1]
            text = pgettext_iface("Like variant {number} of seed {seed}")
            row.label(text=text.format(number=near.index + 1, seed=near.seed), icon="MOD_ARRAY")
            row.operator("ipoke.forget_like", text="", icon="X")
        _draw_button(layout, running.open_jobs(context.active_object))
        if plate.message:
            wrapped(layout, context, plate.message, icon="ERROR")
            set_up.draw_fix(layout)


def _draw_timing(column: bpy.types.UILayout, plate: IPOKE_PG_plate) -> None:
    """Draw how long a clip is and how it plays; the rest of it has a panel."""
    timing, row = plate.timing, column.row(align=True)
    if timing.fit:
        row.prop(timing, "seconds" if timing.unit == "SECONDS" else "length")
    row.prop(timing, "loop", text="")


class IPOKE_PT_timing(PlatePanel, bpy.types.Panel):
    """How long clips are and how they play, in full."""

    bl_label = "Timing"
    bl_parent_id = "IPOKE_PT_sample"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        plate = plates.active(context)
        timing = plate.timing
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(timing, "fit")
        if timing.fit:
            column.row().prop(timing, "unit", expand=True)
            column.prop(timing, "seconds" if timing.unit == "SECONDS" else "length")
        column.prop(timing, "loop")
        if timing.loop == "none":
            column.prop(timing, "easing")
        column.row().prop(timing, "hold", expand=True)
        column.prop(timing, "chain")


def _draw_button(layout: bpy.types.UILayout, jobs: list[Job]) -> None:
    """Draw the button that samples, and in its place how far it is, so that nothing below it moves."""
    row = layout.row(align=True)
    row.scale_y = 1.4
    if not jobs:
        row.operator("ipoke.sample", icon="PLAY")
        return
    row.progress(factor=jobs[-1].fraction, text=progress.words_of(jobs[-1]))
    row.operator("ipoke.cancel", text="", icon="X")


CLASSES = (IPOKE_PT_plate, IPOKE_PT_pokes, IPOKE_PT_thing, IPOKE_PT_sample, IPOKE_PT_timing)
