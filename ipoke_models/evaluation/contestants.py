"""The rows of every table: models, and what they have to be better than. All get the same stills and pokes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ipoke_values import Sampling

from ..config import LATENT_PX, DecoderHead
from ..data.things import seen_with
from ..errors import ModelError
from ..model import Model
from ..networks.cvae import ConditionalVae
from .baselines import sparse_warp
from .examples import Example

VARIATION = "variation"
UNHELD = "draws not held to the poke"
TWIN = "cVAE twin, held to the poke"
WARP = "gaussian warp"
STILL = "standing still"
RECONSTRUCTION = "reconstruction of the truth"
TRUTH = "truth"


class Contestants:
    """Makes the clips of all rows; `variants` of each row that varies.

    Rows: each model; the first model with each of `variations` instead of its own; its draws as they come from its flow, where
    it holds them to the poke; the flow's twin in its place; the warp baseline; standing still; and the first model's
    reconstruction of the truth, which no sample of it should be better than.
    """

    def __init__(
        self, models: Sequence[Model], twin: ConditionalVae | None, variants: int, variations: Sequence[float] = ()
    ) -> None:
        first = models[0]
        for model in models[1:]:
            if (model.size_px, model.frames) != (first.size_px, first.frames):
                raise ModelError(
                    f"'{model.name}' makes {model.frames} frames of {model.size_px} px and '{first.name}' {first.frames} of "
                    f"{first.size_px} px; compare models of one size."
                )
        flow = first.config.flow
        if twin is not None and (twin.config.channels, twin.config.cond_channels) != (flow.channels, flow.cond_channels):
            raise ModelError(
                f"The twin was trained beside a model of other sizes than '{first.name}'; name that one's work folder."
            )
        self._models = {_label(models, number): model for number, model in enumerate(models)}
        self._first, self._twin, self._variants, self._variations = first, twin, variants, variations

    @property
    def ours(self) -> list[str]:
        """The rows of the models as they are used."""
        return list(self._models)

    def clips(self, example: Example, seed: int) -> dict[str, Tensor]:
        """Clips (V, T, 3, S, S) of every row but the truth."""
        x0, pokes, thing, first = example.x0, example.pokes, example.thing, self._first
        own = Sampling(seed)
        rows = {label: model.sample(x0, pokes, self._variants, own, thing=thing) for label, model in self._models.items()}
        for variation in self._variations:
            varied = Sampling(seed, variation=variation)
            rows[f"{VARIATION} {variation:g}"] = first.sample(x0, pokes, self._variants, varied, thing=thing)
        if first.config.autoencoder.decoder.head is not DecoderHead.RGB:
            rows[UNHELD] = first.sample(x0, pokes, self._variants, own, guided=False, thing=thing)
        if self._twin is not None:
            rows[TWIN] = self._twins(self._twin, example, seed)
        warped = sparse_warp(x0, torch.from_numpy(example.places), torch.from_numpy(example.shifts), first.frames)
        return {
            **rows,
            WARP: warped[None],
            STILL: x0.expand(1, first.frames, -1, -1, -1),
            RECONSTRUCTION: first.reconstruct(example.batch),
        }

    @torch.inference_mode()
    def _twins(self, twin: ConditionalVae, example: Example, seed: int) -> Tensor:
        x0, pokes, thing, model = example.x0, example.pokes, example.thing, self._first
        generator = torch.Generator().manual_seed(seed)
        r = torch.randn(self._variants, twin.config.channels, LATENT_PX, LATENT_PX, generator=generator)
        shown = model.shown(thing)
        h = model.condition(x0[None], model.poke_map(pokes)[None], shown)
        z = twin.latent(r, h.expand(self._variants, -1, -1, -1))
        return model.decode(model.guide(z, x0, pokes, thing), seen_with(x0[None], shown))


def _label(models: Sequence[Model], number: int) -> str:
    """A model's name and head; with its folder where another has them too."""
    names = [f"{model.name} ({model.config.autoencoder.decoder.head.value})" for model in models]
    name = names[number]
    return name if names.count(name) == 1 else f"{name} of {models[number].folder}"
