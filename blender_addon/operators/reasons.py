"""What a disabled button says: one sentence that names what is missing."""

import bpy
from bpy.app.translations import pgettext_tip

from ..scene import plates, results
from ..scene.properties import IPOKE_PG_plate

NO_PLATE = "Select an image plane"
LINKED = "This plane belongs to another file; make it local first"
NO_VARIANT = "Sample, then choose a variant"
BUSY = "Something is being made for this plate; wait for it or cancel it"


def holds(operator: type[bpy.types.Operator], condition: object, sentence: str) -> bool:
    """Return whether a condition holds; where it doesn't, the operator's button says the sentence."""
    if not condition:
        operator.poll_message_set(pgettext_tip(sentence))
    return bool(condition)


def has_plate(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Return whether the active object is an image plane."""
    if not holds(operator, plates.active(context) is not None, NO_PLATE):
        return False
    return holds(operator, plates.is_own(context.active_object), LINKED)


def has_arrow(operator: type[bpy.types.Operator], plate: IPOKE_PG_plate) -> bool:
    """Return whether an arrow of a plate takes part; pins alone move nothing."""
    taking_part = any(poke.enabled for poke in plate.pokes)
    if not holds(operator, taking_part, "Draw an arrow on the plate with the Poke tool first"):
        return False
    return holds(operator, plates.pulls(plate), "Pins alone move nothing; drag an arrow from the part that is to move")


def has_whole_variant(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Return whether a variant is chosen that is whole."""
    if not has_plate(operator, context):
        return False
    variant = results.active_variant(plates.active(context))
    if not holds(operator, variant is not None, NO_VARIANT):
        return False
    return holds(operator, variant.complete, "Wait until the variant is whole")
