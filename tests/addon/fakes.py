"""A backend that says what a test tells it to say; for what a real one can't be made to do on command."""

from __future__ import annotations

from blender_addon._vendor.client import (
    Connected,
    Event,
    JobSummary,
    LinkError,
    ModelEntry,
    Poke,
    SampleRequest,
    Sampling,
    ServerInfo,
)

MODEL = ModelEntry("garden-64", 64, 10, 5, "a" * 64)
INFO = ServerInfo("0.1.0", "CPU", 8192, (MODEL,))
SUMMARY = JobSummary(MODEL, "b" * 64, (640, 480), (0, 0, 480, 480), (512, 384), 8, 2, "srgb", ())


class FakeSession:
    def __init__(self) -> None:
        self.submitted: list[SampleRequest] = []
        self.cancelled: list[str] = []
        self.released = 0

    def submit(self, request: SampleRequest) -> str:
        self.submitted.append(request)
        return request.job_id

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def release_memory(self) -> None:
        self.released += 1

    def ask_status(self) -> None:
        pass


class FakeBackend:
    def __init__(self) -> None:
        self.session = FakeSession()
        self.gave_up = False
        self.is_closing = False
        self.to_say: list[Event] = [Connected(INFO)]

    def poll(self, _now_s: float, _budget_s: float) -> list[Event]:
        said, self.to_say = self.to_say, []
        return said

    def wait(self, _timeout_s: float) -> None:
        pass

    def begin_closing(self) -> None:
        self.is_closing = True

    def closed(self) -> bool:
        return self.is_closing

    def finish_closing(self) -> None:
        pass


def no_backend() -> FakeBackend:
    raise LinkError("No backend was found; install it.")


def request(job_id: str = "job") -> SampleRequest:
    return SampleRequest(job_id, b"plate", "plate.jpg", (Poke(0.5, 0.5, 0.1, 0.0),), None, samples=2, sampling=Sampling(7))
