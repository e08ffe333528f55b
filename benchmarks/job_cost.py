"""What transport, encoding and scheduling cost of a job's time, with the real worker and the shipped model.

    python -m benchmarks.job_cost [--json]

The first rows compare a job that goes through the backend with the same job run by plain calls in this process, where the time
of encoding is measured too. Both run in turns, so that what else the machine does meets both; the medians of the pairs' shares
count, and the quartiles beside them say how far to trust them. A row compares guiding and decoding variants two by two, which
keeps their bytes the same whatever memory allows, with all eight together, each at its fastest. The last row compares the bytes
per second that reach a client from a worker without a model, over two encrypted connections, with a plain loopback copy of as
many bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.client import Connected, Launcher, LocalBackend, OutputSize, Poke, SampleRequest, drive, new_job_id
from backend.plate.image import PlateImage, decode_plate, encode_frame
from backend.worker import sample_job as job_module
from backend.worker.loaded_models import LoadedModel, Models, settle_process
from ipoke_models import Model, load_model
from ipoke_values import Sampling
from tests.faults.fake_worker import Fault
from tests.faults.work import request as fake_request
from tests.faults.work import run

PROJECT = Path(__file__).resolve().parent.parent
START_S = 180.0
JOB_S = 600.0
PAIRS = 12
ROUNDS = 5
_SENDER = """
import socket, sys
data, left = bytes(1 << 20), int(sys.argv[2])
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sink:
    while left > 0:
        sink.sendall(data[:left])
        left -= len(data)
"""


def asked(width: int, height: int, samples: int) -> SampleRequest:
    """A job with one arrow on a smooth still of this size in pixels."""
    coarse = np.random.default_rng(0).integers(0, 255, (height // 32 + 2, width // 32 + 2, 3), np.uint8)
    plate = cv2.imencode(".png", cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))[1].tobytes()
    poke = Poke(0.5, 0.5, 0.1, -0.1)
    return SampleRequest(new_job_id(), plate, "smooth.png", (poke,), None, samples, Sampling(7), size=OutputSize.PLATE)


def backend_of(folder: Path, *words: str) -> LocalBackend:
    """Start a module as a backend and wait until it is connected."""
    backend = LocalBackend(Launcher([sys.executable, "-m", *words], folder / "run", {"PYTHONPATH": str(PROJECT)}))
    drive(backend, lambda event: isinstance(event, Connected), START_S)
    return backend


def in_process(request: SampleRequest, model: LoadedModel) -> tuple[float, float]:
    """Seconds of the job by plain calls, and how many of them it spent encoding frames."""
    encoding_s = 0.0

    def timed(image: PlateImage, depth_bits: int) -> bytes:
        nonlocal encoding_s
        began_s = time.perf_counter()
        data = encode_frame(image, depth_bits)
        encoding_s += time.perf_counter() - began_s
        return data

    job_module.encode_frame = timed  # type: ignore[attr-defined]
    try:
        began_s = time.perf_counter()
        job = job_module.SampleJob(request.message(), model, decode_plate(request.plate))
        job.run(lambda message, *raw: None, lambda: False)
        return time.perf_counter() - began_s, encoding_s
    finally:
        job_module.encode_frame = encode_frame  # type: ignore[attr-defined]


def through_the_backend(request: SampleRequest, backend: LocalBackend) -> float:
    """Seconds of the job by way of a backend."""
    began_s = time.perf_counter()
    taken = run(backend, dataclasses.replace(request, job_id=new_job_id()), timeout_s=JOB_S)
    assert taken.frames
    return time.perf_counter() - began_s


def row(what: str, request: SampleRequest, model: LoadedModel, backend: LocalBackend) -> dict[str, float | str]:
    """Medians of the pairs: what a variant takes, and the shares of transport and of encoding with their quartiles."""
    in_process(request, model)
    through_the_backend(request, backend)
    wires_s, overheads, encodings = [], [], []
    for number in range(PAIRS):
        if number % 2:
            plain_s, encoding_s = in_process(request, model)
            wire_s = through_the_backend(request, backend)
        else:
            wire_s = through_the_backend(request, backend)
            plain_s, encoding_s = in_process(request, model)
        wires_s.append(wire_s)
        overheads.append((wire_s - plain_s) / wire_s)
        encodings.append(encoding_s / wire_s)
    low, middle, high = statistics.quantiles(overheads, n=4)
    return {
        "what": what,
        "variants": request.samples,
        "variant_s": statistics.median(wires_s) / request.samples,
        "transport_and_scheduling": middle,
        "lower_quartile": low,
        "upper_quartile": high,
        "encoding": statistics.median(encodings),
    }


def two_by_two(model: Model) -> dict[str, float | str]:
    """Seconds of a variant's guidance and decoding, in pairs and eight together."""
    still, pokes = torch.linspace(-1, 1, 3 * model.size_px**2).view(3, model.size_px, -1), np.array([[0.5, 0.5, 0.1, -0.1]])
    codes = torch.randn(8, model.config.flow.channels, 8, 8, generator=torch.Generator().manual_seed(0))

    def seconds(size: int) -> float:
        began_s = time.perf_counter()
        for part in torch.split(codes, size):
            model.decode(model.guide(part, still, pokes), still[None])
        return (time.perf_counter() - began_s) / len(codes)

    best = {size: min(seconds(size) for _ in range(ROUNDS)) for size in (2, 8)}
    return {"what": "two by two", "variant_s": best[2], "eight_together_s": best[8], "ratio": best[2] / best[8]}


def speed(backend: LocalBackend) -> dict[str, float | str]:
    """Megabytes a second that reach a client from the fake worker, beside a plain loopback copy of as many."""
    samples = 8
    run(backend, fake_request(Fault.LARGE, samples=1))
    times_s, plains_s, count = [], [], 0
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        taken = run(backend, fake_request(Fault.LARGE, samples=samples))
        times_s.append(time.perf_counter() - began_s)
        count = sum(len(image) for image in taken.frames.values())
        plains_s.append(loopback_copy_s(count))
    took_s, plain_s, mb = statistics.median(times_s), statistics.median(plains_s), count / 1e6
    return {"what": "bytes a second", "mb_s": mb / took_s, "plain_mb_s": mb / plain_s, "share": plain_s / took_s}


def loopback_copy_s(count: int) -> float:
    """Seconds from the first byte to the last of a copy from another process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = subprocess.Popen([sys.executable, "-c", _SENDER, str(listener.getsockname()[1]), str(count)])
        source = listener.accept()[0]
        began_s, left = time.perf_counter(), count
        with source:
            while left > 0:
                left -= len(source.recv(1 << 20))
        took_s = time.perf_counter() - began_s
        sender.wait()
        return took_s


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    settle_process()
    model = Models().get(None)
    with tempfile.TemporaryDirectory() as folder:
        backend = backend_of(Path(folder) / "real", "backend")
        rows = [row("128 px", asked(128, 128, 8), model, backend), row("4K", asked(3840, 2160, 1), model, backend)]
        rows.append(two_by_two(load_model()))
        backend.close()
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        backend = backend_of(Path(folder) / "fake", "tests.faults.serve_with_fake_worker", str(scratch))
        rows.append(speed(backend))
        backend.close()
    if as_json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        for one in rows:
            told = (f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}" for name, value in one.items())
            print(", ".join(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
