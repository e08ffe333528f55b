"""The encoders of still and pokes, whose embeddings condition the flow; and the decoders that train them, where these do."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import POKE_GRID_FOLD, POKE_GRID_PX, ConditionerConfig, EncoderConfig
from .dense_flow import DenseFlow
from .layers import ResBlock, spectral


class Encoder(nn.Module):
    """A map of S x S pixels to an unbounded embedding of 8 x 8; `further` channels come after those of the configuration."""

    def __init__(self, config: EncoderConfig, further: int = 0) -> None:
        super().__init__()
        widths, groups = config.widths, config.groups
        self.stem = spectral(nn.Conv2d(config.in_channels + further, widths[0], 3, stride=2, padding=1), config.spectral_norm)
        self.stem_norm = nn.GroupNorm(groups, widths[0])
        self.blocks = nn.Sequential(
            *(
                ResBlock(before, after, stride=2, groups=groups, spectral_norm=config.spectral_norm)
                for before, after in zip(widths, widths[1:], strict=False)
            )
        )
        self.bottleneck = ResBlock(widths[-1], widths[-1], groups=groups, spectral_norm=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, S, S) -> (B, C, 8, 8)."""
        x = F.elu(self.stem_norm(self.stem(x)))
        return self.bottleneck(self.blocks(x))


class Decoder(nn.Module):
    """The mirror of `Encoder`, for its training alone."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        groups, spectral_norm = config.groups, config.spectral_norm
        widths = (config.channels, *reversed(config.widths))
        self.in_block = ResBlock(widths[0], widths[0], groups=groups, spectral_norm=spectral_norm)
        self.blocks = nn.Sequential(
            *(
                ResBlock(before, after, up=True, groups=groups, spectral_norm=spectral_norm)
                for before, after in zip(widths, widths[1:], strict=False)
            )
        )
        self.head = nn.Conv2d(widths[-1], config.out_channels, 3, padding=1)

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, C, 8, 8) -> (B, Cout, S, S), unbounded."""
        return self.head(self.blocks(self.in_block(embedding)))


class ImageAutoencoder(nn.Module):
    """Learns the still's embedding by reconstructing it; one that `sees_thing` is shown its mask too."""

    def __init__(self, config: EncoderConfig, *, sees_thing: bool = False) -> None:
        super().__init__()
        self._sees_thing = sees_thing
        self.encoder = Encoder(config, further=int(sees_thing))
        self.decoder = Decoder(config) if config.decoded else None

    def embed(self, x0: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 3, S, S) and mask and pins of the thing, (B, 2, S, S) -> (B, C, 8, 8)."""
        return self.encoder(_beside(x0, thing, 1) if self._sees_thing else x0)

    def forward(self, x0: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 3, S, S), (B, 2, S, S) -> (B, 3, S, S) in [-1, 1]."""
        assert self.decoder is not None
        return torch.tanh(self.decoder(self.embed(x0, thing)))


class PokeAutoencoder(nn.Module):
    """Learns the pokes' embedding by predicting the dense flow they cause; one that `sees_thing` is shown mask and pins too."""

    def __init__(self, config: EncoderConfig, *, sees_thing: bool = False) -> None:
        super().__init__()
        self._sees_image, self._sees_thing = config.in_channels == 5, sees_thing
        self.encoder = Encoder(config, further=2 * sees_thing)
        self.decoder = Decoder(config) if config.decoded else None

    def embed(self, poke_map: Tensor, x0: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 2, S, S) px, (B, 3, S, S), mask and pins (B, 2, S, S) -> (B, C, 8, 8)."""
        seen = torch.cat((poke_map, x0), dim=1) if self._sees_image else poke_map
        return self.encoder(_beside(seen, thing, 2) if self._sees_thing else seen)

    def forward(self, poke_map: Tensor, x0: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 2, S, S) px, (B, 3, S, S), mask and pins (B, 2, S, S) -> dense flow (B, 2, S, S) px."""
        assert self.decoder is not None
        flow: Tensor = self.decoder(self.embed(poke_map, x0, thing))
        return flow


class Conditioner(nn.Module):
    """h = [image embedding | poke embedding], and where they are set, the poke map itself and the dense flow it is expected to
    cause. Where `sees_thing` is set all of them read the thing as well, (B, 2, S, S): its mask, and windows of ones at its pins.
    """

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.sees_thing = config.sees_thing
        self.image = ImageAutoencoder(config.image, sees_thing=config.sees_thing)
        self.poke = PokeAutoencoder(config.poke, sees_thing=config.sees_thing)
        self._poke_grid, self._stride = config.poke_grid, config.stride
        self.dense: DenseFlow | None = None
        if config.dense_widths:
            self.dense = DenseFlow(config.dense_widths, config.read_px, sees_thing=config.sees_thing)

    def shrunk(self, field: Tensor) -> Tensor:
        """(B, C, S, S), such as a still -> the size at which the encoders read, (B, C, S', S') with S' = S / stride."""
        return field if self._stride == 1 else F.avg_pool2d(field, self._stride)

    def shrunk_pokes(self, poke_map: Tensor) -> Tensor:
        """(B, 2, S, S) px -> the pokes as the encoders read them, (B, 2, S', S') px of S'. Picked, since averages are shorter."""
        return poke_map[..., :: self._stride, :: self._stride] / self._stride

    def forward(self, x0: Tensor, poke_map: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 3, S, S), (B, 2, S, S) px and the thing where it is seen -> (B, Ch, 8, 8)."""
        x0, poke_map = self.shrunk(x0), self.shrunk_pokes(poke_map)
        thing = None if thing is None else self.shrunk(thing)
        parts = [self.image.embed(x0, thing), self.poke.embed(poke_map, x0, thing)]
        if self._poke_grid:
            parts.append(F.pixel_unshuffle(F.adaptive_avg_pool2d(poke_map, POKE_GRID_PX), POKE_GRID_FOLD))
        if self.dense is not None:
            parts.append(F.pixel_unshuffle(self.dense(poke_map, x0, thing), POKE_GRID_FOLD))
        return torch.cat(parts, dim=1)


def _beside(seen: Tensor, thing: Tensor | None, channels: int) -> Tensor:
    """With the first channels of the thing, which come last."""
    assert thing is not None
    return torch.cat((seen, thing[:, :channels]), dim=1)
