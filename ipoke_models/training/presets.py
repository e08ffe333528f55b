"""What is trained and for how long, one preset a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from ..bench.released import released_config
from ..checkpoint import read_manifest
from ..config import CvaeConfig, ModelConfig
from ..errors import ModelError
from ..installed import find_model
from .adversarial import CriticsLoss
from .base import BaseLoss
from .codes import LEAST_DEVIATION
from .schedule import Adam, Decay, Schedule
from .sizes import dense_64, frames_64, photo_64, photo_128, rgb_64, small_64, thing_64
from .video import VideoLoss


@dataclass(frozen=True)
class Preset:
    """Sizes of the networks and the schedule of each stage."""

    networks: ModelConfig
    video: Schedule
    video_loss: VideoLoss
    conditioner: Schedule
    base: Schedule
    """Runs where `networks.flow.base_hidden` asks for a base."""
    base_loss: BaseLoss
    kinematics: Schedule
    twin: Schedule
    twin_hidden: int
    """Hidden channels of the flow's twin, for about as many parameters as the flow has."""
    critics: CriticsLoss | None = None
    """What critics add to the loss of the video autoencoder; None for no critics."""
    least_deviation: float = LEAST_DEVIATION
    """Noise on the codes that the flow learns from; 0 for samples of the posterior as they are, as in the paper."""
    dense: Schedule | None = None
    """The dense flow, where h holds one; None where it keeps what the model trained from has."""
    decoder: Schedule | None = None
    """Last, the decoder alone, so that codes mean what they did; None for not once more."""
    goes_on: bool = False
    """It trains a finished model further, and takes its sizes for those of `networks`."""
    doubles: bool = False
    """It goes on from a finished model for stills twice as large (`ModelConfig.doubled`)."""

    @property
    def twin_networks(self) -> CvaeConfig:
        """Sizes of the flow's twin."""
        flow = self.networks.flow
        return CvaeConfig(flow.channels, flow.cond_channels, self.twin_hidden)

    def sized(self, source: str | Path | None) -> Preset:
        """With the sizes of the model that it goes on from, a model's name or folder.

        Raises:
            ModelError: no model is named, or it can't be read.
        """
        if not self.goes_on:
            return self
        if source is None:
            raise ModelError("This preset trains a finished model further; name one with --from, such as --from garden-64.")
        finished = read_manifest(find_model(source)).networks
        finished = finished.doubled() if self.doubles else finished
        flow = replace(finished.flow, weight_norm=self.networks.flow.weight_norm)  # folded into the weights when it was saved
        return replace(self, networks=replace(finished, flow=flow))


_GARDEN = Preset(
    networks=small_64(),
    video=Schedule(steps=2400, batch=12, learning_rate=2e-3),
    video_loss=VideoLoss(),
    conditioner=Schedule(steps=250, batch=16, learning_rate=2e-3, validate_every=125, save_every=125),
    base=Schedule(steps=1600, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
    base_loss=BaseLoss(),
    kinematics=Schedule(steps=2000, batch=24, learning_rate=2e-3, validate_every=200, save_every=100),
    twin=Schedule(steps=2000, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
    twin_hidden=128,
)


_NEAR = BaseLoss(flow=1.0, tips=1.0, moving=0.0, square=0.1, estimated=4.0)
"""For a base that has learned to move: what may as well stand still does, in footage above all; the poked place goes all of its
way."""


_BY_FRAMES = VideoLoss(visibility=0.0)
"""For a decoder that has learned to move: it fades where that comes nearer to the true frame, not wherever something is hidden.
What footage hides is a guess besides. The stage `decoder` always does so."""


def _on_a_card(steps: int, learning_rate: float = 1e-3, batch: int = 96) -> Schedule:
    """Large batches, for a graphics card."""
    return Schedule(steps, batch, learning_rate, validate_every=500, save_every=500)


_PHOTO = Preset(
    networks=photo_64(),
    video=_on_a_card(1829, 2e-3),
    video_loss=VideoLoss(),
    conditioner=_on_a_card(0),
    base=_on_a_card(1890),
    base_loss=_NEAR,
    kinematics=_on_a_card(219, 2e-3),
    twin=_on_a_card(612),
    twin_hidden=128,
    decoder=_on_a_card(396),
)

_PHOTO_128 = replace(
    _PHOTO,
    networks=photo_128(),
    video=_on_a_card(983, 2e-3),
    video_loss=VideoLoss(flow=0.5),
    base=_on_a_card(1668),
    base_loss=replace(_NEAR, flow=0.5, tips=0.5, square=0.05),
    kinematics=_on_a_card(358, 2e-3),
    twin=_on_a_card(703),
    decoder=_on_a_card(367),
)
"""The same weights of the losses, where every px is half as long."""


def _fine_tuned(schedule: Schedule, steps: int, share: float = 0.25) -> Schedule:
    """With a share of the rate, and checkpoints every few minutes."""
    return replace(schedule, steps=steps, learning_rate=share * schedule.learning_rate, validate_every=50, save_every=50)


_POLISH = replace(
    _GARDEN,
    video=replace(_GARDEN.video, steps=0),
    decoder=replace(_GARDEN.video, steps=600, learning_rate=5e-4),
    conditioner=replace(_GARDEN.conditioner, steps=0),
    base=replace(_GARDEN.base, steps=0),
    kinematics=replace(_GARDEN.kinematics, steps=0),
    goes_on=True,
)


_ADAPT = replace(
    _POLISH,
    base=Schedule(steps=3500, batch=48, learning_rate=7e-4, validate_every=250, save_every=50),
    base_loss=_NEAR,
    kinematics=replace(_GARDEN.kinematics, steps=1000, learning_rate=1e-3),
)


_STEMS = replace(_ADAPT, base=replace(_ADAPT.base, steps=4000), base_loss=replace(_NEAR, square=0.4))


_TWIN = replace(
    _POLISH,
    kinematics=replace(_POLISH.kinematics, steps=0),
    twin=Schedule(steps=1000, batch=48, learning_rate=1e-3, validate_every=200, save_every=50),
    decoder=None,
)


_DOUBLE = replace(_TWIN, video_loss=VideoLoss(flow=0.5), decoder=_on_a_card(4804), doubles=True)
"""Flow counts half, where every px is half as long."""


_POLISH_PHOTO = replace(
    _PHOTO,
    video=replace(_PHOTO.video, steps=0),
    base=replace(_PHOTO.base, steps=0),
    kinematics=_fine_tuned(_GARDEN.kinematics, 900, 0.75),
    twin=_fine_tuned(_GARDEN.twin, 1000, 1.0),
    decoder=_fine_tuned(_GARDEN.base, 1500, 1.0),
    goes_on=True,
)


_DENSE = replace(
    _STEMS,
    networks=dense_64(),
    dense=Schedule(steps=2500, batch=48, learning_rate=1e-3, validate_every=200, save_every=50),
    base=replace(_STEMS.base, steps=3200),
    base_loss=replace(_STEMS.base_loss, moving=1.0, square=0.8),
    kinematics=replace(_STEMS.kinematics, steps=600),
    decoder=None,
    goes_on=False,
)


def _sharpened(decoder: Schedule, flow: float = 1.0) -> Preset:
    """The decoder alone, judged by VGG16's view of the frame too."""
    return replace(_POLISH, video_loss=VideoLoss(flow=flow, perceptual=1.0), decoder=decoder)


_THING = replace(
    _GARDEN,
    networks=thing_64(),
    video=Schedule(steps=2000, batch=12, learning_rate=1e-3, validate_every=200, save_every=50),
    video_loss=VideoLoss(moving=1.0),
    conditioner=replace(_GARDEN.conditioner, steps=0),
    dense=Schedule(steps=800, batch=32, learning_rate=1e-3, validate_every=200, save_every=50),
    base=Schedule(steps=900, batch=24, learning_rate=7e-4, validate_every=200, save_every=50),
    base_loss=BaseLoss(flow=1.0, tips=0.5, moving=0.5, square=0.25, estimated=4.0),
    kinematics=Schedule(steps=700, batch=24, learning_rate=1e-3, validate_every=200, save_every=50),
)
_MORE_THINGS = replace(
    _THING,
    video=replace(_THING.video, steps=0),
    dense=Schedule(steps=150, batch=32, learning_rate=3e-4, warmup=20, validate_every=200, save_every=50),
    base=replace(_THING.base, steps=250, learning_rate=3e-4, warmup=20),
    kinematics=replace(_THING.kinematics, steps=200, learning_rate=4e-4, warmup=20),
    goes_on=True,
)


def _smoke(schedule: Schedule) -> Schedule:
    return replace(schedule, steps=2, batch=2, learning_rate=1e-3)


def _paper(size_px: int) -> Preset:
    """Sizes, losses and schedules of the release, but for the encoders of still and pokes, which learn by `conditioner.py`.

    How long stage 1 ran isn't known; 50 epochs of 2,000 steps are this project's choice.
    """
    released = Adam(betas=(0.5, 0.9), weight_decay=1e-5)
    flow = Adam(weight_decay=1e-5, amsgrad=True)
    batch = 20 if size_px == 128 else 40
    return Preset(
        networks=released_config(size_px),
        video=Schedule(100_000, 20, 2e-4, 0, Decay.EPOCHS, released, math.inf, 0.0, validate_every=1000, save_every=1000),
        video_loss=VideoLoss(frame=10.0, kl=1e-7, perceptual=10.0, decoded_frames=10),
        critics=CriticsLoss(),
        conditioner=Schedule(40_000, 128, 2e-4, average=0.0, validate_every=1000, save_every=1000),
        base=Schedule(0, batch, 1e-3),
        base_loss=BaseLoss(),
        kinematics=Schedule(200_000, batch, 1e-3, 500, Decay.LINEAR, flow, math.inf, 0.0, validate_every=1000, save_every=1000),
        twin=Schedule(200_000, batch, 1e-3, 500, Decay.LINEAR, flow, math.inf, 0.0, validate_every=1000, save_every=1000),
        twin_hidden=2048,
        least_deviation=0.0,
    )


PRESETS = {
    "garden-64": _GARDEN,
    "garden-rgb-64": replace(
        _GARDEN,
        networks=rgb_64(),
        video=replace(_GARDEN.video, steps=600, validate_every=100, save_every=50, adam=Adam(betas=(0.5, 0.9))),
        video_loss=VideoLoss(frame=10.0, decoded_frames=4),
        critics=CriticsLoss(clip_frames=5, frame_widths=(16, 32, 64, 64), clip_widths=(16, 32, 48, 64), groups=8, rate=0.25),
    ),
    "garden-frames-64": replace(_GARDEN, networks=frames_64()),
    "refine-64": replace(
        _GARDEN,
        video=replace(_GARDEN.video, steps=1500, learning_rate=5e-4),
        video_loss=_BY_FRAMES,
        conditioner=replace(_GARDEN.conditioner, steps=0),
        base=replace(_GARDEN.base, steps=2500, learning_rate=7e-4),
        base_loss=_NEAR,
        kinematics=replace(_GARDEN.kinematics, steps=1500, learning_rate=1e-3),
        goes_on=True,
    ),
    "polish-64": _POLISH,
    "photo-64": _PHOTO,
    "photo-128": _PHOTO_128,
    "polish-photo-64": _POLISH_PHOTO,
    "refine-photo-64": replace(
        _POLISH_PHOTO,
        base=Schedule(steps=2200, batch=48, learning_rate=7e-4, validate_every=200, save_every=50),
        kinematics=replace(_POLISH_PHOTO.kinematics, steps=700),
        decoder=None,
    ),
    "adapt-64": _ADAPT,
    "stems-64": _STEMS,
    "dense-64": _DENSE,
    "dense-plants-64": replace(
        _DENSE,
        dense=_on_a_card(1618, 5e-4),
        base=_on_a_card(3197, 8e-4),
        kinematics=_on_a_card(359, batch=192),
        twin=_on_a_card(532),
    ),
    "dense-garden-64": replace(
        _DENSE,
        dense=_on_a_card(1146),
        base=_on_a_card(1845),
        base_loss=replace(_NEAR, moving=0.5, square=0.5),
        kinematics=_on_a_card(222, batch=192),
        twin=_on_a_card(329),
    ),
    "near-64": replace(
        _ADAPT,
        base=Schedule(700, 24, 4e-4, warmup=50, average=0.99, save_every=50),
        kinematics=replace(_ADAPT.kinematics, steps=0),
        decoder=None,
    ),
    "near-garden-64": replace(
        _sharpened(_on_a_card(3180)),
        dense=_on_a_card(873, 6e-4),
        base=_on_a_card(1479, 8e-4),
        base_loss=_NEAR,
        kinematics=_on_a_card(297, batch=192),
        twin=_on_a_card(788),
    ),
    "sharpen-garden-128": _sharpened(_on_a_card(929), flow=0.5),
    "thing-64": _THING,
    "more-things-64": _MORE_THINGS,
    "thing-garden-64": replace(
        _THING,
        video=_on_a_card(1200),
        dense=_on_a_card(1500),
        base=_on_a_card(1500, 8e-4),
        kinematics=_on_a_card(350, batch=192),
        twin=_on_a_card(600),
    ),
    "twin": _TWIN,
    "double": _DOUBLE,
    "footage-64": replace(
        _GARDEN,
        video=_fine_tuned(_GARDEN.video, 500),
        video_loss=_BY_FRAMES,
        conditioner=_fine_tuned(_GARDEN.conditioner, 50),
        base=_fine_tuned(_GARDEN.base, 300),
        base_loss=_NEAR,
        kinematics=_fine_tuned(_GARDEN.kinematics, 400),
        twin=_fine_tuned(_GARDEN.twin, 400),
        goes_on=True,
    ),
    "paper-64": _paper(64),
    "paper-128": _paper(128),
    "smoke-64": replace(
        _GARDEN,
        networks=dense_64(),
        video=_smoke(_GARDEN.video),
        decoder=_smoke(_GARDEN.video),
        conditioner=_smoke(_GARDEN.conditioner),
        dense=_smoke(_GARDEN.conditioner),
        base=_smoke(_GARDEN.base),
        kinematics=_smoke(_GARDEN.kinematics),
        twin=_smoke(_GARDEN.twin),
        twin_hidden=16,
    ),
}
"""`garden-rgb-64` and `garden-frames-64` differ from `garden-64` in one thing each, to be compared with it on the same clips. A
step with critics takes four times as long, so the first does a quarter of the steps: as much processor time.

These train a finished model further (`--from garden-64`), and keep its sizes: `refine-64` for long, its encoders of still and
pokes with the base alone; `polish-64` leaves its codes as they are, and all but the decoder; `adapt-64` also learns what pokes
mean in other clips; `stems-64` the same on plants, where what follows a poked stem is moved by what is to be expected, since
leaves are poked more often and would decide what is likely; `footage-64` on one's own footage.
`dense-64` gives a model of `stems-64` dense flow, and its base and its flow time to use it; moving places count more, and by
their squares, or the base loses again what the dense flow knows.
`photo-64` and `photo-128` are for a graphics card: as many steps as one H100 did in eight minutes while it trained both.
`dense-plants-64` and `dense-garden-64` are `dense-64` for a graphics card, and `double` makes a model of stills twice as large,
by one more level of the decoder: as many steps as one H200 did in nine, seven and five minutes while it trained all three.
`near-64` takes back what squares cost: a base of `dense-garden-64` moves again only what is likely to, after five minutes on
two cores. `near-garden-64` goes on with that for eight minutes on a card. Both it and `sharpen-garden-128` teach the decoder by
VGG16's view of frames.
`thing-64` shows a model of garden-64's sizes the thing: on two cores as many steps as one of them does in 50 minutes.
`more-things-64` goes on from that on clips of other kinds, for ten minutes, and `thing-garden-64` is `thing-64` for a graphics
card, eight minutes by the steps of its like; it has not been run.
`twin` leaves a model as it is, and trains a twin of its flow on a processor (`--twin`).
On processors go on from photo-64: `polish-photo-64`, its flow, then its decoder; `refine-photo-64`, its base on more scenes, then
its flow.
`smoke-64` runs every stage for two steps: it proves that training works, no more.
"""
