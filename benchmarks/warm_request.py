"""`python -m benchmarks.warm_request [THING...]`: how long an artist waits for eight variants of a thing whose mask is known.

One backend, which has answered such a request before. Photographs of `tests/data/things` with their masks and arrows, PREVIEW
size, a new seed each time. Wall-clock from the request to the first frame and to the last, the worker's processor time (Linux),
and, in turns with it, the time in which two threads read and write the same frames again, which says how busy the machine is:
judge by the ratios. Medians. `taskset -c 0,1` for two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from time import perf_counter

import cv2

from backend.client import SampleRequest, Sampling, new_job_id
from backend.client.events import Event, FrameArrived
from backend.commands.connected_backend import ConnectedBackend, open_backend
from backend.plate.image import decode_image, encode_png
from backend.plate.stream import ordered
from backend.protocol.messages import OutputSize, Poke
from tests.processes import cpu_s

from .thing_time import worker_of

THINGS = Path(__file__).parent.parent / "tests/data/things"
VARIANTS = 8
THREADS = 2


def main() -> int:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("things", nargs="*", default=["kitten", "dandelion"], help="names of photographs (kitten, dandelion)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(
        "| thing | first frame, s | last of 8, s | processor, s | its frames read and written, s | first and last, times that |"
    )
    print("|---|---|---|---|---|---|")
    with open_backend(None) as backend:
        backend.connect()
        for name in options.things:
            asked(backend, request_for(name, 0))
            rounds = [measured(backend, request_for(name, seed)) for seed in range(1, 1 + options.rounds)]
            first_s, last_s, processor_s, copied_s = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratios = (statistics.median(row[column] / row[3] for row in rounds) for column in (0, 1))
            cells = [f"{seconds:.2f}" for seconds in (first_s, last_s, processor_s, copied_s)]
            print(f"| {name} | {' | '.join(cells)} | {', '.join(f'{ratio:.2f}' for ratio in ratios)} |", flush=True)
    return 0


def request_for(name: str, seed: int) -> SampleRequest:
    """Eight variants of a photograph's thing under its arrow."""
    entry = next(entry for entry in json.loads((THINGS / "things.json").read_text()) if entry["name"] == name)
    (x, y), (to_x, to_y) = entry["tail"], entry["tip"]
    plate, mask = ((THINGS / f"{name}{ending}").read_bytes() for ending in (".jpg", ".mask.png"))
    arrows = (Poke(x, y, to_x - x, to_y - y),)
    return SampleRequest(
        new_job_id(), plate, f"{name}.jpg", arrows, None, VARIANTS, Sampling(seed), size=OutputSize.PREVIEW, thing=mask
    )  # fmt: skip


def asked(backend: ConnectedBackend, request: SampleRequest) -> tuple[float, float, list[bytes]]:
    """Seconds until the first frame has come and until all have, and the frames."""
    frames: list[bytes] = []
    first_s, began_s = 0.0, perf_counter()

    def take(event: Event) -> None:
        nonlocal first_s
        if isinstance(event, FrameArrived):
            first_s = first_s or perf_counter() - began_s
            frames.append(event.image)

    backend.run(request, take)
    return first_s, perf_counter() - began_s, frames


def measured(backend: ConnectedBackend, request: SampleRequest) -> tuple[float, float, float, float]:
    """Seconds until the first frame and the last, of the worker's processor, and of reading and writing the frames again."""
    worker = worker_of(backend)
    before_s = cpu_s(worker)
    first_s, last_s, frames = asked(backend, request)
    processor_s, began_s = cpu_s(worker) - before_s, perf_counter()
    for _ in ordered(lambda data: encode_png(decode_image(data), 8), frames, THREADS):
        pass
    return first_s, last_s, processor_s, perf_counter() - began_s


if __name__ == "__main__":
    raise SystemExit(main())
