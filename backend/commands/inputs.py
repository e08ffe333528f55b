"""Owns reading what a user names on the command line: pokes and files."""

from __future__ import annotations

from pathlib import Path

from ipoke_values import Like
from ipoke_values.sampling import LARGEST_INDEX, LARGEST_SEED, LEAST_AMOUNT

from ..client.owned import read_regular
from ..plate.image import PlateImage, decode_plate
from ..protocol import limits
from ..protocol.errors import IpokeError, ProtocolError
from ..protocol.messages import LARGEST_RADIUS, Place, Poke, Stroke
from .console import remark
from .errors import CommandError, UsageError


def parse_poke(text: str) -> Poke:
    """An arrow written as X0,Y0:X1,Y1, from tail to tip; raises UsageError."""
    try:
        (x0, y0), (x1, y1) = ((float(part) for part in end.split(",")) for end in text.split(":"))
    except ValueError:
        raise UsageError(f"--poke {text} is not X0,Y0:X1,Y1, four numbers such as 0.5,0.4:0.6,0.3.") from None
    if not all(0 <= value <= 1 for value in (x0, y0, x1, y1)):
        raise UsageError(f"--poke {text} leaves the image; all four numbers lie between 0 and 1.")
    if (x0, y0) == (x1, y1):
        raise UsageError(f"--poke {text} has no length; give its tip another place than its tail, or hold the place with --pin.")
    poke = Poke(x0, y0, x1 - x0, y1 - y0)
    try:
        poke.check(f"--poke {text}")
    except ProtocolError as error:
        raise UsageError(error.sentence) from error
    return poke


def parse_pin(text: str) -> Poke:
    """A place that stays, written as X,Y; raises UsageError."""
    return Poke(*parse_place(text, "--pin"), 0.0, 0.0)


def parse_place(text: str, option: str) -> Place:
    """A place written as X,Y; raises UsageError."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text} is not X,Y, two numbers such as 0.5,0.9.") from None
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise UsageError(f"{option} {text} leaves the image; both numbers lie between 0 and 1.")
    return x, y


def parse_mark(text: str) -> Stroke:
    """A dab written as +X,Y,R or -X,Y,R; raises UsageError."""
    *place, radius_text = text[1:].rsplit(",", 1)
    try:
        radius = float(radius_text)
    except ValueError:
        radius = -1.0
    if text[:1] not in ("+", "-") or text.count(",") != 2 or not 0 <= radius <= LARGEST_RADIUS:
        raise UsageError(f"--mark {text} is not +X,Y,R or -X,Y,R with R from 0 to {LARGEST_RADIUS}, such as +0.5,0.4,0.02.")
    return Stroke((parse_place(place[0], "--mark"),), radius, adds=text[0] == "+")


def parse_like(text: str) -> Like:
    """A variant written as SEED/INDEX:AMOUNT; raises UsageError."""
    try:
        variant, amount = text.split(":")
        seed, index = (int(part) for part in variant.split("/"))
        like = Like(seed, index, float(amount))
    except ValueError:
        raise UsageError(f"--like {text} is not SEED/INDEX:AMOUNT, such as 7/2:0.3 for near variant 2 of seed 7.") from None
    if not (0 <= like.seed <= LARGEST_SEED and 0 <= like.index <= LARGEST_INDEX and LEAST_AMOUNT <= like.amount <= 1):
        raise UsageError(f"--like {text} is no variant; seed and index are 0 or more, the amount {LEAST_AMOUNT} to 1.")
    return like


def read_file(path: Path, most_bytes: int = limits.RAW_BYTES) -> bytes:
    """The bytes of a file, at most as many as may be uploaded; raises UsageError."""
    try:
        return read_regular(path, most_bytes)
    except ValueError as error:
        size, most = path.stat().st_size / 1e6, most_bytes / 1e6
        raise UsageError(
            f"{path} has {size:.1f} MB, more than the {most:.1f} MB that a file may have; "
            "save it packed without loss (TIFF: ZIP or LZW; EXR: ZIP), with fewer bits a channel, or smaller."
        ) from error
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}); check the path.") from error


def read_plate(path: Path, *, premultiplied: bool = False, layer: str | None = None) -> tuple[bytes, PlateImage]:
    """A still as its file's bytes and decoded; says what there is to know of it. Raises UsageError and CommandError."""
    data = read_file(path)
    try:
        plate = decode_plate(data, premultiplied=premultiplied, layer=layer)
    except IpokeError as error:
        raise CommandError(f"{path}: {error.sentence}") from error
    for note in plate.tags.notes:
        remark(f"{path}: {note}")
    return data, plate
