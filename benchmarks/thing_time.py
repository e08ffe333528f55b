"""`python -m benchmarks.thing_time [IMAGE]`: how long an artist waits for the thing under a click, at 1080p and 4K.

One backend, with the segmenter that is installed (`IPOKE_MODELS`). Each plate is new to it: the image enlarged, with grain of
its own, as a JPEG file. Wall-clock from the question to its masks in the client, and the worker's processor time (Linux);
medians. `taskset -c 0,1` for two cores.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np

from backend.client import Status, Stroke, ThingArrived, ThingRequest, drive, new_job_id
from backend.client.events import Event
from backend.commands.connected_backend import ConnectedBackend, open_backend
from tests.processes import cpu_s

from .plates import read_still, textured

WIDTHS_PX = (1920, 3840)
_CLICK = (0.5, 0.5)
_MEND = (0.55, 0.55)


def main() -> int:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", help="a still, enlarged to each width; a made-up one without it")
    parser.add_argument("--long-side", type=int, default=512, help="px of the masks that are drawn while an artist works (512)")
    parser.add_argument("--plates", type=int, default=5, help="so many of each width")
    options = parser.parse_args()
    click, stroke = Stroke((_CLICK,)), Stroke((_CLICK, _MEND), 0.02)
    questions = {
        f"first click, {options.long_side} px, three masks": ((click,), {"long_side_px": options.long_side}),
        f"a stroke more, {options.long_side} px, three masks": ((click, stroke), {"long_side_px": options.long_side}),
        "the plate's own size, one mask": ((click, stroke), {"alone": True}),
    }
    print("| plate | " + " | ".join(f"{name}: s (processor)" for name in questions) + " |\n|---" + "|---" * len(questions) + "|")
    with open_backend(None) as backend:
        backend.connect()
        _ask(backend, ThingRequest(new_job_id(), _plate(options.image, 320, 0), (click,)))  # loads the network
        for width in WIDTHS_PX:
            spent: dict[str, list[tuple[float, float]]] = {name: [] for name in questions}
            for number in range(options.plates):
                plate = _plate(options.image, width, number)
                for name, (strokes, more) in questions.items():
                    spent[name].append(_ask(backend, ThingRequest(new_job_id(), plate, strokes, **more)))
            print(f"| {width} px wide | " + " | ".join(_cell(rows) for rows in spent.values()) + " |", flush=True)
    return 0


def _plate(image: Path | None, width: int, number: int) -> bytes:
    plate = textured(width, width * 9 // 16, number) if image is None else read_still(image, width)
    grain = np.random.default_rng(number).integers(-2, 3, plate.bgr.shape)
    grainy = np.clip(plate.bgr.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def _ask(backend: ConnectedBackend, question: ThingRequest) -> tuple[float, float]:
    """Seconds until a question is answered, and of the worker's processor."""
    brought: list[Event] = []
    worker = worker_of(backend)
    began_s, began_cpu_s = perf_counter(), cpu_s(worker)
    backend.run(question, brought.append)
    waited_s = perf_counter() - began_s
    assert any(isinstance(event, ThingArrived) and event.masks for event in brought)
    return waited_s, cpu_s(worker) - began_cpu_s


def worker_of(backend: ConnectedBackend) -> int:
    """The process id of a backend's worker."""
    backend.ask_status()
    status = drive(backend, lambda event: isinstance(event, Status), 10.0)
    assert isinstance(status, Status)
    return status.workers[0].pid


def _cell(rows: list[tuple[float, float]]) -> str:
    waited_s, processor_s = (statistics.median(column) for column in zip(*rows, strict=True))
    return f"{waited_s:.2f} ({processor_s:.2f})"


if __name__ == "__main__":
    raise SystemExit(main())
