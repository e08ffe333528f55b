"""The one place that unpickles, in a process of its own.

Of a checkpoint, read with torch's restricted unpickler, only the `state_dict`'s tensors come out; of a plain pickle
only numpy arrays and what holds them. A file with anything else is refused, and so is one that asks for more memory than it is
large: an archive that unpacks, tensors larger than what they show.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from ..strangers import open_regular, shown

_CHILD = "import sys; from ipoke_models.convert.pickle_reader import main; sys.exit(main(sys.argv[1:]))"
MOST_ENTRIES = 100_000
MOST_PICKLE_BYTES = 32 << 20
"""Of a checkpoint's own pickle, whose tensors lie beside it; the released ones have about 1 MiB."""
_SPARE_BYTES = 4 << 30
"""Of the reader, beside what the file takes: PyTorch itself, and its threads."""
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class _Callback:
    """Stands in for the classes that Lightning uses as keys of its callbacks' state."""


_LIGHTNING_KEYS = tuple(
    (_Callback, f"pytorch_lightning.callbacks.{module}")
    for module in ("model_checkpoint.ModelCheckpoint", "early_stopping.EarlyStopping", "lr_monitor.LearningRateMonitor")
)


# What PyTorch's unpickler lets through of a pickle whose parts don't fit one another.
_NO_CHECKPOINT = (RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError, AssertionError, OverflowError)
_OF_ARRAYS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        """Refuse everything that is no numpy array."""
        if (module_name, global_name) not in _OF_ARRAYS:
            raise CheckpointError(f"The file holds {module_name}.{global_name} and was not loaded; it should hold arrays only.")
        return super().find_class(module_name, global_name)


def read_in_child(checkpoint: Path, tensors: Path) -> None:
    """Copies the tensors of a checkpoint into a safetensors file, in a child process.

    Raises:
        CheckpointError: the file is damaged, or holds more than tensors and plain values.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _CHILD, str(checkpoint), str(tensors)],
        env={**inherited, "PYTHONPATH": str(_PACKAGE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [
            f"{checkpoint} was not read: its reader was ended by code {done.returncode}, such as for want of memory."
        ]
        raise CheckpointError(reason[0])


def read(checkpoint: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint's `state_dict`, or of a file that is one. Unpickles: call it in a process of its own."""
    try:
        size_bytes, zipped = _looked_at(checkpoint)
        with torch.serialization.safe_globals(list(_LIGHTNING_KEYS)):
            content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=zipped)
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{checkpoint} can't be read ({error.strerror}).") from error
    except MemoryError as error:
        raise CheckpointError(f"{checkpoint} asks for more memory than it is large; get the file again.") from error
    except pickle.UnpicklingError as error:
        detail = next((line.strip() for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line), "")
        raise CheckpointError(f"{checkpoint} holds more than tensors and was not loaded. {detail}".strip()) from error
    except _NO_CHECKPOINT as error:
        raise CheckpointError(f"{checkpoint} is no whole PyTorch checkpoint; get the file again.") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(_is_dense(value) for value in state.values()):
        raise CheckpointError(f"{checkpoint} holds no state_dict of tensors; it is no Lightning checkpoint.")
    if len(state) > MOST_ENTRIES or not _fit(state.values(), size_bytes):
        raise CheckpointError(f"{checkpoint} holds tensors that are larger than the file; get the file again.")
    return {str(key): value for key, value in state.items()}


def read_arrays(file: Path) -> Any:
    """What a plain pickle of numpy arrays holds. Unpickles: call it in a process of its own.

    Raises:
        CheckpointError: the file can't be read, or holds more than arrays.
    """
    try:
        with file.open("rb") as opened:
            return _ArraysOnly(opened).load()
    except OSError as error:
        raise CheckpointError(f"{file} can't be read ({error.strerror}).") from error
    except CheckpointError:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{file} is no pickle of arrays; get the file again.") from error


def copy(checkpoint: Path, tensors: Path) -> None:
    """Copies the tensors of a checkpoint into a safetensors file, in this process."""
    state = read(checkpoint)
    save_file({key: value.clone(memory_format=torch.contiguous_format) for key, value in state.items()}, tensors)


def main(arguments: list[str]) -> int:
    """Entry point of the child process: one sentence on stderr where it fails."""
    try:
        _bound_memory(os.stat(arguments[0]).st_size)
        copy(*map(Path, arguments))
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, SafetensorError) as error:
        print(f"The tensors of {arguments[0]} can't be copied ({error}); free the disk and try again.", file=sys.stderr)
        return 1
    return 0


def _is_dense(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized


def _fit(tensors: Iterable[Tensor], size_bytes: int) -> bool:
    """Whether tensors, each written out, take no more than twice the file, since some may be there under two names."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors) <= 2 * size_bytes


def _looked_at(checkpoint: Path) -> tuple[int, bool]:
    """Size of a checkpoint's file, and whether it is a zip; raises CheckpointError for one that PyTorch would not write."""
    with open_regular(checkpoint) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        zipped = file.read(4) == b"PK\x03\x04"
        if zipped:
            try:
                entries = zipfile.ZipFile(file).infolist()
            except (zipfile.BadZipFile, ValueError, RecursionError) as error:
                raise CheckpointError(f"{shown(checkpoint)} is no whole PyTorch checkpoint; get the file again.") from error
            pickled = sum(entry.file_size for entry in entries if entry.filename.endswith(".pkl"))
            packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            unpacked = sum(entry.file_size for entry in entries)
            if packed or unpacked > size_bytes or len(entries) > MOST_ENTRIES or pickled > MOST_PICKLE_BYTES:
                raise CheckpointError(f"{shown(checkpoint)} is packed as PyTorch packs no checkpoint; get the file again.")
    return size_bytes, zipped


def _bound_memory(size_bytes: int) -> None:
    """Let this process take no more than reading a file of that size needs, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    most = 4 * size_bytes + _SPARE_BYTES
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
