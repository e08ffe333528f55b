"""How variants are drawn, as a file has it: what is set on a plate, and what each job was asked with.

Everything that an option of the sampling needs of the .blend is here.
"""

from collections.abc import Iterable

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty

from .._vendor.client import Like, Sampling
from .._vendor.ipoke_values import LARGEST_VARIATION
from ..core.german import CONTEXT
from . import choices

MAX_SEED = 2**31 - 1
AMOUNT_DIGITS = 3  # what Blender stores has single precision; so the same number comes out that went in


class IPOKE_PG_like(bpy.types.PropertyGroup):
    """A variant that others were sampled near to."""

    seed: IntProperty(name="Seed", description="Seed of the variant", min=0)
    index: IntProperty(name="Index", description="The variant's number in its job, from 0", min=0)
    amount: FloatProperty(name="Difference", description="How far from it the others may be", min=0.0, max=1.0)


def _variation_word(plate: "SamplingOfPlate") -> int:
    words = [word for word, _, _ in choices.VARIATION_WORDS]
    if not plate.use_variation:
        return words.index("OWN")
    nearest = min(choices.VARIATIONS, key=lambda word: abs(choices.VARIATIONS[word] - plate.variation))
    return words.index(nearest if abs(choices.VARIATIONS[nearest] - plate.variation) < 1e-3 else "SET")


def _set_variation_word(plate: "SamplingOfPlate", number: int) -> None:
    word = choices.VARIATION_WORDS[number][0]
    plate.use_variation = word != "OWN"
    plate.variation = choices.VARIATIONS.get(word, plate.variation)


class SamplingOfPlate:
    """Properties of a plate."""

    seed: IntProperty(name="Seed", description="The same seed gives the same variants", min=0, max=MAX_SEED)
    lock_seed: BoolProperty(name="Lock Seed", description="Keep the seed; otherwise every sample takes a new one")
    variation_word: EnumProperty(
        name="Variation",
        description="How far apart the variants are, in words",
        items=choices.VARIATION_WORDS,
        get=_variation_word,
        set=_set_variation_word,
        translation_context=CONTEXT,
    )
    use_variation: BoolProperty(
        name="Own Variation", description="Set by hand how far apart the variants are; otherwise the model takes its own"
    )
    variation: FloatProperty(
        name="Variation",
        description="How far apart the variants are: small is close, 1 as the model draws them; type more for wilder ones",
        min=0.05,
        max=LARGEST_VARIATION,
        soft_max=1.0,
        default=0.3,
        subtype="FACTOR",
    )
    like: CollectionProperty(name="Like", description="What samples are to be like, the last entry most", type=IPOKE_PG_like)


class SamplingOfJob:
    """Properties of a job."""

    seed: IntProperty(name="Seed", description="What the samples were drawn with", min=0)
    variation: FloatProperty(
        name="Variation", description="How far apart its variants are; 0 is the model's own", min=0.0, max=LARGEST_VARIATION
    )
    like: CollectionProperty(
        name="Like", description="What its variants were to be like, the last entry most", type=IPOKE_PG_like
    )


def of_plate(plate: SamplingOfPlate) -> Sampling:
    """Return what is set on a plate."""
    return Sampling(plate.seed, _likes(plate.like), _amount(plate.variation) if plate.use_variation else None)


def of_job(job: SamplingOfJob) -> Sampling:
    """Return what a job was asked with."""
    return Sampling(job.seed, _likes(job.like), _amount(job.variation) or None)


def keep(job: SamplingOfJob, asked: Sampling) -> None:
    """Note what a job was asked with."""
    job.seed, job.variation = asked.seed, asked.variation or 0.0
    set_like(job, asked.like)


def recall(plate: SamplingOfPlate, asked: Sampling) -> None:
    """Set on a plate what a job was asked with."""
    plate.seed, plate.lock_seed = asked.seed, True
    plate.use_variation, plate.variation = asked.variation is not None, asked.variation or plate.variation
    set_like(plate, asked.like)


def set_like(stored: SamplingOfPlate | SamplingOfJob, wanted: Iterable[Like]) -> None:
    """Replace the variants that others are like."""
    stored.like.clear()
    for like in wanted:
        entry = stored.like.add()
        entry.seed, entry.index, entry.amount = like.seed, like.index, like.amount


def _likes(stored: Iterable[IPOKE_PG_like]) -> tuple[Like, ...]:
    return tuple(Like(like.seed, like.index, _amount(like.amount)) for like in stored)


def _amount(stored: float) -> float:
    """Return an amount as it was set, without the rounding of the .blend's single precision."""
    return round(stored, AMOUNT_DIGITS)
