"""The video autoencoder: a clip to its latent code z, and z with a start frame back to frames.

Paper, section 3.2; the warp head is this project's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import LATENT_PX, AutoencoderConfig, MotionInput
from ..records import map_tensors
from .decoder import Modulation, Rendered, SpadeDecoder
from .layers import ResBlock3d

_FIRST_UPDATE_BIAS = -3.0
"""Update gates start nearly shut, so that z is still there at the last frame."""


class VideoEncoder(nn.Module):
    """3D-ResNet: a whole clip to mean and log-variance of z.

    Fed with flow, it also has a straight way: the flow of all frames, averaged over the cells of z, mixed into the mean.
    The residual network alone learns the length of motion far more slowly.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths, groups = config.encoder_widths, config.groups
        in_channels = config.motion_input.channels
        self.stem = nn.Conv3d(in_channels, widths[0], (3, 7, 7), stride=2, padding=(1, 3, 3), bias=False)
        self.stem_norm = nn.GroupNorm(groups, widths[0])
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            keeps_size = index == 0 or (index == len(widths) - 2 and config.motion_stride > 1)
            layers.append(ResBlock3d(before, after, (2, 1, 1) if keeps_size else (2, 2, 2), groups))
            layers.append(ResBlock3d(after, after, (1, 1, 1), groups))
        self.layers = nn.Sequential(*layers)
        self.to_mean = nn.Conv2d(widths[-1], config.latent_channels, 3, padding=1)
        self.to_logvar = nn.Conv2d(widths[-1], config.latent_channels, 3, padding=1)
        self.shortcut: nn.Module | None = None
        if config.motion_input is MotionInput.FLOW:
            self.shortcut = nn.Conv2d(2 * (config.frames + 1), config.latent_channels, 1)

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T+1, C, S, S) -> mean and log-variance, each (B, Cz, 8, 8)."""
        # Channels last makes a training step on CPUs a third shorter, and float32 sums twice as coarse.
        layout = torch.channels_last_3d if self.training else torch.contiguous_format
        x = motion.transpose(1, 2).contiguous(memory_format=layout)
        x = F.relu(self.stem_norm(self.stem(x)))
        x = self.layers(x).squeeze(2)
        mean, logvar = self.to_mean(x), self.to_logvar(x)
        if self.shortcut is not None:
            flow = motion[:, :, :2].flatten(1, 2)
            mean = mean + self.shortcut(F.adaptive_avg_pool2d(flow, LATENT_PX))
        return mean, logvar


class ConvGRUCell(nn.Module):
    """s' = s (1 - u) + o u, with u, q = sigmoid(conv [x | s]) and o = tanh(conv [x | s q])."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.update_gate = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.reset_gate = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.out_gate = nn.Conv2d(2 * channels, channels, 3, padding=1)
        assert self.update_gate.bias is not None
        nn.init.constant_(self.update_gate.bias, _FIRST_UPDATE_BIAS)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Input and state, each (B, C, 8, 8) -> the next state."""
        both = torch.cat((x, state), dim=1)
        update, reset = torch.sigmoid(self.update_gate(both)), torch.sigmoid(self.reset_gate(both))
        out = torch.tanh(self.out_gate(torch.cat((x, state * reset), dim=1)))
        return state * (1 - update) + out * update


class ConvGRU(nn.Module):
    """Unrolls z in time: every layer starts at z, the first layer's input is a learned bias at every step."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.motion_bias = nn.Parameter(torch.empty(1, channels, LATENT_PX, LATENT_PX))
        nn.init.uniform_(self.motion_bias, -0.2, 0.2)
        self.cells = nn.ModuleList(ConvGRUCell(channels) for _ in range(layers))

    def forward(self, z: Tensor) -> Iterator[Tensor]:
        """(B, Cz, 8, 8) -> the top layer's state after step 1, 2, ... without end."""
        states = [z] * len(self.cells)
        while True:
            x = self.motion_bias.expand_as(z)
            for index, cell in enumerate(self.cells):
                x = states[index] = cell(x, states[index])
            yield x


class VideoAutoencoder(nn.Module):
    """Encoder, recurrent unit and decoder together."""

    code_mean: Tensor
    code_scale: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = VideoEncoder(config)
        self.gru = ConvGRU(config.latent_channels, config.gru_layers)
        self.decoder = SpadeDecoder(config)
        if config.standardised:
            self.register_buffer("code_mean", torch.zeros(config.latent_channels, LATENT_PX, LATENT_PX))
            self.register_buffer("code_scale", torch.ones(config.latent_channels, 1, 1))

    @torch.no_grad()
    def standardise(self, codes: Tensor) -> None:
        """Make these codes (N, Cz, 8, 8), as `encode` gives them now, have mean 0 and deviation 1 from now on."""
        deviation = (codes - codes.mean(dim=0)).std(dim=(0, 2, 3)).view_as(self.code_scale)
        self.code_mean.add_(codes.mean(dim=0) * self.code_scale)
        self.code_scale.mul_(deviation)

    def encode(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Motion input (B, T+1, C, S, S) -> mean and log-variance, each (B, Cz, 8, 8)."""
        mean, logvar = self.encoder(motion)
        if not self.config.standardised:
            return mean, logvar
        return (mean - self.code_mean) / self.code_scale, logvar - 2 * self.code_scale.log()

    def states(self, z: Tensor, frames: int) -> Iterator[Tensor]:
        """(B, Cz, 8, 8) -> the states (B, Cz, 8, 8) of frames 1..frames, one by one."""
        if self.config.standardised:
            z = z * self.code_scale + self.code_mean
        for _, state in zip(range(frames), self.gru(z), strict=False):
            yield state

    def unroll(self, z: Tensor, frames: int) -> Tensor:
        """(B, Cz, 8, 8) -> all states, (B, frames, Cz, 8, 8)."""
        return torch.stack(list(self.states(z, frames)), dim=1)

    def modulate(self, x0: Tensor) -> Modulation:
        """What the decoder needs of x0 (B, 3 or 4, S, S): computed once, used for every frame."""
        return self.decoder.modulate(x0)

    def render(self, state: Tensor, x0: Tensor, modulation: Modulation | None = None) -> Rendered:
        """One frame: state (B, Cz, 8, 8) and x0 (B or 1, 3 or 4, S, S)."""
        rendered: Rendered = self.decoder(state, x0, modulation or self.modulate(x0))
        return rendered

    def render_many(self, states: Tensor, x0: Tensor) -> Rendered:
        """Several frames of each clip at once: states (B, K, Cz, 8, 8), x0 (B, 3 or 4, S, S) -> fields (B, K, ...)."""
        batch, count = states.shape[:2]
        modulation = [_repeat(pair, count) for pair in self.modulate(x0)]
        rendered: Rendered = self.decoder(states.flatten(0, 1), x0.repeat_interleave(count, dim=0), modulation)
        return map_tensors(rendered, lambda field: field.view(batch, count, *field.shape[1:]))

    def decode(self, z: Tensor, x0: Tensor, frames: int) -> Tensor:
        """(B, Cz, 8, 8), (B, 3 or 4, S, S) -> (B, frames, 3, S, S) in [-1, 1]."""
        modulation = self.modulate(x0)
        return torch.stack([self.render(state, x0, modulation).frame for state in self.states(z, frames)], dim=1)


def flow_motion_input(x0: Tensor, flows: Tensor, scale_px: float) -> Tensor:
    """Input of a flow-fed encoder, (B, T+1, 5, S', S').

    x0 is (B, 3, S, S); flows, from x0 to frames 1..T in px of S, are (B, T, 2, S', S').
    """
    still = torch.zeros_like(flows[:, :1])
    motion = torch.cat((still, flows), dim=1) / scale_px
    x0 = F.adaptive_avg_pool2d(x0, flows.shape[-1])
    images = x0.unsqueeze(1).expand(-1, motion.shape[1], -1, -1, -1)
    return torch.cat((motion, images), dim=2)


def _repeat(pair: tuple[Tensor, Tensor], count: int) -> tuple[Tensor, Tensor]:
    return pair[0].repeat_interleave(count, dim=0), pair[1].repeat_interleave(count, dim=0)
