"""How much of the picture follows a poked stem, leaf or flower head: in procedural plants, and as models expect it.

    python -m benchmarks.followers garden-64 plants-64 --cutouts STAMPS --photos PHOTOS --mocap MOTIONS

In each held-out scene of the recipe `stems`, a place of the poked part is poked again, with its true motion. The mean motion of
the whole picture in the last frame, read by DIS, is given in percent of the arrow: of the clip, and of one variant a model.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ipoke_models.data.procedural.clips import Clip, render
from ipoke_models.data.procedural.motion import Follow
from ipoke_models.data.procedural.recipes import STEMS
from ipoke_models.data.procedural.scene_source import SceneSource
from ipoke_models.data.procedural.scenes import Scene
from ipoke_models.evaluation.columns import Column, Table
from ipoke_models.evaluation.examples import MARGIN_PX
from ipoke_models.evaluation.report import markdown_table
from ipoke_models.metrics.estimates import Estimate, estimate
from ipoke_models.metrics.measures import motion_between
from ipoke_models.model import load_model
from ipoke_models.sampling.pokes import pixels_to_pokes
from ipoke_values import Sampling

SEED, SIZE_PX, FRAMES = 2, 64, 10
SHORTEST_PX = 2.5
KINDS = {kind: Column(kind, kind, 1) for kind in ("stem", "leaf", "head")}
TABLE = Table("mean motion of the picture, % of the arrow", tuple(KINDS.values()))


@dataclass(frozen=True)
class Touch:
    """A clip and a poke (x, y, dx, dy in fractions) on its poked part, of kind `kind`."""

    clip: Clip
    kind: str
    poke: list[float]


def touches(source: SceneSource, count: int) -> Iterator[Touch]:
    """Of the first `count` scenes those whose poked part can be seen to move, away from the border."""
    for index in range(count):
        scene = source.scene(index)
        clip = render(scene, SIZE_PX, FRAMES)
        assert clip.foreground is not None
        flow = clip.forward[-1]
        inside = np.zeros_like(clip.foreground)
        inside[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
        places = np.argwhere(clip.foreground & inside & (np.linalg.norm(flow, axis=-1) > SHORTEST_PX))
        if not len(places):
            continue
        row, column = place = places[np.random.default_rng([SEED, index]).integers(len(places))]
        poke = pixels_to_pokes(place[None], flow[None, row, column], SIZE_PX)[0]
        yield Touch(clip, kind_at(scene, row, column), poke.tolist())


def kind_at(scene: Scene, row: int, column: int) -> str:
    """What the poked part at a pixel is: a head is carried stiffly, a stem carries others, a leaf carries none."""
    carriers = {id(step.parent) for layer in scene.layers for step in layer.motion.parts if isinstance(step, Follow)}
    for layer in reversed([layer for layer in scene.layers if layer.touched]):
        window, texture = layer.patch.within(SIZE_PX)
        shown = np.zeros((SIZE_PX, SIZE_PX), np.float32)
        shown[window] = texture[..., 3]
        if shown[row, column] > 0.5:
            first = layer.motion.parts[0]
            return "head" if isinstance(first, Follow) else "stem" if id(first) in carriers else "leaf"
    raise AssertionError("no poked part is there")


def share(x0: torch.Tensor, last: torch.Tensor, poke: list[float]) -> float:
    """Mean motion from x0 to the last frame, (3, S, S) each, in percent of the arrow."""
    motion = np.linalg.norm(motion_between(x0, last), axis=-1).mean()
    return float(100 * motion / (SIZE_PX * math.hypot(*poke[2:])))


def summed_up(by_kind: dict[str, list[float]]) -> dict[Column, Estimate]:
    """The cells of a row; none where there was no such poke."""
    estimates = ((KINDS[kind], estimate(np.array(found)[:, None])) for kind, found in by_kind.items())
    return {column: cell for column, cell in estimates if cell is not None}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--cutouts", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--mocap", type=Path)
    parser.add_argument("--count", type=int, default=300, help="scenes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = {name: load_model(name) for name in options.models}
    source = SceneSource(STEMS, SEED, SIZE_PX, FRAMES, options.cutouts, options.photos, options.mocap, held_out=True)
    shares: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in KINDS} for name in ("the clips", *models)}
    for touch in touches(source, options.count):
        frames = torch.from_numpy(touch.clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
        shares["the clips"][touch.kind].append(share(frames[0], frames[-1], touch.poke))
        for name, model in models.items():
            last = model.sample(frames[0], [touch.poke], 1, Sampling(SEED))[0, -1]
            shares[name][touch.kind].append(share(frames[0], last, touch.poke))
    print(markdown_table(TABLE, {name: summed_up(by_kind) for name, by_kind in shares.items()}))
    print("\nClips: " + ", ".join(f"{len(shares['the clips'][kind])} {kind}" for kind in KINDS))


if __name__ == "__main__":
    main()
