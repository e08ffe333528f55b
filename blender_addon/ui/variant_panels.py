"""The panels of what came back: the variants of a job, and everything that was sampled before."""

from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface

from ..core.german import CONTEXT
from ..core.jobs.settings import grouped
from ..scene import plates, results
from ..scene.properties import IPOKE_PG_job, IPOKE_PG_plate
from ..session import motion_library
from . import disk, thumbnails
from .shared import PlatePanel, wrapped

COLUMNS = 2
UNIT_PX = 20
"""Of a widget, by which icons are scaled."""
SIDES_PX = 45
"""What the sidebar has beside its widgets."""
LEAST_SCALE = 3.0


class IPOKE_PT_variants(PlatePanel, bpy.types.Panel):
    """What came back: the variants of one job as pictures, what the plane shows, and baking."""

    bl_label = "Variants"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout = self.layout
        plate = plates.active(context)
        if not plate.variants:
            wrapped(layout, context, "Variants appear here after Sample", icon="INFO")
            return
        chosen = results.active_variant(plate)
        self._draw_grid(layout, context, plate, (plate.variants[-1] if chosen is None else chosen).job_id)
        row = layout.row(align=True)
        row.operator("ipoke.reroll", icon="FILE_REFRESH")
        row.operator("ipoke.recall_settings", icon="LOOP_BACK")
        row.operator("ipoke.delete_variant", text="", icon="TRASH")
        row = layout.row(align=True)
        row.operator("ipoke.more_like_this", icon="MOD_ARRAY")
        row.prop(plate, "difference", text="")
        gone = disk.missing(plate)
        if gone:
            text = pgettext_iface("The files of {count} samples are missing, such as {path}")
            wrapped(layout, context, text.format(count=len(gone), path=gone[0]), icon="ERROR")
            layout.operator("ipoke.find_results", icon="VIEWZOOM")
        row = layout.row(align=True)
        row.operator("ipoke.show_still", text="Still", icon="IMAGE_DATA", depress=plate.shown == "STILL")
        variant = row.operator("ipoke.choose_variant", text="Variant", icon="PLAY", depress=plate.shown == "VARIANT")
        variant.index = max(plate.active_variant, 0)
        row.operator("ipoke.show_bake", text="Bake", icon="RENDER_ANIMATION", depress=plate.shown == "BAKE")
        row = layout.row(align=True)
        row.prop(plate, "start_frame", text="Start")
        row.operator("ipoke.start_here", text="", icon="TIME")
        row.prop(plate, "cyclic", toggle=True)
        layout.operator("ipoke.take_as_mesh", icon="MESH_DATA")

    def _draw_grid(self, layout: bpy.types.UILayout, context: bpy.types.Context, plate: IPOKE_PG_plate, job_id: str) -> None:
        """Draw the variants of a job as pictures that play with the scene; two stand side by side, one alone is larger."""
        shown = [(index, variant) for index, variant in enumerate(plate.variants) if variant.job_id == job_id]
        columns = min(len(shown), COLUMNS)
        width_px = context.region.width / context.preferences.system.ui_scale - SIDES_PX
        scale = max(width_px / columns / UNIT_PX, LEAST_SCALE)
        grid = layout.grid_flow(row_major=True, columns=columns, even_columns=True, even_rows=True, align=True)
        thumbnails.begin()
        for index, variant in shown:
            active = index == plate.active_variant
            cell = grid.column(align=True)
            cell.template_icon(thumbnails.of_variant(plate, variant, context.scene.frame_current), scale=scale)
            row = cell.row(align=True)
            text = str(variant.index + 1)
            if not variant.complete:
                text += ": " + pgettext_iface("{count} frames").format(count=variant.frames)
            icon = "RENDER_ANIMATION" if variant.baked_frames else "NONE"
            row.operator("ipoke.choose_variant", text=text, icon=icon, depress=active).index = index
            row.prop(variant, "starred", text="", icon="SOLO_ON" if variant.starred else "SOLO_OFF")


class IPOKE_PT_history(PlatePanel, bpy.types.Panel):
    """Everything that was sampled for the plate: a row for each group of jobs that differ in their seeds only."""

    bl_label = "History"
    bl_translation_context = CONTEXT
    bl_parent_id = "IPOKE_PT_variants"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with variants."""
        plate = plates.active(context)
        return plate is not None and len(plate.variants) > 0

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the groups, newest first."""
        plate = plates.active(context)
        chosen = results.active_variant(plate)
        stars = {variant.job_id for variant in plate.variants if variant.starred}
        for group in grouped([job.group or job.name for job in plate.jobs]):
            box = self.layout.box().column(align=True)
            newest = plate.jobs[group.jobs[0]]
            box.label(text=_description(newest), translate=False, icon="LIGHTPROBE_PLANE" if newest.live else "FORCE_WIND")
            grid = box.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
            for position in group.jobs:
                job = plate.jobs[position]
                shown = chosen is not None and chosen.job_id == job.name
                text, icon = f"{job.seed}", "SOLO_ON" if job.name in stars else "NONE"
                grid.operator("ipoke.show_job", text=text, icon=icon, depress=shown).index = position


def _description(job: IPOKE_PG_job) -> str:
    """Return what a job was asked with, but for its seed."""
    arrows = sum(poke.enabled for poke in job.pokes)
    words = [pgettext_iface("1 arrow" if arrows == 1 else "{count} arrows").format(count=arrows), job.model or "?"]
    if job.use_region:
        words.append(pgettext_iface("own region"))
    if job.kinematics:
        words.append(motion_library.name_of(Path(job.kinematics)))
    if job.mirror:
        words.append(pgettext_iface("mirrored"))
    if job.variation:
        words.append(pgettext_iface("variation {amount}").format(amount=f"{job.variation:.2f}"))
    if job.like:
        near = job.like[-1]
        words.append(pgettext_iface("like {number} of {seed}").format(number=near.index + 1, seed=near.seed))
    return ", ".join(words)


CLASSES = (IPOKE_PT_variants, IPOKE_PT_history)
