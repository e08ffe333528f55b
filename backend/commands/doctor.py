"""Owns `ipoke doctor`: looks at everything the backend needs and says how to mend what is missing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

import zmq

from ..child_python import python_command
from ..client.connection_file import ConnectionFile
from ..client.errors import LinkError
from ..client.paths import default_runtime_dir
from ..client.private_files import PrivateFileError, make_private_folder
from ..config import ClusterConfig
from ..front.cluster.cluster import Cluster, ClusterError
from ..protocol.version import PRODUCT_VERSION, PROTOCOL_VERSION
from . import children, models
from .console import say
from .workers import CLUSTERS, read_cluster

_CHILD_LIMIT_S = 120.0
_DISK_MB = 1024
_MOST_LEFT_OUT = 8
_PACKAGES = ("numpy", "opencv-python-headless", "OpenImageIO", "av", "pyzmq", "msgpack", "safetensors")
_TORCH_PROBE = """
import json, torch
gpu, why = None, None
if torch.cuda.is_available():
    gpu = torch.cuda.get_device_name(0)
elif torch.version.cuda is None:
    why = "this PyTorch was built without CUDA"
else:
    try:
        torch.cuda.init()
    except Exception as error:
        why = str(error).splitlines()[0]
print(json.dumps({"version": torch.__version__, "gpu": gpu, "why": why}))
"""


class Health(StrEnum):
    """How a finding matters."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and how to mend it."""

    what: str
    health: Health
    seen: str
    fix: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument("--workers", metavar="RAY", help="try this cluster too: " + CLUSTERS)


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; returns 1 when one of them is bad."""
    cluster = None if arguments.workers is None else read_cluster(arguments.workers)
    checks: tuple[Callable[[], list[Finding]], ...] = (
        _python, _python_settings, _torch, _models, _runtime_folder, _running, _port, _keys, _disk, _versions,
        lambda: _ray(cluster),
    )  # fmt: skip
    findings = [finding for check in checks for finding in check()]
    if arguments.json:
        say(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        for finding in findings:
            say(f"{finding.health.value:>4}  {finding.what}: {finding.seen}")
            if finding.fix:
                say(f"      fix: {finding.fix}")
    return int(any(finding.health is Health.BAD for finding in findings))


def _python() -> list[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    seen = f"{platform.python_version()} in {sys.prefix}"
    if supported:
        return [Finding("Python", Health.GOOD, seen)]
    return [Finding("Python", Health.BAD, seen, "install ipoke into an environment with Python 3.11, 3.12 or 3.13.")]


def _torch() -> list[Finding]:
    code, output, errors = children.read_output([sys.executable, "-P", "-c", _TORCH_PROBE], _CHILD_LIMIT_S)
    if code != 0:
        words = errors.strip().splitlines()
        reason = words[-1] if words else "it ended without a word"
        return [Finding("PyTorch", Health.BAD, f"can't be imported: {reason}", "install it again: pip install ipoke")]
    told = json.loads(output)
    good = Finding("PyTorch", Health.GOOD, told["version"])
    if told["gpu"]:
        return [good, Finding("GPU", Health.GOOD, told["gpu"])]
    fix = "the processor does the work, slower; for a graphics card install its driver and the CUDA build of PyTorch."
    return [good, Finding("GPU", Health.NOTE, f"none: {told['why']}", fix)]


def _models() -> list[Finding]:
    command = [*python_command(models.MODULE), "--json"]
    code, output, errors = children.read_output(command, _CHILD_LIMIT_S)
    if code != 0:
        words = errors.strip().splitlines()
        return [Finding("Models", Health.BAD, words[-1] if words else "unknown", "install ipoke again.")]
    told = json.loads(output)
    names = [f"{row['name']} ({row['size_px']} px, {row['frames']} frames)" for row in told["models"]]
    fix = "install ipoke again, or name a folder of models in the environment variable IPOKE_MODELS."
    found = Finding("Models", Health.GOOD, ", ".join(names)) if names else Finding("Models", Health.BAD, "none installed", fix)
    finders = ", ".join(row["name"] for row in told["segmenters"])
    without = (
        "without one a thing is known by alpha, masks, clean plates and strokes alone; name a folder with one in IPOKE_MODELS."
    )
    segmenter = Finding("Segmenter", Health.GOOD, finders) if finders else Finding("Segmenter", Health.NOTE, "none", without)
    left_out = [Finding("Model left out", Health.NOTE, row["reason"]) for row in told["left_out"]]
    more = len(left_out) - _MOST_LEFT_OUT
    tail = [Finding("Models left out", Health.NOTE, f"{more} more", "see `ipoke models`.")] if more > 0 else []
    return [found, segmenter, *left_out[:_MOST_LEFT_OUT], *tail]


def _runtime_folder() -> list[Finding]:
    folder = default_runtime_dir()
    try:
        make_private_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except (OSError, PrivateFileError) as error:
        why = error.sentence if isinstance(error, PrivateFileError) else f"{folder}: {error.strerror}"
        fix = "make the folder your own and writable, or set XDG_RUNTIME_DIR to one that is."
        return [Finding("Runtime folder", Health.BAD, why, fix)]
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and not folder.is_relative_to(named):
        fix = "unset it, or make it a folder of your own that others can't write to (chmod 700)."
        return [Finding("Runtime folder", Health.NOTE, f"{folder}, for XDG_RUNTIME_DIR ({named}) is not yours alone", fix)]
    return [Finding("Runtime folder", Health.GOOD, str(folder))]


def _python_settings() -> list[Finding]:
    """What changes where Python finds packages: a backend is started without it, but Python starts this command with it."""
    named = [f"{name}={os.environ[name]}" for name in ("PYTHONPATH", "PYTHONHOME") if os.environ.get(name)]
    fix = "the backend doesn't use it; unset it where ipoke or another program finds the wrong packages."
    return [Finding("Environment", Health.NOTE, ", ".join(named), fix)] if named else []


def _running() -> list[Finding]:
    file = default_runtime_dir() / "connection.json"
    if not file.exists():
        return [Finding("Running backend", Health.GOOD, "none, one is started when it is needed")]
    try:
        target = ConnectionFile.read(file)
    except LinkError as error:
        return [Finding("Running backend", Health.NOTE, error.sentence, f"remove {file}.")]
    if target.is_stale():
        fix = "nothing to do, `ipoke serve` replaces it."
        return [Finding("Running backend", Health.NOTE, f"ended, but {file} is still there", fix)]
    return [Finding("Running backend", Health.GOOD, f"{target.address}:{target.port}, pid {target.pid}")]


def _port() -> list[Finding]:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        try:
            port = socket.bind_to_random_port("tcp://127.0.0.1")
        except zmq.ZMQError as error:
            fix = "allow programs to listen on 127.0.0.1 in the firewall."
            return [Finding("Loopback port", Health.BAD, str(error), fix)]
    return [Finding("Loopback port", Health.GOOD, f"127.0.0.1:{port} can be listened on")]


def _keys() -> list[Finding]:
    if zmq.has("curve"):
        return [Finding("Encryption", Health.GOOD, f"CURVE in libzmq {zmq.zmq_version()}")]
    return [Finding("Encryption", Health.BAD, "libzmq has no CURVE", "install pyzmq from its wheel: pip install pyzmq")]


def _disk() -> list[Finding]:
    folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    try:
        free_mb = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        seen = f"{folder} can't be used ({error.strerror})"
        return [Finding("Disk", Health.BAD, seen, "let TMPDIR name a folder that is there, or unset it.")]
    seen = f"{free_mb} MB free in {folder}"
    if free_mb >= _DISK_MB:
        return [Finding("Disk", Health.GOOD, seen)]
    return [Finding("Disk", Health.BAD, seen, f"free at least {_DISK_MB} MB.")]


def _versions() -> list[Finding]:
    found, missing = [f"ipoke {PRODUCT_VERSION}", f"protocol {PROTOCOL_VERSION}"], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        fix = f"pip install {' '.join(missing)}"
        return [Finding("Packages", Health.BAD, f"missing: {', '.join(missing)}", fix)]
    return [Finding("Packages", Health.GOOD, ", ".join(found))]


def _ray(address: str | None) -> list[Finding]:
    """Whether workers can run on a cluster; of interest only where Ray is installed or a cluster is named."""
    try:
        version = metadata.version("ray")
    except metadata.PackageNotFoundError:
        fix = "pip install 'ipoke[ray]', in the version that the cluster has."
        return [] if address is None else [Finding("Ray", Health.BAD, "not installed", fix)]
    if address is None:
        return [Finding("Ray", Health.GOOD, version)]
    try:
        cluster = Cluster(ClusterConfig(address), ())
    except ClusterError as error:
        return [Finding("Ray", Health.BAD, f"{version}; {error.sentence}", "on a machine of the cluster, see `ray status`.")]
    cluster.close()
    seen = f"{version}; {address} has room for {cluster.workers} workers, which connect to {cluster.address}"
    return [Finding("Ray", Health.GOOD, seen)]
