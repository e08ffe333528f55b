"""Sizes of the segmenter's networks, as frozen data that travels as JSON (`..config`)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError
from ..strangers import brief

STRIDE = 32
"""Of the deepest features: squares have a multiple of it as their side."""
MOST_SIZE_PX, MOST_WIDTH, MOST_CLICKS, MOST_ROUNDS = 1024, 1024, 1024, 16
"""A folder that somebody sent asks for no more."""
LEVELS = 3
"""Nested masks: part, thing, group of things."""
PART, THING, GROUP = range(LEVELS)


@dataclass(frozen=True)
class SegmenterConfig:
    """Sizes of the decoder; the encoder is EfficientNet-Lite0 without its last stage."""

    size_px: int = 256
    """Side of the square that the network sees; a multiple of 32."""
    widths: tuple[int, ...] = (24, 48, 64, 128, 128)
    """Channels of the decoder at strides 2, 4, 8, 16, 32."""
    prompt_widths: tuple[int, ...] = (16, 32, 48, 64, 64)
    """Channels of what is made of the clicks, at the same strides."""
    likeness: int = 32
    """Channels in which places are compared with the clicked ones."""
    attention: int = 2
    """Rounds in which every place at stride 16 looks at every other."""
    max_clicks: int = 64

    def __post_init__(self) -> None:
        if not 2 * STRIDE <= self.size_px <= MOST_SIZE_PX or self.size_px % STRIDE:
            raise ConfigError(
                f"size_px must be a multiple of {STRIDE} from {2 * STRIDE} to {MOST_SIZE_PX}, not {brief(self.size_px)}."
            )
        for name in ("widths", "prompt_widths"):
            if len(getattr(self, name)) != 5 or any(not 8 <= width <= MOST_WIDTH or width % 8 for width in getattr(self, name)):
                raise ConfigError(f"{name} must be five multiples of 8, {MOST_WIDTH} at most.")
        if not (1 <= self.likeness <= MOST_WIDTH and 1 <= self.max_clicks <= MOST_CLICKS and 0 <= self.attention <= MOST_ROUNDS):
            raise ConfigError(
                f"likeness must lie between 1 and {MOST_WIDTH}, max_clicks between 1 and {MOST_CLICKS}, attention between 0 and "
                f"{MOST_ROUNDS}."
            )
