"""Is r of true clips Gaussian, as sampling takes for granted?"""

from __future__ import annotations

import numpy as np
import torch

from ..data.store import ClipStore
from ..model import Model
from ..training.codes import CodedClips


@torch.inference_mode()
def residual_moments(model: Model, store: ClipStore, count: int, seed: int) -> dict[str, float]:
    """Moments of r over the first `count` clips, poked and with the posterior's noise as in training.

    0, 1 and 0 for a perfect flow; `ks_distance` is Kolmogorov's and Smirnov's distance to N(0, 1) over all values, 0 to 1, and
    `neighbours` the correlation of values side by side in one channel, which independent ones don't have.
    """
    networks = model.networks
    pokes = model.max_pokes, model.config.poke_size_px
    clips = CodedClips(store, networks.autoencoder, pokes)
    (examples,) = clips.in_order(np.random.default_rng(seed), count, count)
    r, _ = networks.flow.residual(examples.z, networks.conditioner(examples.x0, examples.pokes.maps))
    values = r.flatten().double().sort().values
    normal = 0.5 * (1 + torch.erf(values / 2**0.5))
    empirical = torch.arange(1, len(values) + 1) / len(values)
    return {
        "mean": float(values.mean()),
        "deviation": float(values.std()),
        "excess_kurtosis": float(((values - values.mean()) / values.std()).pow(4).mean() - 3),
        "ks_distance": float((normal - empirical).abs().max()),
        "neighbours": float(torch.corrcoef(torch.stack((r[..., 1:].flatten(), r[..., :-1].flatten())))[0, 1]),
    }
