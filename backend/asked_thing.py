"""What a request says of the thing that moves: the artist's mask, a cut-out's alpha, or none. No torch, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .plate.errors import PlateError
from .plate.image import Field, PlateImage, decode_plate
from .plate.stage import lock_of
from .plate.thing import THING_LEAST, thing_of_alpha
from .protocol.messages import Invert, Poke, Sample


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
    check_mask(mask, plate.size_px)
    return mask


def check_mask(mask: Field, size_px: tuple[int, int], *, painted: bool = False) -> None:
    """Refuse an artist's mask (H, W) of another size than the plate, or of nothing unless strokes are `painted` on it."""
    if mask.shape[::-1] != size_px:
        raise PlateError("The thing's mask has another size than the plate; paint it at the plate's size.")
    if not painted and not (mask > THING_LEAST).any():
        raise PlateError("The thing's mask is black everywhere; paint the thing white.")


def decode_file(data: bytes, what: str, request: Sample | Invert) -> PlateImage:
    """A file beside the plate, read as the plate is; raises PlateError with `what` it is."""
    try:
        return decode_plate(data, upright=request.upright, premultiplied=request.premultiplied)
    except PlateError as error:
        raise PlateError(error.sentence.replace("The plate", f"The {what}", 1)) from error
