"""Owns the way to the models: the only module of the backend that imports torch and ipoke_models."""

from __future__ import annotations

import gc
import logging
import os
import platform
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import ipoke_models
from ipoke_models import segmentation
from ipoke_values import Sampling

from ..kinematics_file import ModelId
from ..plate.finding import Patch
from ..protocol.errors import ErrorCode, IpokeError, ProtocolError
from ..protocol.fields import from_plain, to_plain
from ..protocol.messages import Level, Memory, ModelEntry, ServerInfo, Stroke, Variant, Version
from ..protocol.version import PRODUCT_VERSION
from ..worker_link import NUMBER_VARIABLE
from ..worker_memory import LIMIT_VARIABLE, is_out_of_memory, limit_memory, machine_memory_mb
from .model_port import Field, JobCancelledError, ModelFrame, SeenThing
from .thing_job import SegmenterUnavailableError

_LOG = logging.getLogger("ipoke.worker")
_BUDGET_SHARE = 4
_NOTES = 64
BODY_VARIATION = 1.0
"""Of variants whose thing moves as a body, where none is asked for; without one the model's own holds."""
_PICTURES = 2
"""Pictures of which a segmenter keeps what it has computed: some 20 MB each, after very many strokes 130 MB."""


class ModelUnavailableError(IpokeError):
    """The model is not installed, or damaged."""

    code = ErrorCode.BAD_MODEL


class OutOfMemoryError(IpokeError):
    """The device has not enough memory."""

    code = ErrorCode.OUT_OF_MEMORY


class LoadedModel:
    """A model as a job sees it: numpy in, numpy out."""

    group = ipoke_models.GROUP

    def __init__(self, entry: ModelEntry, model: ipoke_models.Model) -> None:
        self.entry = entry
        self.versions: tuple[Version, ...] = (Version("torch", str(torch.__version__)),)
        self.size_mb = (model.folder / "model.safetensors").stat().st_size // 2**20
        self._model = model
        self._batch = self.group

    def frames(
        self,
        x0: Field,
        pokes: NDArray[np.float64],
        sampling: Sampling,
        variants: range,
        cancelled: Callable[[], bool],
        *,
        as_body: bool = False,
        thing: SeenThing | None = None,
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of some variants; raises JobCancelledError, ModelUnavailableError and OutOfMemoryError.

        Fewer variants at a time give the same bytes: what is computed together does not depend on how many are wanted.
        """
        still, made, first = torch.from_numpy(x0), set[tuple[int, int]](), variants.start
        sampling, shown = _for_body(sampling) if as_body else sampling, _shown(thing)
        while first < variants.stop:
            some = range(first, min(first + self._batch, variants.stop))
            try:
                with _translated():
                    drawn = self._model.stream(
                        still, pokes, len(some), sampling, first, cancelled, guided=not as_body, thing=shown
                    )
                    for step in drawn:
                        for frame in _frames(step, some):
                            if (frame.variant, frame.t) not in made:
                                made.add((frame.variant, frame.t))
                                yield frame
                first = some.stop
            except OutOfMemoryError:
                if self._batch == 1:
                    raise
                self._batch //= 2
                _LOG.warning("not enough memory, %s goes on with %d variants together", self.entry.name, self._batch)
                release_cache()

    def variant_residual(
        self,
        x0: Field,
        pokes: NDArray[np.float64],
        variant: Variant,
        *,
        as_body: bool = False,
        thing: SeenThing | None = None,
    ) -> NDArray[np.float32]:
        """Residual (C, 8, 8) of a variant, as it is shown; raises ModelUnavailableError and OutOfMemoryError."""
        sampling = _for_body(variant.sampling) if as_body else variant.sampling
        with _translated():
            still = torch.from_numpy(x0)
            r = self._model.variant_residual(still, pokes, sampling, variant.index, guided=not as_body, thing=_shown(thing))
            return _numpy(r)

    def features(self, x0: Field) -> NDArray[np.float32]:
        """What the model sees of a still's pose, (F,)."""
        with _translated():
            return _numpy(self._model.features(torch.from_numpy(x0)))

    def pose_difference(self, x0: Field) -> None:
        """None: nothing is replayed."""

    def invert(self, clip: Field, pokes: NDArray[np.float64], thing: SeenThing | None = None) -> NDArray[np.float32]:
        """Residual (C, 8, 8) of a clip (T+1, 3, S, S) in [-1, 1]; raises ModelUnavailableError and OutOfMemoryError."""
        with _translated():
            return _numpy(self._model.invert(torch.from_numpy(clip), pokes, _shown(thing)))

    def replay(
        self,
        residual: NDArray[np.float32],
        x0: Field,
        pokes: NDArray[np.float64],
        cancelled: Callable[[], bool],
        thing: SeenThing | None = None,
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of a residual on a still, as variant 0; raises as `frames` does."""
        with _translated():
            r, still = torch.from_numpy(residual), torch.from_numpy(x0)
            for step in self._model.stream_replay(r, still, pokes, cancelled, thing=_shown(thing)):
                yield from _frames(step, range(1))


class LoadedSegmenter:
    """A segmenter as a job sees it."""

    def __init__(self, segmenter: segmentation.Segmenter) -> None:
        self.name, self.max_clicks = segmenter.name, segmenter.max_clicks
        self._segmenter = segmenter
        self._pictures: OrderedDict[object, segmentation.Prepared] = OrderedDict()

    def find(self, key: object, picture: Callable[[], NDArray[np.uint8]], strokes: Sequence[Stroke]) -> dict[Level, Patch]:
        """Coarse masks of part, thing and group under strokes; raises ModelUnavailableError and OutOfMemoryError.

        What was computed of the last pictures, RGB (H, W, 3) of 8 bits, is kept under their keys.
        """
        with _translated():
            if key not in self._pictures:
                self._pictures[key] = self._segmenter.prepare(picture())
            self._pictures.move_to_end(key)
            while len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
            prepared = self._pictures[key]
            found = self._segmenter.masks(prepared, [segmentation.Stroke(stroke.points, stroke.adds) for stroke in strokes])
        width = prepared.size_px[0]
        return {level: _patch(mask, width) for level, mask in zip(Level, (found.part, found.thing, found.group), strict=True)}


def settle_process() -> None:
    """Choose for the whole process what makes the same request give the same bytes, and keep it to its share of memory.

    Call it before `Models`.
    """
    torch.set_grad_enabled(False)
    # One thread: results don't depend on the number of cores, and a busy machine does not stall the others' barrier.
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if not torch.cuda.is_available():  # CUDA maps far more than it uses
        limit_memory(int(os.environ.get(LIMIT_VARIABLE) or 0))


class Models:
    """The installed models; each is loaded when it is first asked for, and the last few are kept within a budget."""

    def __init__(self, budget_mb: int | None = None) -> None:
        self._device = _device()
        self._budget_mb = _memory_mb(self._device) // _BUDGET_SHARE if budget_mb is None else budget_mb
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()
        self._segmenter: LoadedSegmenter | None = None
        self._noted: set[str] = set()

    def info(self) -> ServerInfo:
        """What this worker runs on and which models it has."""
        return ServerInfo(PRODUCT_VERSION, _device_name(self._device), _memory_mb(self._device), tuple(self._installed()))

    def memory(self) -> Memory:
        """What is loaded, and the memory that this worker takes of its device."""
        names = [model.entry.name for model in self._loaded.values()]
        return Memory((*names, *([] if self._segmenter is None else [self._segmenter.name])), _used_mb(self._device))

    def unload(self) -> None:
        """Forget every loaded model and give their memory back."""
        self._loaded.clear()
        self._segmenter = None
        release_cache()

    def segmenter(self) -> LoadedSegmenter:
        """The network that finds what clicks stand on, loaded when it is first asked for; raises SegmenterUnavailableError."""
        if self._segmenter is None:
            installed = ipoke_models.survey().segmenters
            if not installed:
                raise SegmenterUnavailableError(
                    "No segmenter is installed that could find the thing; give its mask, or paint it."
                )
            try:
                with _translated():
                    self._segmenter = LoadedSegmenter(segmentation.load_segmenter(installed[0].folder, str(self._device)))
            except ModelUnavailableError as error:
                raise SegmenterUnavailableError(f"The segmenter {installed[0].name} can't be loaded: {error}") from error
        return self._segmenter

    def get(self, name: str | None, made_by: ModelId | None = None) -> LoadedModel:
        """A model by its name, or without one the model that kinematics were made by, or the default one.

        Raises ModelUnavailableError.
        """
        folders = self._installed()
        entries = tuple(folders)
        if name is None and made_by is not None:
            name = next((entry.name for entry in entries if entry.sha256 == made_by.sha256), made_by.name)
        entry = next((entry for entry in entries if name in (None, entry.name)), None)
        if not entries:
            raise ModelUnavailableError("No model is installed, or none of this version; see `ipoke doctor`.")
        if entry is None:
            have = ", ".join(entry.name for entry in entries)
            raise ModelUnavailableError(f"The model {name} is not installed; choose one of: {have}.")
        loaded = self._loaded.get(entry.sha256)
        if loaded is None:
            loaded = self._loaded[entry.sha256] = self._load(entry, folders[entry])
        self._loaded.move_to_end(entry.sha256)
        while len(self._loaded) > 1 and sum(model.size_mb for model in self._loaded.values()) > self._budget_mb:
            self._loaded.popitem(last=False)
        return loaded

    def _load(self, entry: ModelEntry, folder: Path) -> LoadedModel:
        with _translated():
            try:
                return LoadedModel(entry, ipoke_models.load_model(folder, str(self._device)))
            except ipoke_models.ModelError as error:
                raise ModelUnavailableError(f"The model {entry.name} can't be loaded: {error}") from error

    def _installed(self) -> dict[ModelEntry, Path]:
        """The models that a client can be told of, the default first, and their folders; what is left out is logged once."""
        survey = ipoke_models.survey()
        for one in survey.left_out:
            self._note(one.reason)
        found = {}
        for info in survey.models:
            entry = ModelEntry(info.name, info.size_px, info.frames, info.max_pokes, info.sha256)
            try:
                found[from_plain(ModelEntry, to_plain(entry))] = info.folder
            except ProtocolError as error:
                self._note(f"{info.folder}: {error.sentence}")
        return found

    def _note(self, reason: str) -> None:
        if reason not in self._noted and len(self._noted) < _NOTES:
            self._noted.add(reason)
            _LOG.warning("a model is left out: %s", reason)


def release_cache() -> None:
    """Give memory that is not in use back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _frames(step: ipoke_models.StreamedFrame, variants: range) -> Iterator[ModelFrame]:
    for position, variant in enumerate(variants):
        flow = None if step.flow is None else step.flow[position].numpy()
        visibility = None if step.visibility is None else step.visibility[position, 0].numpy()
        residual = None if step.residual is None else step.residual[position].numpy()
        shift = None if step.shift is None else step.shift[position].numpy()
        error_px = None if step.error_px is None else step.error_px[position, 0].numpy()
        yield ModelFrame(variant, step.t, step.frames[position].numpy(), flow, visibility, residual, shift, error_px)


def _shown(thing: SeenThing | None) -> ipoke_models.Thing | None:
    return None if thing is None else ipoke_models.Thing(torch.from_numpy(thing.mask), thing.pins)


def _patch(mask: segmentation.LevelMask, width: int) -> Patch:
    square = mask.square
    score = min(max(mask.score, 0.0), 1.0)
    return Patch(mask.values, square.x / width, square.y / width, square.side / width, score)


def _for_body(sampling: Sampling) -> Sampling:
    """How what moves as a body is drawn: it meets the pokes and holds what the flow tears, so it takes the flow's own draws."""
    return replace(sampling, variation=BODY_VARIATION) if sampling.variation is None else sampling


def _numpy(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.float().cpu().numpy()
    return array


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the models' errors into the backend's."""
    try:
        yield
    except ipoke_models.Cancelled as error:
        raise JobCancelledError from error
    except ipoke_models.ModelError as error:
        raise ModelUnavailableError(str(error)) from error
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError("The GPU has not enough free memory; close other programs that use it.") from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError("The machine has not enough free memory; close other programs.") from error


def _device() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get(NUMBER_VARIABLE, "0")) % torch.cuda.device_count())


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({platform.machine()})"


def _memory_mb(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 2**20
    return machine_memory_mb()


def _used_mb(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device) // 2**20
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    except OSError:
        return 0
