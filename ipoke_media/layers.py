"""Owns the layers of an OpenEXR file: which channels belong together, and which of them are the picture that Blender shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ImageError

_COLOURS = (("R", "G", "B"), ("X", "Y", "Z"))
_GREYS = ("Y",)
_ALPHA = "A"
_MOST_NAMED = 12
_MOST_LETTERS = 255


@dataclass(frozen=True)
class Part:
    """A part of a file: its name, perhaps empty, and the names of its channels in their order."""

    name: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """A picture inside a file: its name, or its letters where it has none, its part, and the places of its channels there.

    `colour` has three places, or one of a grey picture; `alpha` is None without alpha. What holds one value a pixel that is
    no brightness (depth, an ID) is no picture.
    """

    name: str
    part: int
    colour: tuple[int, ...]
    alpha: int | None
    is_picture: bool

    @property
    def places(self) -> tuple[int, ...]:
        """All of its channels, colour first."""
        return self.colour if self.alpha is None else (*self.colour, self.alpha)


def layers_of(parts: Sequence[Part]) -> list[Layer]:
    """The layers of all parts, in the order in which Blender lists them: the unnamed one first, then by part and name."""
    layers = []
    for index, part in enumerate(parts):
        groups: dict[str, dict[str, int]] = {}
        for place, channel in enumerate(part.channels):
            prefix, _, letter = channel.rpartition(".")
            groups.setdefault(prefix, {})[letter] = place
        layers += [_layer(_printable(_joined(part.name, prefix)), index, groups[prefix]) for prefix in sorted(groups)]
    return layers


def shown_layer(layers: Sequence[Layer], wanted: str | None) -> Layer:
    """The layer of that name, or else the one that Blender shows: the first that is a picture. Raises ImageError."""
    if wanted is not None:
        for layer in layers:
            if wanted == layer.name:
                return layer
        raise ImageError(f"The image has no layer named {wanted}; it has {listed(layers)}.")
    for layer in layers:
        if layer.is_picture:
            return layer
    raise ImageError(f"The image is an EXR file without R, G and B or Y channels, it has {listed(layers)}; save its picture too.")


def listed(layers: Sequence[Layer]) -> str:
    """The layers' names in a row, the first of them where there are many."""
    names = [layer.name for layer in layers[:_MOST_NAMED]]
    return ", ".join(names) + (f" and {len(layers) - _MOST_NAMED} more" if len(layers) > _MOST_NAMED else "")


def _layer(name: str, part: int, places: dict[str, int]) -> Layer:
    by_letter = {letter.upper(): place for letter, place in places.items()}
    alpha = by_letter.get(_ALPHA)
    for letters in _COLOURS:
        if all(letter in by_letter for letter in letters):
            return Layer(name or "".join(letters), part, tuple(by_letter[letter] for letter in letters), alpha, True)
    for letter in _GREYS:
        if letter in by_letter:
            return Layer(name or letter, part, (by_letter[letter],), alpha, True)
    letter = next((letter for letter in by_letter if letter != _ALPHA), _ALPHA)
    return Layer(name or _printable(letter) or "?", part, (by_letter[letter],), None, False)


def _printable(name: str) -> str:
    """A name as it may be shown: a stranger's file may hold anything, even what is no text."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:_MOST_LETTERS])


def _joined(part: str, prefix: str) -> str:
    if not part or prefix == part or prefix.startswith(part + "."):
        return prefix
    return f"{part}.{prefix}" if prefix else part
