"""Owns the panels in the sidebar tab "iPOKE". They show what is there and change nothing."""

import textwrap

import bpy

from .. import library, plates, pump, results
from ..core import folders
from ..core.app import Phase
from ..core.jobs import Job, JobKind
from ..core.link import Fix
from ..core.pokes import longest_px
from ..core.settings import grouped
from ..operators.sampling import open_jobs
from ..properties import IPOKE_PG_job, IPOKE_PG_plate
from . import thumbnails
from .lists import effective_px

DOTS = {
    Phase.OFF: "RADIOBUT_OFF",
    Phase.STARTING: "SORTTIME",
    Phase.READY: "RADIOBUT_ON",
    Phase.LOST: "ERROR",
    Phase.FAILED: "ERROR",
}
CHARACTER_PX = 6.3
MARGINS_PX = 75
THUMBNAIL_SCALE = 4.5


def wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str = "NONE") -> None:
    """Draw a sentence in as many lines as the sidebar's width asks for."""
    column = layout.column(align=True)
    width_px = context.region.width / context.preferences.system.ui_scale - MARGINS_PX
    for line in textwrap.wrap(sentence, max(int(width_px / CHARACTER_PX), 16)):
        column.label(text=line, icon=icon)
        icon = "NONE" if icon == "NONE" else "BLANK1"


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "iPOKE"


class _PlatePanel(_Panel):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a plate."""
        return plates.active(context) is not None


class IPOKE_PT_plate(_Panel, bpy.types.Panel):
    """The plate and how to get one."""

    bl_label = "Plate"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout = self.layout
        plate = plates.active(context)
        if plate is None:
            wrapped(layout, context, "Add a photograph, then drag arrows on it with the Poke tool", icon="INFO")
        else:
            width, height = plates.size_px(plate)
            layout.label(text=f"{plate.still.name}, {width} x {height}", icon="IMAGE_DATA")
        column = layout.column(align=True)
        column.operator("ipoke.add_plate", icon="ADD")
        if plate is None:
            column.operator("ipoke.use_image", icon="TEXTURE")
            if bpy.ops.ipoke.convert_empty.poll():
                column.operator("ipoke.convert_empty", icon="IMAGE_REFERENCE")


class IPOKE_PT_pokes(_PlatePanel, bpy.types.Panel):
    """The arrows."""

    bl_label = "Pokes"

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
            if any(poke.enabled and effective_px(plate, poke) > longest for poke in plate.pokes):
                text = bpy.app.translations.pgettext_iface("Arrows over {px} px are longer than the model was trained for")
                wrapped(layout, context, text.format(px=round(longest)), icon="INFO")


class IPOKE_PT_sample(_PlatePanel, bpy.types.Panel):
    """Settings, the backend, and how far it is."""

    bl_label = "Sample"

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
        row.prop(plate, "use_region", toggle=True, icon="SELECT_SET")
        row.prop(plate, "live", toggle=True, icon="PLAY")
        jobs = open_jobs(context.active_object)
        for job in jobs:
            _draw_job(layout, job)
        if jobs:
            layout.operator("ipoke.cancel", icon="X")
        else:
            row = layout.row()
            row.scale_y = 1.4
            row.operator("ipoke.sample", icon="PLAY")
        if plate.message:
            wrapped(layout, context, plate.message, icon="ERROR")


class IPOKE_PT_variants(_PlatePanel, bpy.types.Panel):
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
        self._draw_grid(layout, plate, (plate.variants[-1] if chosen is None else chosen).job_id, context.scene.frame_current)
        row = layout.row(align=True)
        row.operator("ipoke.reroll", icon="FILE_REFRESH")
        row.operator("ipoke.recall_settings", icon="LOOP_BACK")
        row.operator("ipoke.delete_variant", text="", icon="TRASH")
        gone = pump.missing(plate)
        if gone:
            text = bpy.app.translations.pgettext_iface("The files of {count} samples are missing, such as {path}")
            wrapped(layout, context, text.format(count=len(gone), path=gone[0]), icon="ERROR")
            layout.operator("ipoke.find_results", icon="VIEWZOOM")
        row = layout.row(align=True)
        row.operator("ipoke.show_still", text="Still", icon="IMAGE_DATA", depress=plate.shown == "STILL")
        variant = row.operator("ipoke.choose_variant", text="Variant", icon="PLAY", depress=plate.shown == "VARIANT")
        variant.index = max(plate.active_variant, 0)
        row.operator("ipoke.show_bake", text="Bake", icon="RENDER_ANIMATION", depress=plate.shown == "BAKE")
        row = layout.row(align=True)
        row.prop(plate, "start_frame", text="Start")
        row.prop(plate, "cyclic", toggle=True)

    def _draw_grid(self, layout: bpy.types.UILayout, plate: IPOKE_PG_plate, job_id: str, now: int) -> None:
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, even_rows=True, align=True)
        folder = results.folder(plate, job_id)
        for index, variant in enumerate(plate.variants):
            if variant.job_id != job_id:
                continue
            active = index == plate.active_variant
            # The chosen one moves with the timeline, the others show where they end.
            frame = 1 + (now - plate.start_frame) % max(variant.frames, 1) if active else variant.frames
            cell = grid.column(align=True)
            cell.template_icon(thumbnails.icon(folders.variant_folder(folder, variant.index), frame), scale=THUMBNAIL_SCALE)
            row = cell.row(align=True)
            text = str(variant.index + 1) if variant.complete else f"{variant.index + 1}: {variant.frames} frames"
            icon = "RENDER_ANIMATION" if variant.baked_frames else "NONE"
            row.operator("ipoke.choose_variant", text=text, icon=icon, depress=active).index = index
            row.prop(variant, "starred", text="", icon="SOLO_ON" if variant.starred else "SOLO_OFF")


class IPOKE_PT_history(_PlatePanel, bpy.types.Panel):
    """Everything that was sampled for the plate: a row for each group of jobs that differ in their seeds only."""

    bl_label = "History"
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
            box.label(text=_told(newest), icon="LIGHTPROBE_PLANE" if newest.live else "FORCE_WIND")
            grid = box.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
            for position in group.jobs:
                job = plate.jobs[position]
                shown = chosen is not None and chosen.job_id == job.name
                text, icon = f"{job.seed}", "SOLO_ON" if job.name in stars else "NONE"
                grid.operator("ipoke.show_job", text=text, icon=icon, depress=shown).index = position


class IPOKE_PT_bake(_PlatePanel, bpy.types.Panel):
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


class IPOKE_PT_transfer(_PlatePanel, bpy.types.Panel):
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


class IPOKE_PT_backend(_Panel, bpy.types.Panel):
    """Where the backend stands."""

    bl_label = "Backend"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Show the state even while the panel is closed."""
        self.layout.label(text="", icon=_dot())

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the sentence and the button that fits it."""
        layout = self.layout
        backend = pump.state().backend
        wrapped(layout, context, backend.sentence, icon=_dot())
        if backend.used_mb:
            layout.label(text=f"{backend.used_mb} MB loaded")
        column = layout.column(align=True)
        if backend.phase is Phase.FAILED and backend.fix is not Fix.START:
            column.operator("ipoke.open_preferences", icon="PREFERENCES")
        off = backend.phase in (Phase.OFF, Phase.FAILED)
        column.operator("ipoke.start_backend" if off else "ipoke.stop_backend", icon="PLAY" if off else "SNAP_FACE")
        column.operator("ipoke.release_memory", icon="MEMORY")
        row = column.row(align=True)
        row.operator("ipoke.open_log", icon="TEXT")
        row.operator("ipoke.copy_diagnostics", icon="COPYDOWN")


def _dot() -> str:
    state = pump.state()
    busy = state.backend.phase is Phase.READY and state.jobs
    return "SORTTIME" if busy else DOTS[state.backend.phase]


def _told(job: IPOKE_PG_job) -> str:
    """Return what a job was asked with, but for its seed."""
    arrows = sum(poke.enabled for poke in job.pokes)
    words = [f"{arrows} arrow{'s' if arrows != 1 else ''}", job.model or "?"]
    return ", ".join([*words, "own region"] if job.use_region else words)


def _draw_job(layout: bpy.types.UILayout, job: Job) -> None:
    text = f"Bake: {job.sentence}" if job.kind is JobKind.BAKE else job.sentence
    layout.progress(factor=job.fraction, text=text)


CLASSES = (
    IPOKE_PT_plate,
    IPOKE_PT_pokes,
    IPOKE_PT_sample,
    IPOKE_PT_variants,
    IPOKE_PT_history,
    IPOKE_PT_bake,
    IPOKE_PT_transfer,
    IPOKE_PT_backend,
)
