"""What a request says of the thing that moves: the artist's mask, a cut-out's alpha, or none. No torch, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..plate.errors import PlateError
from ..plate.finding import check_says_something, check_size
from ..plate.image import Field, PlateImage, decode_plate
from ..plate.region import mask_in_region
from ..plate.stage import lock_of
from ..plate.thing import thing_of_alpha
from ..protocol.messages import FindThing, Invert, Poke, Region, Sample
from .model_port import SeenThing


def thing_of(
    request: Sample | Invert, plate: PlateImage, arrows: Sequence[Poke], fetch: Callable[[str], bytes] | None
) -> Field | None:
    """The thing (H, W) in [0, 1] under arrows; None where the region moves as a whole.

    Raises PlateError for a mask of another size than the plate, and for one of nothing.
    """
    if request.thing_sha256 is None:
        tails = np.array([[poke.x, poke.y] for poke in arrows])
        return None if request.whole_region else thing_of_alpha(plate, tails)
    assert fetch is not None
    mask = lock_of(decode_file(fetch(request.thing_sha256), "thing's mask", request))
    check_size(mask, plate)
    check_says_something(mask)
    return mask


def seen_thing(thing: Field, pins: NDArray[np.float64], region: Region, size_px: int) -> SeenThing:
    """What a model of that size sees of a thing (H, W) and its pins (P, 2) in fractions of the plate, in a region of it."""
    plate, corner, extent = np.array(thing.shape[::-1]), np.array([region.x, region.y]), np.array([region.w, region.h])
    return SeenThing(mask_in_region(thing, region, size_px), (pins * plate - corner) / extent)


def decode_file(data: bytes, what: str, request: Sample | Invert | FindThing) -> PlateImage:
    """A file beside the plate, read as the plate is; raises PlateError with `what` it is."""
    try:
        return decode_plate(data, upright=request.upright, premultiplied=request.premultiplied)
    except PlateError as error:
        raise PlateError(error.sentence.replace("The plate", f"The {what}", 1)) from error
