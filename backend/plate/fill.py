"""Owns filling the hole that a thing leaves: what stood behind it, made up from what surrounds it. numpy and OpenCV alone.

The hole is filled with places of its surroundings, coarse to fine, so that every patch in it looks like one outside it
(Wexler, Shechtman and Irani, *Space-Time Completion of Video*, PAMI 2007); these patches are found as PatchMatch does (Barnes et
al., SIGGRAPH 2009), in the patches' own principal components. That happens at a reduced size. Full size has the colours
found there, and the detail and grain of the places that they came from. The same picture gives the same filling.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .motion import spread

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

MARGIN = 0.6
"""How far around a hole its filling is looked for, in sides of the hole."""

# Chosen by LPIPS on held-out composites (`python -m benchmarks.hole_filling`).
_REDUCED_PX = 256  # long side of the reduced picture
_LEAST_SIDE_PX = 32  # of the coarsest
_COARSER = 2**-0.5
_RADIUS_PX = 3  # of a patch
_SIDE = 2 * _RADIUS_PX + 1
_COMPONENTS = 24
_ROUNDS = (6, 4, 3, 3, 2)  # of searching and mixing, from the coarsest size on; the last one for all that follow
_ALL_PX = 72 * 72  # pictures so small are searched as a whole
_TOLERANCE = 3.0  # how much worse a patch may fit and still be mixed in
_DEEPER = 1.3  # how much less a patch says for each pixel that it lies deeper in the hole
_BAND_ROWS = 256
_ROUGHNESS = 2.0  # how much it says beside the colours
_SEAM_PX = 6.0  # over which a step at the hole's edge fades out
_SAMPLE = 4000  # patches that the components are learnt from


def filled(picture: Field, hole: Mask) -> Field:
    """The picture (h, w, C), of any scale, with its hole (h, w) filled from what surrounds it; the same where all is hole.

    Nothing of what the hole holds shows in it. C is 3, or 4 with alpha, colour premultiplied.
    """
    if not hole.any() or hole.all():
        return picture
    rows, columns = around(hole)
    part, gap, result = picture[rows, columns], hole[rows, columns], picture.copy()
    scale = min(1.0, _REDUCED_PX / max(gap.shape))
    size_px = max(1, round(gap.shape[1] * scale)), max(1, round(gap.shape[0] * scale))
    small, known = _shrunk(part, ~gap, size_px)
    roughness = _roughness(part, ~gap, size_px)
    completed, offsets = _completed(np.dstack([small, _ROUGHNESS * roughness]), ~known)
    _bring_to_full_size(part, gap, completed[..., :-1], offsets, result[rows, columns])
    return result


def around(hole: Mask) -> tuple[slice, slice]:
    """Rows and columns of a hole (h, w) with as much around it as its filling is made of."""
    spans = []
    found = [np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0)]
    margin = int(MARGIN * max(int(span[-1] - span[0]) + 1 for span in found)) + 8 * _RADIUS_PX
    for span, limit in zip(found, hole.shape, strict=True):
        spans.append(slice(max(0, int(span[0]) - margin), min(limit, int(span[-1]) + 1 + margin)))
    return spans[0], spans[1]


@dataclass
class _Match:
    """A picture (h, w, C) whose hole is being filled: for each patch that touches the hole, the place outside that looks like it.

    targets, sources: flat indices of the patches' middles. index: (h, w) which target a pixel is, -1 for none.
    features: (h w, K) principal components of the patches outside the hole. nearest: (N,) flat index of each target's source.
    """

    picture: Field
    hole: Mask
    targets: Indices
    sources: Indices
    index: Indices
    mean: Field
    components: Field
    features: Field
    nearest: Indices

    @classmethod
    def of(cls, picture: Field, hole: Mask) -> _Match | None:
        """Nothing found yet; None where too few patches lie wholly outside the hole."""
        touches = cv2.dilate(hole.astype(np.uint8), np.ones((_SIDE, _SIDE), np.uint8)) > 0
        inside = np.zeros_like(hole)
        inside[_RADIUS_PX:-_RADIUS_PX, _RADIUS_PX:-_RADIUS_PX] = True
        targets, sources = np.flatnonzero(touches), np.flatnonzero(inside & ~touches)
        if len(sources) <= _COMPONENTS:
            return None
        index = np.full(hole.shape, -1)
        index.flat[targets] = np.arange(len(targets))
        sample = _patches(picture, sources[:: max(1, len(sources) // _SAMPLE)])
        mean = sample.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov((sample - mean).T))
        components = np.ascontiguousarray(vectors[:, ::-1][:, :_COMPONENTS], np.float32)
        features = np.zeros((hole.size, components.shape[1]), np.float32)
        features[sources] = (_patches(picture, sources) - mean) @ components
        return cls(picture, hole, targets, sources, index, mean, components, features, np.zeros(len(targets), np.intp))

    @property
    def offsets(self) -> Indices:
        """(h, w, 2): how many rows and columns away from each pixel its source lies; 0 where there is none."""
        width = self.hole.shape[1]
        offsets = np.zeros((self.hole.size, 2), np.intp)
        for axis, (there, here) in enumerate(zip(np.divmod(self.nearest, width), np.divmod(self.targets, width), strict=True)):
            offsets[self.targets, axis] = there - here
        return offsets.reshape(*self.hole.shape, 2)

    def begin(self, coarser: _Match, random: np.random.Generator) -> None:
        """Take over what a coarser picture has found."""
        (height, width), (high, wide) = self.hole.shape, coarser.hole.shape
        rows, columns = np.divmod(self.targets, width)
        at = (np.minimum((rows + 0.5) * high / height, high - 1).astype(np.intp),
              np.minimum((columns + 0.5) * wide / width, wide - 1).astype(np.intp))  # fmt: skip
        found = coarser.offsets[at]
        down = np.clip(rows + np.rint(found[:, 0] * height / high).astype(np.intp), 0, height - 1)
        across = np.clip(columns + np.rint(found[:, 1] * width / wide).astype(np.intp), 0, width - 1)
        self.nearest = down * width + across
        lost = ~self._is_source(self.nearest) | (coarser.index[at] < 0)
        self.nearest[lost] = self.sources[random.integers(0, len(self.sources), int(lost.sum()))]
        self.mix(np.where(lost, np.float32(1), np.float32(0)))

    def search(self, random: np.random.Generator) -> Field:
        """Find sources that look more like their targets, given what is in the hole now; returns the distances (N,)."""
        wanted = (_patches(self.picture, self.targets) - self.mean) @ self.components
        if self.hole.size <= _ALL_PX:
            return self._search_all(wanted)
        distance = self._distance(self.nearest, wanted)
        height, width = self.hole.shape
        rows, columns = np.divmod(self.targets, width)
        for reach in (2, 1):
            for down, across in ((0, reach), (0, -reach), (reach, 0), (-reach, 0)):
                y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + across, 0, width - 1)
                neighbour = self.index[y, x]
                there = np.divmod(self.nearest[neighbour], width)
                self._try(there[0] - (y - rows), there[1] - (x - columns), neighbour >= 0, wanted, distance)
        reach = max(height, width) // 4
        while reach >= 1:
            there = np.divmod(self.nearest, width)
            shift = random.integers(-reach, reach + 1, (2, len(self.targets)))
            self._try(there[0] + shift[0], there[1] + shift[1], np.ones(len(self.targets), bool), wanted, distance)
            reach //= 3
        return distance

    def mix(self, distance: Field) -> None:
        """Fill the hole: each pixel is a mean of what the patches that hold it say, the well fitting ones above all."""
        depth = cv2.distanceTransform(self.hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3).ravel()[self.targets]
        usual = float(np.percentile(distance, 75)) + 1e-9
        weight = np.exp(-distance / (2 * _TOLERANCE * usual)) * _DEEPER ** -np.minimum(depth, 40) + 1e-8
        said = np.zeros_like(self.picture)
        said.reshape(-1, said.shape[2])[self.targets] = self._said(weight)
        self.picture[self.hole] = (said + self._lacking(said))[self.hole]

    def _said(self, weight: Field) -> Field:
        """(N, C): for each target the mean of what the patches around it say, which count as much as their weights (N,)."""
        (height, width), channels = self.hole.shape, self.picture.shape[2]
        wide = width + 2 * _RADIUS_PX
        rows, columns = np.divmod(self.targets, width)
        middle = (rows + _RADIUS_PX) * wide + columns + _RADIUS_PX  # with room around the picture
        sources = np.full((height + 2 * _RADIUS_PX) * wide, self.sources[0])
        weights = np.zeros(len(sources), np.float32)
        sources[middle], weights[middle] = self.nearest, weight
        flat = self.picture.reshape(-1, channels)
        total, counted = np.zeros((len(middle), channels), np.float32), np.zeros(len(middle), np.float32)
        for down, across in np.ndindex(_SIDE, _SIDE):
            down, across = down - _RADIUS_PX, across - _RADIUS_PX
            patch = middle - (down * wide + across)
            share = weights[patch]
            total += np.take(flat, sources[patch] + (down * width + across), axis=0) * share[:, None]
            counted += share
        return total / np.maximum(counted, 1e-12)[:, None]

    def _lacking(self, said: Field) -> Field:
        """What the mixture (h, w, C) lacks beside the hole's edge, fading out into the hole: no seam is left."""
        beside = ((self.index >= 0) & ~self.hole).astype(np.float32)
        lacking = spread((self.picture - said).transpose(2, 0, 1), beside).transpose(1, 2, 0)
        depth = cv2.distanceTransform(self.hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return np.asarray(lacking * np.exp(-depth / _SEAM_PX)[..., None], np.float32)

    def _search_all(self, wanted: Field) -> Field:
        offered = self.features[self.sources]
        lengths = (offered**2).sum(axis=1)
        for start in range(0, len(wanted), 1024):
            part = slice(start, start + 1024)
            self.nearest[part] = self.sources[(lengths - 2 * wanted[part] @ offered.T).argmin(axis=1)]
        return self._distance(self.nearest, wanted)

    def _try(self, rows: Indices, columns: Indices, allowed: Mask, wanted: Field, distance: Field) -> None:
        height, width = self.hole.shape
        allowed &= (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        candidates = np.where(allowed, rows * width + columns, self.nearest)
        allowed &= self._is_source(candidates)
        candidates = np.where(allowed, candidates, self.nearest)
        tried = self._distance(candidates, wanted)
        better = tried < distance
        self.nearest[better], distance[better] = candidates[better], tried[better]

    def _is_source(self, places: Indices) -> Mask:
        height, width = self.hole.shape
        rows, columns = np.divmod(places, width)
        inside = (np.minimum(rows, columns) >= _RADIUS_PX) & (rows < height - _RADIUS_PX) & (columns < width - _RADIUS_PX)
        return np.asarray(inside & (self.index.ravel()[places] < 0))

    def _distance(self, places: Indices, wanted: Field) -> Field:
        difference = self.features[places] - wanted
        return np.asarray(np.einsum("ij,ij->i", difference, difference), np.float32)


def _completed(picture: Field, hole: Mask) -> tuple[Field, Indices]:
    """The picture (h, w, C) with its hole filled, and how far from each place (h, w, 2) its source lies."""
    sizes = [(picture, hole)]
    while max(hole.shape) * _COARSER >= _LEAST_SIDE_PX and min(hole.shape) * _COARSER >= _LEAST_SIDE_PX / 2:
        picture, known = _shrunk(picture, ~hole, (round(hole.shape[1] * _COARSER), round(hole.shape[0] * _COARSER)), 0.5)
        hole = ~known
        if not hole.any():  # a thin one is gone in so small a picture
            break
        sizes.append((picture, hole))
    random, coarser = np.random.default_rng(0), None
    for number, (small, gap) in enumerate(reversed(sizes)):
        match = _Match.of(np.where(gap[..., None], 0, small).astype(np.float32), gap)
        if match is None:
            continue
        if coarser is None:
            match.picture[...] = _diffused(small, gap)
            match.nearest[:] = match.sources[random.integers(0, len(match.sources), len(match.targets))]
        else:
            match.begin(coarser, random)
        for _ in range(_ROUNDS[min(number, len(_ROUNDS) - 1)]):
            match.mix(match.search(random))
        coarser = match
    picture, hole = sizes[0]
    if coarser is None or coarser.hole is not hole:  # too little surrounds it to be copied from
        return _diffused(picture, hole), np.zeros((*hole.shape, 2), np.intp)
    return coarser.picture, coarser.offsets


def _bring_to_full_size(picture: Field, hole: Mask, small: Field, offsets: Indices, result: Field) -> None:
    """Set the result's hole to the small picture's colours, with the detail of the places that these came from."""
    for start in range(0, len(hole), _BAND_ROWS):
        columns = np.flatnonzero(hole[start : start + _BAND_ROWS].any(axis=0))
        if len(columns):
            band = slice(start, start + _BAND_ROWS), slice(int(columns[0]), int(columns[-1]) + 1)
            y, x = (place.astype(np.float32) for place in np.mgrid[band][:, : len(hole) - start])
            np.copyto(result[band], _detailed(picture, small, offsets, x, y), where=hole[band][..., None])


def _detailed(picture: Field, small: Field, offsets: Indices, x: Field, y: Field) -> Field:
    (height, width), (high, wide) = picture.shape[:2], small.shape[:2]
    x_scale, y_scale = np.float32(wide / width), np.float32(high / height)
    away = offsets[((y + 0.5) * y_scale).astype(np.intp), ((x + 0.5) * x_scale).astype(np.intp)]
    from_x, from_y = (
        x + np.rint(away[..., 1] / x_scale).astype(np.float32),
        y + np.rint(away[..., 0] / y_scale).astype(np.float32),
    )
    here, there = (
        cv2.remap(small, (u + 0.5) * x_scale - 0.5, (v + 0.5) * y_scale - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for u, v in ((x, y), (from_x, from_y))
    )
    source = cv2.remap(picture, from_x, from_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(here + (source - there) * (away != 0).any(axis=2)[..., None], np.float32)


def _roughness(picture: Field, known: Mask, size_px: tuple[int, int]) -> Field:
    """How much detail (h, w) a picture loses where it is shrunk: without it, what is out of focus is filled with what is not."""
    grey = picture.mean(axis=2)[..., None]
    square, mean = (_shrunk(plane, known, size_px)[0] for plane in (grey**2, grey))
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0))[..., 0], np.float32)


def _diffused(picture: Field, hole: Mask) -> Field:
    smooth = spread(picture.transpose(2, 0, 1), 1 - hole.astype(np.float32)).transpose(1, 2, 0)
    return np.ascontiguousarray(np.where(hole[..., None], smooth, picture), np.float32)


def _shrunk(picture: Field, known: Mask, size_px: tuple[int, int], share: float = 0.999) -> tuple[Field, Mask]:
    """The known part of a picture at a smaller size, and which of its pixels are known to at least so large a share."""
    if size_px == known.shape[::-1]:
        return picture, known
    weight = known.astype(np.float32)
    total = cv2.resize(weight, size_px, interpolation=cv2.INTER_AREA)
    planes = [
        cv2.resize(picture[..., channel] * weight, size_px, interpolation=cv2.INTER_AREA) for channel in range(picture.shape[2])
    ]
    return np.asarray(np.dstack(planes) / np.maximum(total, 1e-6)[..., None], np.float32), total >= share


def _patches(picture: Field, middles: Indices) -> Field:
    """(N, D): patches around flat indices, mirrored beyond the picture's border."""
    wide = np.asarray(cv2.copyMakeBorder(picture, *(_RADIUS_PX,) * 4, cv2.BORDER_REFLECT_101))
    views = np.lib.stride_tricks.sliding_window_view(wide, (_SIDE, _SIDE), axis=(0, 1))  # type: ignore[call-overload]
    rows, columns = np.divmod(middles, picture.shape[1])
    return np.ascontiguousarray(views[rows, columns]).reshape(len(middles), -1)
