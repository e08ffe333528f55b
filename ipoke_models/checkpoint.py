"""Model folders: `config.json` + `model.safetensors` + `model_card.md`. No pickle.

The weights are stored with spectral and weight norms folded. `config.json` holds their SHA-256, since safetensors itself
notices neither flipped bits nor NaN.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .config import ModelConfig, from_dict, to_dict
from .errors import CheckpointError
from .layers import folded_state
from .networks import Networks, without_norms

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model_card.md"
_FORMAT = "ipoke-model-1"
_HASH_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True)
class Manifest:
    """What `config.json` says: enough to list a model without reading its weights."""

    name: str
    networks: ModelConfig
    sha256: str
    """SHA-256 of `model.safetensors`, in hexadecimal."""


def require_free(folder: Path) -> None:
    """Raises CheckpointError where a model written to `folder` would replace anything but a model."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG_FILE).is_file()):
        raise CheckpointError(f"{folder} holds something else than a model; give another folder for the model.")


def save_model(folder: Path, networks: Networks, name: str, card: str) -> Manifest:
    """Writes a model folder in one step: readers see the old folder or the whole new one.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model.
    """
    sizes = without_norms(networks.config)
    digest = write_folder(folder, folded_state(networks), _FORMAT, lambda sha256: to_dict(Manifest(name, sizes, sha256)), card)
    return Manifest(name, sizes, digest)


def write_folder(
    folder: Path, weights: Mapping[str, Tensor], format_name: str, manifest: Callable[[str], Mapping[str, object]], card: str
) -> str:
    """Writes weights, `config.json` (what `manifest` makes of the weights' SHA-256) and card in one step; returns the SHA-256.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model.
    """
    require_free(folder)
    state = {key: value.contiguous() for key, value in weights.items()}
    _require_finite(state, "the networks")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    staging.mkdir()
    try:
        save_file(state, staging / WEIGHTS_FILE)
        (staging / WEIGHTS_FILE).chmod(0o644)  # safetensors lets the owner alone read it
        digest = sha256_of(staging / WEIGHTS_FILE)
        document = {"format": format_name, **manifest(digest)}
        (staging / CONFIG_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        (staging / CARD_FILE).write_text(card, encoding="utf-8")
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return digest


def read_manifest(folder: Path) -> Manifest:
    """Reads `config.json` alone.

    Raises:
        ModelError: the folder holds no model of this version.
    """
    return from_dict(Manifest, read_config(folder, _FORMAT), str(folder / CONFIG_FILE))


def read_config(folder: Path, format_name: str) -> dict[str, object]:
    """What `config.json` holds, without its format.

    Raises:
        CheckpointError: it can't be read, or has another format.
    """
    path = folder / CONFIG_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{folder} is no model folder: {CONFIG_FILE} can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON; get the model again.") from error
    if not isinstance(document, dict) or document.pop("format", None) != format_name:
        raise CheckpointError(f"{path} does not say format {format_name}; it was written by another version of the models.")
    return document


def load_networks(folder: Path, device: str | torch.device = "cpu") -> tuple[Manifest, Networks]:
    """The networks of a model folder, ready for inference: eval mode, no gradients, norms folded.

    Raises:
        ModelError: a file is missing, damaged or of another shape than `config.json` says.
    """
    manifest = read_manifest(folder)
    with torch.device("meta"):
        networks = Networks(manifest.networks)
    state = read_weights(folder, networks.state_dict(), manifest.sha256, device)
    networks.load_state_dict(state, assign=True)
    return manifest, networks.eval().requires_grad_(False)


def read_weights(
    folder: Path, expected: Mapping[str, Tensor], sha256: str, device: str | torch.device = "cpu"
) -> dict[str, Tensor]:
    """The weights of a model folder, of the names, shapes and types that are expected.

    Raises:
        CheckpointError: the file is missing, damaged, or holds other weights.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS_FILE}; get the model again.")
    found = sha256_of(path)
    try:
        state = load_file(path, device=str(device))
    except SafetensorError as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}); get the model again.") from error
    _require_same(expected, state, str(path))
    _require_finite(state, str(path))
    if found != sha256:
        raise CheckpointError(f"{path} has another SHA-256 than {CONFIG_FILE} says; get the model again.")
    return state


def read_card(folder: Path) -> str:
    """The model card, Markdown; empty where there is none."""
    path = folder / CARD_FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _publish(staging: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(staging, folder)
        return
    old = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    os.rename(folder, old)
    os.rename(staging, folder)
    shutil.rmtree(old)


def _require_same(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], where: str) -> None:
    for kind, keys in (("lacks", expected.keys() - found.keys()), ("has unknown", found.keys() - expected.keys())):
        if keys:
            raise CheckpointError(f"{where} {kind} tensors, such as {min(keys)} ({len(keys)} in all); get the model again.")
    for key, tensor in expected.items():
        if tensor.shape != found[key].shape or tensor.dtype != found[key].dtype:
            raise CheckpointError(
                f"{where}: {key} is {_kind(found[key])}, but {CONFIG_FILE} asks for {_kind(tensor)}; get the model again."
            )


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _require_finite(state: Mapping[str, Tensor], where: str) -> None:
    for key, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"{where}: {key} holds values that are not finite; the model can't be used.")
