"""Owns the way to the models: the only module of the backend that imports torch and ipoke_models."""

from __future__ import annotations

import os
import platform
from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

import ipoke_models

from .job import Field, JobCancelledError, ModelFrame
from .protocol.errors import ErrorCode, IpokeError
from .protocol.messages import ModelEntry, ServerInfo, Version
from .protocol.version import PRODUCT_VERSION

_MODELS_KEPT = 2


class ModelUnavailableError(IpokeError):
    """The model is not installed, or damaged."""

    code = ErrorCode.BAD_MODEL


class OutOfMemoryError(IpokeError):
    """The device has not enough memory."""

    code = ErrorCode.OUT_OF_MEMORY


class LoadedModel:
    """A model as a job sees it: numpy in, numpy out."""

    def __init__(self, entry: ModelEntry, model: ipoke_models.Model) -> None:
        self.entry = entry
        self.versions: tuple[Version, ...] = (Version("torch", str(torch.__version__)),)
        self._model = model

    def frames(
        self, x0: Field, pokes: NDArray[np.float64], seed: int, variants: range, cancelled: Callable[[], bool]
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of some variants; raises JobCancelledError, ModelUnavailableError and OutOfMemoryError."""
        still = torch.from_numpy(x0)
        try:
            for step in self._model.stream(still, pokes, len(variants), seed, variants.start, cancelled):
                for position, variant in enumerate(variants):
                    flow = None if step.flow is None else step.flow[position].numpy()
                    visibility = None if step.visibility is None else step.visibility[position, 0].numpy()
                    yield ModelFrame(variant, step.t, step.frames[position].numpy(), flow, visibility)
        except ipoke_models.Cancelled as error:
            raise JobCancelledError from error
        except ipoke_models.ModelError as error:
            raise ModelUnavailableError(str(error)) from error
        except torch.OutOfMemoryError as error:
            raise OutOfMemoryError("The GPU has not enough free memory; close other programs that use it.") from error


class Models:
    """The installed models; each is loaded when it is first asked for, and the last few are kept."""

    def __init__(self) -> None:
        torch.set_grad_enabled(False)
        # One thread: results don't depend on the number of cores, and a busy machine does not stall the others' barrier.
        torch.set_num_threads(1)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()

    def info(self) -> ServerInfo:
        """What this worker runs on and which models it has."""
        device, memory_mb = _device()
        return ServerInfo(PRODUCT_VERSION, device, memory_mb, self._entries())

    def get(self, name: str | None) -> LoadedModel:
        """A model by its name, or the default one; raises ModelUnavailableError."""
        entries = self._entries()
        entry = next((entry for entry in entries if name in (None, entry.name)), None)
        if not entries:
            raise ModelUnavailableError("No model is installed, or none of this version; see `ipoke doctor`.")
        if entry is None:
            have = ", ".join(entry.name for entry in entries)
            raise ModelUnavailableError(f"The model {name} is not installed; choose one of: {have}.")
        loaded = self._loaded.get(entry.sha256)
        if loaded is None:
            loaded = self._loaded[entry.sha256] = self._load(entry)
        self._loaded.move_to_end(entry.sha256)
        while len(self._loaded) > _MODELS_KEPT:
            self._loaded.popitem(last=False)
        return loaded

    def _load(self, entry: ModelEntry) -> LoadedModel:
        try:
            return LoadedModel(entry, ipoke_models.load_model(entry.name, "cuda" if torch.cuda.is_available() else "cpu"))
        except ipoke_models.ModelError as error:
            raise ModelUnavailableError(f"The model {entry.name} can't be loaded: {error}") from error

    def _entries(self) -> tuple[ModelEntry, ...]:
        return tuple(
            ModelEntry(info.name, info.size_px, info.frames, info.max_pokes, info.sha256)
            for info in ipoke_models.installed_models()
        )


def _device() -> tuple[str, int]:
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return properties.name, properties.total_memory // 2**20
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    else:
        memory_mb = 0
    return f"CPU ({platform.machine()})", memory_mb
