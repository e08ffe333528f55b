"""Owns what is stored in the .blend: plate, pokes, settings and results of an object, with a data version."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import results

DATA_VERSION = 1
MAX_SEED = 2**31 - 1
MAX_SAMPLES = 64

SHOWN = (
    ("STILL", "Still", "The original still"),
    ("VARIANT", "Variant", "The chosen variant"),
    ("BAKE", "Bake", "The chosen variant at the plate's own resolution"),
)


def _timing_changed(plate: "IPOKE_PG_plate", _context: bpy.types.Context) -> None:
    results.refresh(plate.id_data)


def _variant_listed(plate: "IPOKE_PG_plate", _context: bpy.types.Context) -> None:
    plate.active_variant = plate.listed_variant
    results.show_active(plate.id_data, "VARIANT")


class IPOKE_PG_poke(bpy.types.PropertyGroup):
    """An arrow on the plate, in fractions of its width and height from the top left."""

    tail: FloatVectorProperty(name="Tail", description="What is poked", size=2, min=0.0, max=1.0, default=(0.5, 0.5))
    tip: FloatVectorProperty(name="Tip", description="Where it goes", size=2, min=0.0, max=1.0, default=(0.6, 0.5))
    strength: FloatProperty(
        name="Strength",
        description="Stretches the arrow when sampling",
        min=0.1,
        max=2.0,
        default=1.0,
        subtype="FACTOR",
    )
    enabled: BoolProperty(name="Enabled", description="Use this poke when sampling", default=True)


class IPOKE_PG_job(bpy.types.PropertyGroup):
    """What a job was asked with, so that its variants can be baked and recalled. Its name is the job's id."""

    folder: StringProperty(name="Folder")
    seed: IntProperty(name="Seed", min=0)
    model: StringProperty(name="Model")
    plate_sha256: StringProperty(name="Plate")
    region_px: IntVectorProperty(name="Region", size=4, min=0)
    pokes: CollectionProperty(type=IPOKE_PG_poke)


class IPOKE_PG_variant(bpy.types.PropertyGroup):
    """One sampled outcome."""

    job_id: StringProperty(name="Job")
    index: IntProperty(name="Index", min=0)
    frames: IntProperty(name="Frames", description="How many frames are on disk", min=0)
    complete: BoolProperty(name="Complete", description="All frames are on disk")
    starred: BoolProperty(name="Star", description="Mark this variant as a favourite")
    baked_frames: IntProperty(name="Baked Frames", description="How many frames are baked at the plate's size", min=0)


class IPOKE_PG_plate(bpy.types.PropertyGroup):
    """Everything that iPOKE keeps on an object."""

    data_version: IntProperty(default=DATA_VERSION, options={"HIDDEN"})
    plate_id: StringProperty(options={"HIDDEN"})
    still: PointerProperty(name="Still", description="The original still; it is never changed", type=bpy.types.Image)
    clip: PointerProperty(name="Clip", description="The image sequence on the plane", type=bpy.types.Image)

    pokes: CollectionProperty(type=IPOKE_PG_poke)
    active_poke: IntProperty(name="Active Poke", default=-1)

    samples: IntProperty(
        name="Variants", description="How many variants to sample", min=1, max=MAX_SAMPLES, soft_max=16, default=4
    )
    seed: IntProperty(name="Seed", description="The same seed gives the same variants", min=0, max=MAX_SEED)
    lock_seed: BoolProperty(name="Lock Seed", description="Keep the seed; otherwise every sample takes a new one")

    jobs: CollectionProperty(type=IPOKE_PG_job)
    variants: CollectionProperty(type=IPOKE_PG_variant)
    active_variant: IntProperty(name="Active Variant", description="The chosen variant", default=-1)
    listed_variant: IntProperty(
        name="Listed Variant", description="Play this variant on the plane", update=_variant_listed, options={"HIDDEN"}
    )
    shown: EnumProperty(name="Shown", description="What the plane shows", items=SHOWN, default="STILL", options={"HIDDEN"})
    start_frame: IntProperty(
        name="Start Frame", description="Scene frame at which the clip starts", default=1, update=_timing_changed
    )
    cyclic: BoolProperty(name="Cyclic", description="Play the clip over and over", default=True, update=_timing_changed)
    message: StringProperty(name="Message", description="How the last job ended", options={"HIDDEN"})


CLASSES = (IPOKE_PG_poke, IPOKE_PG_job, IPOKE_PG_variant, IPOKE_PG_plate)


def attach() -> None:
    """Give every object a plate."""
    bpy.types.Object.ipoke = PointerProperty(type=IPOKE_PG_plate)


def detach() -> None:
    """Take the plates away from Python; what is stored in the file stays there."""
    del bpy.types.Object.ipoke
