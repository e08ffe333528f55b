"""Every size of every network, as frozen data that travels as JSON.

Reading is strict: an unknown key, a missing key or a value of another type raises `ConfigError` with the key's path. Every size
has an upper bound, far above those of any model that was made, so that a configuration of any origin can be built.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ipoke_values import LARGEST_VARIATION

from .errors import ConfigError
from .strangers import brief

LATENT_PX = 8
"""Side of the latent grid: z, r and h are (B, C, 8, 8) at every working resolution."""
BASE_GROUPS = 8
"""Groups of a normalised base's norms."""
POKE_GRID_FOLD = 4
POKE_GRID_CHANNELS = 2 * POKE_GRID_FOLD**2
"""The poke map averaged to 32 x 32 and folded 4 x 4 into channels."""
POKE_GRID_PX = POKE_GRID_FOLD * LATENT_PX
"""Side of the averaged poke map, and of the dense flow that a conditioner predicts, which is folded likewise."""
DENSE_GROUPS = 8
"""Groups of the norms in what predicts it."""
LARGEST_SIZE_PX = 1024
MOST_FRAMES = 64
MOST_POKES = 64
MOST_CHANNELS = 16384
"""Of any layer; the largest of the released models has 2048."""
MOST_LAYERS = 16
"""Of recurrent layers and of blocks."""
MOST_LEVELS = 64
MOST_STEPS = 100
"""Of the flow, in all its levels; the released models have 50."""

ConfigType = TypeVar("ConfigType")
_MOST_NAMED, _MOST_NAMED_CHARACTERS = 8, 200
_LATER = {"later": True}
"""Marks a key that folders written before it lack; its default is what these mean."""


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ConfigError(f"{sentence}.")


def _require_sizes(most: int, least: int = 1, **sizes: int) -> None:
    """Each of the named sizes in [least, most]; `__` in a name stands for a dot."""
    for name, size in sizes.items():
        _require(least <= size <= most, f"{name.replace('__', '.')} must lie between {least} and {most}, not {brief(size)}")


def _require_widths(widths: tuple[int, ...], name: str, least: int = 1) -> None:
    _require(least <= len(widths) <= MOST_LAYERS, f"{name} must have {least} to {MOST_LAYERS} entries, not {len(widths)}")
    for width in widths:
        _require(0 < width <= MOST_CHANNELS, f"{name} must lie between 1 and {MOST_CHANNELS}, not {brief(width)}")


def _require_scale(scale_px: float, name: str) -> None:
    _require(0 < scale_px <= LARGEST_SIZE_PX, f"{name} must lie above 0 and be at most {LARGEST_SIZE_PX}, not {brief(scale_px)}")


def _halvings(size_px: int) -> int:
    return (size_px // LATENT_PX).bit_length() - 1


def _require_power(size_px: int, name: str) -> None:
    _require(
        16 <= size_px <= LARGEST_SIZE_PX and size_px & (size_px - 1) == 0,
        f"{name} must be 16, 32, 64, 128 or a larger power of two up to {LARGEST_SIZE_PX}",
    )


class MotionInput(enum.Enum):
    """What the video encoder sees of a clip."""

    FRAMES = "frames"
    """The clip itself, (B, T+1, 3, S, S): the paper."""
    FLOW = "flow"
    """For each frame the flow from x0 to it over `flow_scale_px`, and x0: (B, T+1, 5, S, S)."""

    @property
    def channels(self) -> int:
        """Channels of one frame of the input."""
        return 3 if self is MotionInput.FRAMES else 5


class DecoderHead(enum.Enum):
    """What the decoder's last layer says."""

    RGB = "rgb"
    """The frame itself: the paper."""
    WARP = "warp"
    """A backward flow, its visibility, and a colour for what the warp can't show."""
    MOTION = "motion"
    """Where each place of the thing in x0 goes, and how far off that may be; it sees the thing's mask."""


@dataclass(frozen=True)
class DecoderConfig:
    """SPADE decoder: `widths[0]` leaves the first block, then one entry for each doubling of the resolution."""

    head: DecoderHead = DecoderHead.RGB
    widths: tuple[int, ...] = (256, 256, 128, 64)
    spade_hidden: int = 128
    flow_stride: int = 1
    """The trunk ends at size_px / flow_stride. What the warp head says is upsampled, what the motion head says is not."""
    flow_scale_px: float = 1.0
    """Not for the rgb head: pixels of flow for one unit of the last layer's output."""
    normalised: bool = True
    """Whether SPADE normalises (the paper). Without, lengths of motion need not be found again after each norm."""

    def __post_init__(self) -> None:
        _require_widths(self.widths, "decoder.widths", least=2)
        _require_sizes(MOST_CHANNELS, decoder__spade_hidden=self.spade_hidden)
        _require(self.flow_stride in (1, 2, 4), "decoder.flow_stride must be 1, 2 or 4")
        _require(self.head is not DecoderHead.RGB or self.flow_stride == 1, "decoder.flow_stride must be 1 for the rgb head")
        _require_scale(self.flow_scale_px, "decoder.flow_scale_px")

    @property
    def sees_thing(self) -> bool:
        """Whether it is shown the thing's mask beside x0."""
        return self.head is DecoderHead.MOTION


@dataclass(frozen=True)
class AutoencoderConfig:
    """Video autoencoder: 3D-ResNet encoder, ConvGRU, SPADE decoder (paper, section 3.2)."""

    size_px: int
    frames: int
    """Frames after x0 that the encoder reads; the decoder can unroll any number."""
    latent_channels: int
    motion_input: MotionInput = MotionInput.FRAMES
    flow_scale_px: float = 1.0
    """Flow-fed encoder only: pixels of flow for one unit of the input."""
    motion_stride: int = 1
    """Flow-fed encoder only: it reads flow and x0 at size_px / motion_stride; from 2 on its last layer keeps 8 x 8."""
    encoder_widths: tuple[int, ...] = (64, 128, 256, 256)
    gru_layers: int = 4
    decoder: DecoderConfig = DecoderConfig()
    groups: int = 16
    spectral_norm: bool = True
    standardised: bool = False
    """Whether z is kept at mean 0 (for each place) and deviation 1 (for each channel) of the training clips."""

    def __post_init__(self) -> None:
        _require_power(self.size_px, "autoencoder.size_px")
        _require_sizes(MOST_FRAMES, autoencoder__frames=self.frames)
        _require_sizes(MOST_CHANNELS, autoencoder__latent_channels=self.latent_channels, autoencoder__groups=self.groups)
        _require_sizes(MOST_LAYERS, autoencoder__gru_layers=self.gru_layers)
        _require_widths(self.encoder_widths, "autoencoder.encoder_widths")
        _require_scale(self.flow_scale_px, "autoencoder.flow_scale_px")
        _require(self.motion_stride in (1, 2, 4), "autoencoder.motion_stride must be 1, 2 or 4")
        _require(
            self.motion_input is MotionInput.FLOW or self.motion_stride == 1, "autoencoder.motion_stride must be 1 for frames"
        )
        halvings = _halvings(self.size_px // max(1, self.motion_stride // 2))
        _require(
            len(self.encoder_widths) == halvings + 1,
            f"autoencoder.encoder_widths has {len(self.encoder_widths)} entries, but {self.size_px} px needs {halvings + 1}",
        )
        _require(
            (self.frames >> len(self.encoder_widths)) == 0,
            f"autoencoder.frames is {self.frames}, but this encoder reads at most {(1 << len(self.encoder_widths)) - 1}",
        )
        trunk_px = self.size_px // self.decoder.flow_stride
        _require(
            len(self.decoder.widths) == _halvings(trunk_px) + 1,
            f"decoder.widths has {len(self.decoder.widths)} entries, but a trunk of {trunk_px} px needs "
            f"{_halvings(trunk_px) + 1}",
        )
        for width in (*self.encoder_widths, self.decoder.widths[0]):
            _require(width % self.groups == 0, f"autoencoder width {width} is not a multiple of groups {self.groups}")


@dataclass(frozen=True)
class EncoderConfig:
    """Image or poke encoder: `widths[0]` leaves the stem, then one entry for each further halving."""

    in_channels: int
    out_channels: int
    """Channels its decoder reconstructs: 3 for the image, 2 for the dense flow; 0 for no decoder, where a base trains it."""
    widths: tuple[int, ...] = (32, 64, 64)
    groups: int = 16
    spectral_norm: bool = True

    def __post_init__(self) -> None:
        _require_sizes(MOST_CHANNELS, encoder__in_channels=self.in_channels, encoder__groups=self.groups)
        _require_sizes(MOST_CHANNELS, least=0, encoder__out_channels=self.out_channels)
        _require_widths(self.widths, "encoder.widths")
        for width in self.widths:
            _require(width % self.groups == 0, f"encoder width {width} is not a multiple of groups {self.groups}")

    @property
    def channels(self) -> int:
        """Channels of the embedding."""
        return self.widths[-1]

    @property
    def decoded(self) -> bool:
        """Whether there is a decoder."""
        return self.out_channels > 0


@dataclass(frozen=True)
class ConditionerConfig:
    """The two encoders whose embeddings, image first, are the conditioning map h."""

    image: EncoderConfig = EncoderConfig(in_channels=3, out_channels=3)
    poke: EncoderConfig = EncoderConfig(in_channels=5, out_channels=2)
    poke_grid: bool = False
    """Whether h also holds the poke map itself, at four times its resolution folded into channels: lengths stay exact."""
    dense_widths: tuple[int, ...] = field(default=(), metadata=_LATER)
    """Channels of each level of a U-Net whose dense flow h also holds, folded likewise; () for none, as in the paper."""
    stride: int = field(default=1, metadata=_LATER)
    """Still and pokes are read at size_px / stride, and lengths in px of that: those of a model of this smaller size."""
    sees_thing: bool = field(default=False, metadata=_LATER)
    """Whether image encoder, poke encoder and dense flow are shown the thing's mask, the latter two also its pins."""

    def __post_init__(self) -> None:
        _require(self.image.in_channels == 3, "conditioner.image.in_channels must be 3")
        _require(self.image.out_channels in (0, 3), "conditioner.image.out_channels must be 3, or 0 for no decoder")
        _require(self.image.decoded == self.poke.decoded, "conditioner.image and poke must both have decoders, or none")
        _require(self.poke.in_channels in (2, 5), "conditioner.poke.in_channels must be 2 (poke) or 5 (poke and x0)")
        _require(len(self.image.widths) == len(self.poke.widths), "conditioner.image and poke must halve equally often")
        _require(
            all(0 < width <= MOST_CHANNELS and width % DENSE_GROUPS == 0 for width in self.dense_widths)
            and POKE_GRID_PX >> len(self.dense_widths) > 0,
            f"conditioner.dense_widths must be positive multiples of {DENSE_GROUPS}, {POKE_GRID_PX.bit_length() - 1} at most",
        )
        enough = not self.dense_widths or self.read_px >= POKE_GRID_PX
        _require(enough, f"conditioner.dense_widths needs at least {POKE_GRID_PX} px")
        _require(self.stride in (1, 2, 4), "conditioner.stride must be 1, 2 or 4")

    @property
    def channels(self) -> int:
        """Channels of h."""
        folded = bool(self.poke_grid) + bool(self.dense_widths)
        return self.image.channels + self.poke.channels + folded * POKE_GRID_CHANNELS

    @property
    def read_px(self) -> int:
        """Side at which the encoders read stills and poke maps."""
        return LATENT_PX << len(self.image.widths)

    @property
    def size_px(self) -> int:
        """Side of stills and poke maps."""
        return self.stride * self.read_px


@dataclass(frozen=True)
class FlowConfig:
    """Conditional multi-scale flow: one level for each entry of `num_steps`; a level splits off channels // factor."""

    channels: int
    cond_channels: int
    num_steps: tuple[int, ...] = (10, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1)
    factor: int = 16
    mid_channels: int = 2048
    """Hidden channels of couplings and priors."""
    masked_hidden_factor: int = 4
    """Hidden channels of a masked convolution over its channels, up to 96 channels; min(2 C, 512) above."""
    weight_norm: bool = True
    base_hidden: int = 0
    """Hidden channels of the conditional Gaussian in front of the flow; 0 for none, as in the paper."""
    base_normalised: bool = field(default=False, metadata=_LATER)
    """Whether the base normalises (group norm), and so has units that don't saturate."""

    def __post_init__(self) -> None:
        _require_sizes(MOST_CHANNELS, least=0, flow__base_hidden=self.base_hidden)
        _require(
            not self.base_normalised or self.base_hidden % BASE_GROUPS == 0,
            f"flow.base_hidden must be a multiple of {BASE_GROUPS} where the base is normalised",
        )
        _require_sizes(
            MOST_CHANNELS,
            flow__channels=self.channels,
            flow__cond_channels=self.cond_channels,
            flow__mid_channels=self.mid_channels,
            flow__masked_hidden_factor=self.masked_hidden_factor,
        )
        _require(0 < len(self.num_steps) <= MOST_LEVELS, f"flow.num_steps must have 1 to {MOST_LEVELS} entries")
        _require(min(self.num_steps) > 0, "flow.num_steps needs positive entries")
        _require(sum(self.num_steps) <= MOST_STEPS, f"flow.num_steps adds up to more than {MOST_STEPS}")
        _require(0 < self.factor <= self.channels, "flow.factor must lie between 1 and flow.channels")
        _require(
            self.channels - len(self.num_steps) * self.split_channels >= 1,
            f"flow.num_steps has {len(self.num_steps)} levels that split off {self.split_channels} of {self.channels} channels "
            "each, which leaves none",
        )

    @property
    def split_channels(self) -> int:
        """Channels that leave the flow after each level."""
        return self.channels // self.factor

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels inside each level."""
        return tuple(self.channels - level * self.split_channels for level in range(len(self.num_steps)))

    def masked_hidden(self, channels: int) -> int:
        """Hidden channels of a masked convolution over `channels`."""
        return self.masked_hidden_factor * channels if channels <= 96 else min(2 * channels, 512)


@dataclass(frozen=True)
class CvaeConfig:
    """The flow's twin of the ablation; `hidden` is chosen such that it has about the flow's number of parameters."""

    channels: int
    cond_channels: int
    hidden: int
    blocks: int = 4
    groups: int = 16

    def __post_init__(self) -> None:
        _require_sizes(
            MOST_CHANNELS,
            cvae__channels=self.channels,
            cvae__cond_channels=self.cond_channels,
            cvae__hidden=self.hidden,
            cvae__groups=self.groups,
        )
        _require_sizes(MOST_LAYERS, cvae__blocks=self.blocks)
        _require(self.hidden % self.groups == 0, f"cvae.hidden must be a positive multiple of groups {self.groups}")


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: what `config.json` of a model folder holds about its networks."""

    autoencoder: AutoencoderConfig
    conditioner: ConditionerConfig
    flow: FlowConfig
    max_pokes: int = 5
    poke_size_px: int = 5
    variation: float = 1.0
    """How much of a draw's way from the base's mean sampling keeps where none is asked for,
    z = mean + variation (z - mean); 1: the flow's own draws, above it wilder ones."""

    def __post_init__(self) -> None:
        _require_sizes(MOST_POKES, max_pokes=self.max_pokes)
        _require(0 < self.variation <= LARGEST_VARIATION, f"variation must lie above 0 and be at most {LARGEST_VARIATION:g}")
        _require(self.variation == 1 or self.flow.base_hidden > 0, "variation must be 1 for a flow without a base")
        _require_sizes(self.size_px, poke_size_px=self.poke_size_px)
        _require(self.poke_size_px % 2 == 1, "poke_size_px must be odd")
        _require(
            self.conditioner.sees_thing == self.autoencoder.decoder.sees_thing,
            "conditioner.sees_thing must be true for the motion head, and false for the others",
        )
        _require(
            self.conditioner.size_px == self.size_px,
            f"conditioner widths have {len(self.conditioner.image.widths)} entries, but {self.size_px} px needs "
            f"{_halvings(self.size_px // self.conditioner.stride)}",
        )
        _require(
            self.flow.channels == self.autoencoder.latent_channels,
            f"flow.channels is {self.flow.channels}, but autoencoder.latent_channels is {self.autoencoder.latent_channels}",
        )
        _require(
            self.flow.cond_channels == self.conditioner.channels,
            f"flow.cond_channels is {self.flow.cond_channels}, but the conditioner yields {self.conditioner.channels}",
        )

    def with_dense(self, widths: tuple[int, ...]) -> ModelConfig:
        """The same with dense flow of these widths, () for none, and a flow that reads what h then holds."""
        conditioner = dataclasses.replace(self.conditioner, dense_widths=widths)
        flow = dataclasses.replace(self.flow, cond_channels=conditioner.channels)
        return dataclasses.replace(self, conditioner=conditioner, flow=flow)

    def seeing_things(self) -> ModelConfig:
        """The same with the motion head, and all that is shown the thing."""
        decoder = dataclasses.replace(self.autoencoder.decoder, head=DecoderHead.MOTION)
        return dataclasses.replace(
            self,
            autoencoder=dataclasses.replace(self.autoencoder, decoder=decoder),
            conditioner=dataclasses.replace(self.conditioner, sees_thing=True),
        )

    def doubled(self) -> ModelConfig:
        """The same for stills twice as large: codes and h are what they were, and the decoder has one more doubling."""
        autoencoder, decoder = self.autoencoder, self.autoencoder.decoder
        return dataclasses.replace(
            self,
            autoencoder=dataclasses.replace(
                autoencoder,
                size_px=2 * autoencoder.size_px,
                motion_stride=2 * autoencoder.motion_stride,
                flow_scale_px=2 * autoencoder.flow_scale_px,
                decoder=dataclasses.replace(
                    decoder, widths=(*decoder.widths, decoder.widths[-1]), flow_scale_px=2 * decoder.flow_scale_px
                ),
            ),
            conditioner=dataclasses.replace(self.conditioner, stride=2 * self.conditioner.stride),
            poke_size_px=2 * self.poke_size_px - 1,
        )

    @property
    def size_px(self) -> int:
        """Side of stills and frames."""
        return self.autoencoder.size_px

    @property
    def sees_thing(self) -> bool:
        """Whether it is shown what the pokes stand on."""
        return self.conditioner.sees_thing

    @property
    def frames(self) -> int:
        """Frames after x0 that the model was trained to decode."""
        return self.autoencoder.frames


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain JSON values."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def from_dict(cls: type[ConfigType], data: object, where: str = "config") -> ConfigType:
    """The configuration that `to_dict` wrote. Every key must be there, but those that came later, and no other."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} must be an object, not {type(data).__name__}.")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    missing = {name for name, field in fields.items() if name not in data and not field.metadata.get("later")}
    for kind, keys in (("unknown", set(data) - set(fields)), ("missing", missing)):
        if keys:
            listed = ", ".join(sorted(map(str, keys))[:_MOST_NAMED])
            if not listed.isprintable() or len(listed) > _MOST_NAMED_CHARACTERS:
                listed = brief(listed)
            raise ConfigError(f"{where} has {kind} keys: {listed}, so it was written by another version of the models.")
    return cls(**{name: _parse(hints[name], data[name], f"{where}.{name}") for name in fields if name in data})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, enum.Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _parse(hint: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        choices = [member.value for member in hint]
        if value not in choices:
            raise ConfigError(f"{where} must be one of {', '.join(map(str, choices))}, not {brief(value)}.")
        return hint(value)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where} must be a list, not {type(value).__name__}.")
        element = typing.get_args(hint)[0]
        return tuple(_parse(element, item, f"{where}[{index}]") for index, item in enumerate(value))
    return _scalar(hint, value, where)


def _scalar(hint: type | types.UnionType, value: object, where: str) -> Any:
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not hint or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigError(f"{where} must be of type {getattr(hint, '__name__', hint)}, not {brief(value)}.")
    return value
