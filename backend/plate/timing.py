"""Owns time: which mixture of key fields each output frame shows. Key fields are linear, so an instant is a row of weights.

Keys are joined by Catmull-Rom splines, which keep position and velocity from one to the next. Where clips are joined, or a
loop is closed, a cubic Hermite bridge takes over with the position and velocity of what it leaves and reaches both of what
follows (https://en.wikipedia.org/wiki/Cubic_Hermite_spline).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Easing, Loop, Playback, Seam

Rows = NDArray[np.float64]

_BRIDGE_SLACK = 1.5
_LEAST_BRIDGE = 2.0
_STEP = 1e-3
_PHASES = 96
_STILL = 1e-6
_DAMPING, _SWING = 5.0, 8.0
"""Of the swing back to the still, for the time that it takes: it goes beyond by exp(-pi 5 / 8) = 0.14 of the way."""
_CALM = 0.6
"""Share of that time after which what is left of the swing fades out."""


@dataclass(frozen=True)
class Timeline:
    """Weights (N, K) of the keys for frames 1 to N, and how a loop closes (None for clips that don't loop)."""

    rows: Rows
    seam: Seam | None

    def around(self, index: int) -> tuple[Rows, Rows, Rows]:
        """Weights of the frames before, at and after frame `index` (0 .. N - 1); before the first one stands the still."""
        count, loops = len(self.rows), self.seam is not None
        still = np.eye(1, self.rows.shape[1])[0]
        before = self.rows[index - 1] if index > 0 or loops else still
        after = self.rows[(index + 1) % count] if index + 1 < count or loops else self.rows[index]
        return before, self.rows[index], after


@dataclass(frozen=True)
class _Path:
    """A path through key space: `at(u)` (K,) for u in [0, length]."""

    length: float
    at: Callable[[float], Rows]


def timeline(playback: Playback, clips: int, frames: int, samples: Rows) -> Timeline:
    """Plan the output of `clips` joined clips of T = `frames` keys after the still.

    Keys are the clips' (T + 1) keys one after the other. `samples` (K, D) are the keys' values at some places: they say
    how far and how fast things move, for the search of the best loop.
    """
    path = _chain(clips, frames, samples)
    kind, count = playback.loop, playback.frames_of(frames)
    if kind is Loop.CLOSED:
        closed = _closed(path, samples)
        if closed is not None:
            rows, seam = _looped(closed, count, Loop.CLOSED, samples)
            if seam.closes:
                return Timeline(_held(rows, playback.hold), seam)
        kind = Loop.PING_PONG
    if kind is Loop.PING_PONG:
        there_and_back = _Path(2 * path.length, lambda u: path.at(path.length * 0.5 * (1 - np.cos(np.pi * u / path.length))))
        rows, seam = _looped(there_and_back, count, Loop.PING_PONG, samples)
        return Timeline(_held(rows, playback.hold), seam)
    if kind is Loop.SETTLE:
        back = _settling(path)
        rows = np.stack([back.at(back.length * i / count) for i in range(1, count + 1)])
        # Held from the end, so that the last drawing is the still.
        return Timeline(_held(rows[::-1], playback.hold)[::-1], measure_seam(kind, rows @ samples))
    rows = np.stack([path.at(path.length * ease(playback.easing, i / count)) for i in range(1, count + 1)])
    return Timeline(_held(rows, playback.hold), None)


def ease(easing: Easing, share: float) -> float:
    """How far a clip is after a share of its time, both in [0, 1]."""
    match easing:
        case Easing.IN:
            return share * share
        case Easing.OUT:
            return share * (2 - share)
        case Easing.IN_OUT:
            return share * share * (3 - 2 * share)
        case Easing.LINEAR:
            return share


def measure_seam(loop: Loop, values: Rows) -> Seam:
    """How a loop of frames with values (N, D) closes, against the steps inside it; all in the values' unit."""
    steps = np.diff(np.concatenate([values, values[:2]]), axis=0)  # the last two steps cross the seam
    lengths = _length(steps)
    turns = _length(np.diff(steps, axis=0))
    inside = lengths[: len(values) - 1]
    before_and_after = turns[len(values) - 2 :] if len(values) > 2 else turns
    return Seam(loop, float(lengths[len(values) - 1]), float(before_and_after[:2].max()), float(np.median(inside)))


def _chain(clips: int, frames: int, samples: Rows) -> _Path:
    """Clips one after the other: forwards, then backwards, and so on, joined by bridges that carry the velocity."""
    keys = clips * (frames + 1)
    parts: list[_Path] = []
    for clip in range(clips):
        backwards = clip % 2 == 1
        own = _Path(float(frames), partial(_play, clip=clip, frames=frames, keys=keys, backwards=backwards))
        if parts:
            parts.append(_bridge(parts[-1], own, samples))
        parts.append(own)
    starts = np.cumsum([0.0, *(part.length for part in parts)])

    def at(u: float) -> Rows:
        index = int(np.clip(np.searchsorted(starts, u, side="right") - 1, 0, len(parts) - 1))
        return parts[index].at(float(u - starts[index]))

    return _Path(float(starts[-1]), at)


def _play(time: float, clip: int, frames: int, keys: int, backwards: bool) -> Rows:
    return _spline(frames - time if backwards else time, clip, frames, keys)


def _spline(time: float, clip: int, frames: int, keys: int) -> Rows:
    """Weights of a Catmull-Rom spline through the keys of one clip, at 0 <= time <= T."""
    left = int(min(max(time, 0), frames - 1))
    s = time - left
    weights = (
        -0.5 * s + s**2 - 0.5 * s**3,
        1 - 2.5 * s**2 + 1.5 * s**3,
        0.5 * s + 2 * s**2 - 1.5 * s**3,
        -0.5 * s**2 + 0.5 * s**3,
    )
    row = np.zeros(keys)
    first = clip * (frames + 1)
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        place = left + offset
        if 0 <= place <= frames:
            row[first + place] += weight
        else:
            # Beyond an end, the spline goes on as straight as it came: k[-1] = 2 k[0] - k[1].
            end, inner = (0, 1) if place < 0 else (frames, frames - 1)
            row[first + end] += 2 * weight
            row[first + inner] -= weight
    return row


def _bridge(leaving: _Path, reaching: _Path, samples: Rows) -> _Path:
    """A Hermite curve from the end of one path to the start of another."""
    start, goal = leaving.at(leaving.length), reaching.at(0.0)
    start_speed, goal_speed = _velocity(leaving, leaving.length), _velocity(reaching, 0.0)
    distance = float(_length((goal - start) @ samples))
    speed = 0.5 * (_mean_speed(leaving, samples) + _mean_speed(reaching, samples))
    longest = max(_LEAST_BRIDGE, 0.5 * (leaving.length + reaching.length))
    length = float(np.clip(_BRIDGE_SLACK * distance / max(speed, _STILL), _LEAST_BRIDGE, longest))

    def at(u: float) -> Rows:
        s = u / length
        return np.asarray(
            (1 + 2 * s) * (1 - s) ** 2 * start
            + s * (1 - s) ** 2 * length * start_speed
            + s * s * (3 - 2 * s) * goal
            + s * s * (s - 1) * length * goal_speed
        )

    return _Path(length, at)


def _closed(path: _Path, samples: Rows) -> _Path | None:
    """The smoothest loop of a part [a, b] of the path and a bridge back; None where nothing moves."""
    if _mean_speed(path, samples) < _STILL:
        return None
    times = np.linspace(0, path.length, 2 * int(np.ceil(path.length)) + 1)
    best: tuple[float, _Path] | None = None
    for index, a in enumerate(times):
        for b in times[index + 1 :]:
            if b - a < 0.4 * path.length:
                continue
            loop = _with_bridge(path, float(a), float(b), samples)
            cost = _roughness(loop, samples) * (loop.length / (b - a))
            if best is None or cost < best[0]:
                best = cost, loop
    return None if best is None else best[1]


def _settling(path: _Path) -> _Path:
    """A path begun from rest, and from its end a damped swing back to the still, where it comes to rest."""
    still = path.at(0.0)
    end, speed = path.at(path.length) - still, _velocity(path, path.length) * path.length
    sway = (speed + _DAMPING * end) / _SWING

    def at(u: float) -> Rows:
        share = u / path.length
        if share < 1:
            return path.at(path.length * share * share * (2 - share))
        time = share - 1
        swing = np.exp(-_DAMPING * time) * (end * np.cos(_SWING * time) + sway * np.sin(_SWING * time))
        return np.asarray(still + swing * (1 - ease(Easing.IN_OUT, max(0.0, (time - _CALM) / (1 - _CALM)))))

    return _Path(2 * path.length, at)


def _with_bridge(path: _Path, a: float, b: float, samples: Rows) -> _Path:
    part = _Path(b - a, lambda u: path.at(a + u))
    back = _bridge(part, part, samples)
    return _Path(part.length + back.length, lambda u: part.at(u) if u < part.length else back.at(u - part.length))


def _roughness(loop: _Path, samples: Rows) -> float:
    """The sharpest turn, relative to the mean speed."""
    values = np.stack([loop.at(u) for u in np.arange(0, loop.length, 0.5)]) @ samples
    steps = np.diff(np.concatenate([values, values[:2]]), axis=0)
    return float(_length(np.diff(steps, axis=0)).max() / max(float(_length(steps).mean()), _STILL))


def _looped(loop: _Path, count: int, kind: Loop, samples: Rows) -> tuple[Rows, Seam]:
    """The loop cut into frames, begun at the phase where its seam shows least."""
    best: tuple[float, Rows, Seam] | None = None
    for phase in np.arange(_PHASES) / _PHASES:
        rows = np.stack([loop.at(loop.length * ((phase + i / count) % 1.0)) for i in range(count)])
        seam = measure_seam(kind, rows @ samples)
        worst = max(seam.position_px, seam.velocity_px)
        if best is None or worst < best[0]:
            best = worst, rows, seam
    assert best is not None
    return best[1], best[2]


def _held(rows: Rows, hold: int) -> Rows:
    """On ones, twos, threes: each drawing stays for `hold` frames."""
    return rows[np.arange(len(rows)) // hold * hold]


def _velocity(path: _Path, u: float) -> Rows:
    low, high = max(0.0, u - _STEP), min(path.length, u + _STEP)
    return np.asarray((path.at(high) - path.at(low)) / (high - low))


def _mean_speed(path: _Path, samples: Rows) -> float:
    values = np.stack([path.at(u) for u in np.linspace(0, path.length, max(2, round(path.length)) + 1)]) @ samples
    return float(sum(_length(after - before) for before, after in pairwise(values)) / path.length)


def _length(values: Rows) -> Rows:
    """Root mean square over the last axis."""
    return np.sqrt((values**2).mean(axis=-1))
