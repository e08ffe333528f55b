"""What can be chosen among in the properties of a plate: identifiers that the .blend stores, labels and descriptions."""

import bpy

from .._vendor.client import Level
from ..core.things.thing import Source

VARIATIONS = {"CALM": 0.15, "GENTLE": 0.3, "LIVELY": 0.6, "FULL": 1.0, "WILD": 1.5}
"""What the words for how far apart variants are stand for."""
VARIATION_WORDS = (
    ("OWN", "Model's Own", "As far apart as the model takes by itself"),
    ("CALM", "Calm", "Close together: much the same reaction"),
    ("GENTLE", "Gentle", "Near one another"),
    ("LIVELY", "Lively", "Clearly different"),
    ("FULL", "Full", "As the model draws them"),
    ("WILD", "Wild", "Wilder than the model has learned; some will be odd"),
    ("SET", "Custom", "The number beside it"),
)
SHOWN = (
    ("STILL", "Still", "The original still"),
    ("VARIANT", "Variant", "The chosen variant"),
    ("BAKE", "Bake", "The chosen variant at the plate's own resolution"),
)
RELATIVE_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
DEPTHS = (
    ("AUTO", "As the Plate", "8 bits for an 8-bit plate, 16 bits for a deeper one, EXR for a float plate"),
    ("8", "PNG 8 Bit", "PNG with 8 bits a channel"),
    ("16", "PNG 16 Bit", "PNG with 16 bits a channel"),
    ("32", "EXR", "OpenEXR, linear light"),
)
HOLDS = (
    ("1", "Ones", "A new drawing on every frame"),
    ("2", "Twos", "Each drawing stays for two frames"),
    ("3", "Threes", "Each drawing stays for three frames"),
)
LOOPS = (
    ("settle", "Settle", "From the still through the motion, then a swing back to the still, where it comes to rest"),
    ("none", "Once", "Play once, from the still to where it ends"),
    ("closed", "Loop", "Come back to the start without a jump; turns round where that can't be done smoothly"),
    ("ping-pong", "Ping-Pong", "Turn round at the end and go back"),
)
PLACES = (
    ("PLANE", "Plane", "Show the bake on the plane"),
    ("SEQUENCER", "Sequencer", "Show it on the plane, and add it to the sequencer as a strip"),
    ("COMPOSITOR", "Compositor", "Show it on the plane, and add it to the compositor as an image node"),
)
UNITS = (("FRAMES", "Frames", "Count frames"), ("SECONDS", "Seconds", "Count seconds, at the scene's frame rate"))
EASINGS = (
    ("linear", "Even", "The motion's own pace"),
    ("in", "Ease In", "Start slowly"),
    ("out", "Ease Out", "End slowly"),
    ("in-out", "Ease In and Out", "Start and end slowly"),
)
THING_SOURCES = (
    (Source.AUTO, "Automatic", "The plate's alpha where it is a cut-out, else what the backend finds under the arrows"),
    (Source.PICTURE, "Find in the Picture", "What the backend finds under the arrows, whatever the plate's alpha says"),
    (Source.IMAGE, "Own Mask", "An image that is white where the thing is"),
    (Source.REGION, "Whole Region", "No thing: all that the model sees moves as a whole"),
)
THING_LEVELS = (
    (Level.PART, "Part", "The smallest that was found: a part of the thing"),
    (Level.THING, "Thing", "The whole thing"),
    (Level.GROUP, "Group", "The largest that was found: the thing and what belongs to it"),
)
