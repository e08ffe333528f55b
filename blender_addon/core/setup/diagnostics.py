"""The text that goes into a report of something that went wrong. It names no file of the artist's. No bpy."""

from __future__ import annotations

import platform
from pathlib import Path

from ..._vendor.protocol.version import PRODUCT_VERSION, PROTOCOL_VERSION
from ..jobs.app import AppState

LOG_BYTES = 8192


def text(state: AppState, blender: str, log: Path | None) -> str:
    """Return versions, the backend's state, what is open, and the last lines of the backend's log."""
    backend = state.backend
    lines = [
        f"iPOKE {PRODUCT_VERSION}, protocol {PROTOCOL_VERSION}",
        f"Blender {blender}, Python {platform.python_version()}, {platform.platform()}",
        f"Backend: {backend.phase.name.lower()}: {backend.sentence}",
    ]
    if backend.info is not None:
        models = ", ".join(f"{model.name} {model.sha256[:12]}" for model in backend.info.models)
        lines.append(f"Backend {backend.info.version} on {backend.info.device}, {backend.info.memory_mb} MB; models: {models}")
    if backend.used_mb is not None:
        lines.append(f"Loaded models take {backend.used_mb} MB")
    lines += [f"Job {job.job_id}: {job.kind.name.lower()}, {job.phase.name.lower()}: {job.sentence}" for job in state.jobs]
    return "\n".join([*lines, "", "Log of the backend:", _tail(log)]) + "\n"


def _tail(log: Path | None) -> str:
    if log is None:
        return "none"
    try:
        return log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace").strip() or "empty"
    except OSError as error:
        return f"can't be read: {error.strerror}"
