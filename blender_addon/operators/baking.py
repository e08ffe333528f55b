"""Owns the operator that makes the chosen variant again at the plate's own resolution."""

import hashlib

import bpy

from .. import plates, results
from .._vendor.client import OutputSize, Poke, Region, SampleRequest, new_job_id
from ..core import folders
from ..core.errors import AddonError, PlateError
from ..core.jobs import Job, JobKind
from ..properties import IPOKE_PG_job, IPOKE_PG_variant
from . import sampling


class IPOKE_OT_bake(bpy.types.Operator):
    """Make the chosen variant at the plate's own resolution and put it on the plane"""

    bl_idname = "ipoke.bake"
    bl_label = "Bake"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant must be chosen, and no job of this plate on its way."""
        plate = plates.active(context)
        variant = None if plate is None else results.active_variant(plate)
        if variant is None or not variant.complete:
            cls.poll_message_set("Choose a variant first")
            return False
        cls.poll_message_set("Something is being made for this plate; wait or cancel")
        return not sampling.open_jobs(context.active_object)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the backend for the same variant, larger."""
        try:
            job = _job(context.active_object)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return sampling.run(self, job)


def _job(obj: bpy.types.Object) -> Job:
    plate = obj.ipoke
    variant = results.active_variant(plate)
    asked = plate.jobs[variant.job_id]
    still = plates.read(plate.still)
    if asked.plate_sha256 and asked.plate_sha256 != hashlib.sha256(still).hexdigest():
        raise PlateError("The plate's image has changed since this variant was sampled; sample again, then bake.")
    folder = folders.bake_folder(results.folder(plate, asked.name))
    request = _request(asked, variant, still, plate.still)
    return Job(request, JobKind.BAKE, plates.target(obj), folder, source=asked.name)


def _request(asked: IPOKE_PG_job, variant: IPOKE_PG_variant, still: bytes, image: bpy.types.Image) -> SampleRequest:
    return SampleRequest(
        job_id=new_job_id(),
        plate=still,
        plate_name=image.name,
        pokes=tuple(_poke(poke) for poke in asked.pokes),
        region=Region(*asked.region_px) if any(asked.region_px) else None,
        samples=1,
        first=variant.index,
        seed=asked.seed,
        model=asked.model or None,
        size=OutputSize.PLATE,
        upright=False,
        depth_bits=16 if image.is_float else 8,
    )


def _poke(stored: bpy.types.PropertyGroup) -> Poke:
    (x, y), tip = stored.tail, stored.tip
    return Poke(x, y, tip[0] - x, tip[1] - y)


CLASSES = (IPOKE_OT_bake,)
