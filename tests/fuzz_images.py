"""Mutated stills of every kind that is taken against the reader: flips, cuts, header lies and splices, in a process of their own.

A crash is told by how the process ends; the file that it read last is kept. Memory is the process's own largest.

python -m tests.fuzz --images --seconds 3600
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from ipoke_media.errors import ImageError
from ipoke_media.image import read_image
from ipoke_media.kinds import Kind, kind_of
from tests.media.table import REFUSED, TAKEN

PROJECT = Path(__file__).resolve().parent.parent
_WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 8192, 65536, 30000)
_HEAD_BYTES = 600
_ROUND_S = 120.0


def seeds() -> dict[str, bytes]:
    """The files that mutations begin with."""
    return {name: make() for name, make in {**TAKEN, **{name: make for name, (make, _) in REFUSED.items()}}.items()}


def mutated(generator: random.Random, data: bytes, other: bytes) -> bytes:
    """The file with some of its bytes changed, most of them near its beginning, or joined to another of its kind."""
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 1, 2, 2, 4, 16))):
        if not changed:
            break
        reach = generator.choice((32, 128, _HEAD_BYTES, len(changed)))
        place = generator.randrange(min(len(changed), reach))
        match generator.randrange(7):
            case 0:
                changed[place] ^= 1 << generator.randrange(8)
            case 1:
                changed[place] = generator.randrange(256)
            case 2:
                size = generator.choice((1, 2, 4, 8))
                word = (generator.choice(_WORDS) % 256**size).to_bytes(size, generator.choice(("little", "big")))
                changed[place : place + size] = word
            case 3:
                del changed[place : place + generator.choice((1, 2, 4, 16, 200))]
            case 4:
                changed[place:place] = generator.randbytes(generator.choice((1, 2, 4, 16, 200)))
            case 5:
                start = generator.randrange(len(other))
                changed[place : place + 64] = other[start : start + generator.choice((4, 16, 64, 500))]
            case _:
                del changed[generator.randrange(len(changed)) :]
    return bytes(changed)


def sealed(data: bytes) -> bytes:
    """A PNG whose chunks have the right sums again, so that what is changed in them reaches the decoder."""
    place, sealed_data = 8, bytearray(data)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", sealed_data, end, zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return bytes(sealed_data)


def fuzz(seed: int, seconds: float, last: Path) -> dict[str, Any]:
    """Read mutated files for some time; returns how many of each kind were taken and refused. Anything else escapes.

    `slowest_s` is the most processor time that one file took.
    """
    generator = random.Random(seed)
    by_kind: dict[Kind, list[bytes]] = {}
    for data in seeds().values():
        by_kind.setdefault(kind_of(data), []).append(data)
    taken: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    slowest_s, end_s = 0.0, time.monotonic() + seconds
    with last.open("wb", buffering=0) as kept:
        while time.monotonic() < end_s:
            kind = generator.choice(list(by_kind))
            data = mutated(generator, *(generator.choice(by_kind[kind]) for _ in range(2)))
            if kind is Kind.PNG and generator.random() < 0.8:
                data = sealed(data)
            kept.seek(0)
            kept.truncate()
            kept.write(data)
            began_s = time.process_time()
            try:
                read_image(data).upright()
                taken[kind.label] += 1
            except ImageError as error:
                if not error.sentence.startswith("The image"):
                    raise
                refused[kind.label] += 1
            slowest_s = max(slowest_s, time.process_time() - began_s)
    return {"taken": dict(taken), "refused": dict(refused), "slowest_s": slowest_s}


def run(seconds: float, folder: Path, seed: int = 1) -> bool:
    """Fuzz in processes of at most two minutes; prints what came of it, and says whether none crashed."""
    taken: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    crashes, largest_mb, slowest_s, began_s = 0, 0, 0.0, time.monotonic()
    while (left_s := seconds - (time.monotonic() - began_s)) > 0:
        last = folder / f"last-{seed}"
        command = [sys.executable, "-P", "-m", "tests.fuzz_images", str(seed), str(min(left_s, _ROUND_S)), str(last)]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        seed += 1
        if done.returncode != 0:
            crashes += 1
            print(f"ended with {done.returncode} at {last}: {done.stderr[-600:]}", flush=True)
            continue
        last.unlink()
        told = json.loads(done.stdout.splitlines()[-1])
        taken.update(told["taken"])
        refused.update(told["refused"])
        largest_mb, slowest_s = max(largest_mb, told["largest_mb"]), max(slowest_s, told["slowest_s"])
    print("| kind | files | taken | refused |\n|---|---|---|---|")
    for kind in sorted(taken.keys() | refused.keys()):
        print(f"| {kind} | {taken[kind] + refused[kind]} | {taken[kind]} | {refused[kind]} |")
    total, took_s = taken.total() + refused.total(), time.monotonic() - began_s
    most = f"{largest_mb} MB and {slowest_s:.1f} s for a file at most"
    print(f"images: {total} files in {took_s:.0f} s, {crashes} crashes, {most}", flush=True)
    return crashes == 0


def main() -> int:
    """One process of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("last", type=Path)
    options = parser.parse_args()
    told = fuzz(options.seed, options.seconds, options.last)
    print(json.dumps({**told, "largest_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
