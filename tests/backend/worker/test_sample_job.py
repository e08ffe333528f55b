"""One job inside the worker, with a model made of arithmetic."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from backend.plate.errors import PlateError, RegionError
from backend.plate.image import PlateImage, decode_plate
from backend.protocol import messages as m
from backend.protocol.codec import encode
from backend.protocol.errors import ProtocolError
from backend.worker.model_port import JobCancelledError, ModelFrame, PokesError, SeenThing
from backend.worker.sample_job import SampleJob
from ipoke_values import Like, Sampling

from ..plate.files import encoded, noise
from ..protocol.examples import MODEL, SAMPLE

POKE = m.Poke(0.5, 0.5, 0.1, 0.0)


class ShiftingModel:
    """Variant i moves everything by i + 1 model pixels at the end; notes which groups were asked for."""

    entry = dataclasses.replace(MODEL, size_px=32, frames=4)
    versions = (m.Version("arithmetic", "1"),)
    group = 8

    def __init__(self) -> None:
        self.groups: list[range] = []
        self.pokes: list[np.ndarray] = []
        self.samplings: list[Sampling] = []
        self.thing: SeenThing | None = None

    def frames(
        self,
        x0,
        pokes,
        sampling: Sampling,
        variants: range,
        cancelled: Callable[[], bool],
        *,
        as_body: bool = False,
        thing: SeenThing | None = None,
    ) -> Iterator[ModelFrame]:
        self.as_body, self.thing = as_body, thing
        self.groups.append(variants)
        self.pokes.append(pokes)
        self.samplings.append(sampling)
        for t in range(1, 5):
            for variant in variants:
                yield ModelFrame(variant, t, x0, *self.flow(sampling.seed, variant, t))

    def flow(self, _seed: int, variant: int, t: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Backward flow and visibility of a frame."""
        return np.full((2, 32, 32), (variant + 1) * t / 4, np.float32), np.ones((32, 32), np.float32)

    def pose_difference(self, x0) -> None:
        return None


class StandingModel(ShiftingModel):
    """Nothing moves that is not held to its tip."""

    def flow(self, _seed: int, _variant: int, _t: int) -> tuple[np.ndarray, None]:
        return np.zeros((2, 32, 32), np.float32), None


class SwingingModel(ShiftingModel):
    """Everything swings, at a pace that the seed and the variant say: some swings come back, some don't."""

    def flow(self, seed: int, variant: int, t: int) -> tuple[np.ndarray, None]:
        pace = 0.2 + 0.8 * np.random.default_rng([seed, variant]).random()
        return np.full((2, 32, 32), 3 * np.sin(pace * t), np.float32), None


@pytest.fixture
def plate() -> PlateImage:
    return PlateImage(noise(96, 64), None)


def request(**changes) -> m.Sample:
    base = dataclasses.replace(SAMPLE, pokes=(POKE,), region=None, samples=2, first=0, size=m.OutputSize.PLATE)
    return dataclasses.replace(base, **changes)


def run(
    plate: PlateImage, asked: m.Sample, model: ShiftingModel | None = None, files: dict[str, bytes] | None = None
) -> list[tuple[m.Message, bytes]]:
    told: list[tuple[m.Message, bytes]] = []

    def tell(message: m.Message, *raw: bytes) -> None:
        encode(message, *raw)
        told.append((message, b"".join(raw)))

    SampleJob(asked, model or ShiftingModel(), plate, (files or {}).__getitem__).run(tell, lambda: False)
    return told


def test_frames_come_between_the_summary_and_the_end(plate):
    told = [message for message, _ in run(plate, request())]
    assert isinstance(told[0], m.Prepared)
    assert isinstance(told[-1], m.Finished)
    assert told[0].summary == told[-1].summary
    frames = [(message.variant, message.t) for message in told if isinstance(message, m.Frame)]
    assert frames == [(variant, t) for variant in (0, 1) for t in range(1, 5)]


def test_hashes_are_those_of_the_frames(plate):
    told = run(plate, request())
    for done in [message for message, _ in told if isinstance(message, m.VariantDone)]:
        frames = [raw for message, raw in told if isinstance(message, m.Frame) and message.variant == done.variant]
        assert tuple(hashlib.sha256(raw).hexdigest() for raw in frames) == done.sha256s


def test_progress_reaches_its_total(plate):
    progress = [message for message, _ in run(plate, request()) if isinstance(message, m.Progress)]
    assert [(told.done, told.total) for told in progress] == [(done, 8) for done in range(1, 9)]
    assert progress[-1].eta_s == 0.0


@pytest.mark.parametrize(
    ("first", "samples", "groups"),
    [
        (0, 8, [range(8)]),
        (0, 9, [range(8), range(8, 9)]),
        (6, 4, [range(6, 8), range(8, 10)]),
        (17, 1, [range(17, 18)]),
    ],
)
def test_variants_are_asked_for_in_groups_that_begin_at_fixed_indices(plate, first, samples, groups):
    model = ShiftingModel()
    SampleJob(request(first=first, samples=samples), model, plate).run(lambda message, raw=b"": None, lambda: False)
    assert model.groups == groups


def test_what_the_variants_are_to_be_like_reaches_the_model(plate):
    model = ShiftingModel()
    asked = Sampling(7, (Like(7, 2, 0.5), Like(9, 0, 0.25)))
    SampleJob(request(sampling=asked), model, plate).run(lambda message, raw=b"": None, lambda: False)
    assert model.samplings == [asked]


@pytest.mark.parametrize("playback", [None, m.Playback(loop=m.Loop.CLOSED, draws=3)])
@pytest.mark.parametrize("variation", [None, 0.25])
def test_the_variation_reaches_the_model_and_every_draw_of_a_loop(plate, variation, playback):
    model = SwingingModel()
    SampleJob(request(samples=1, playback=playback, sampling=Sampling(7, variation=variation)), model, plate).run(
        lambda message, raw=b"": None, lambda: False
    )
    assert [sampling.variation for sampling in model.samplings] == [variation] * (1 if playback is None else 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        (m.OutputSize.MODEL, 96, (32, 32)),
        (m.OutputSize.PREVIEW, 1024, (512, 342)),
        (m.OutputSize.PREVIEW, 96, (96, 64)),
        (m.OutputSize.PLATE, 1024, (1024, 683)),
    ],
)
@pytest.mark.parametrize("depth_bits", [8, 16])
def test_frames_have_the_size_and_depth_that_were_asked_for(size, side, expected, depth_bits):
    plate = PlateImage(noise(side, round(side * 2 / 3)), None)
    told = run(plate, request(size=size, depth_bits=depth_bits, samples=1))
    image = decode_plate(next(raw for message, raw in told if isinstance(message, m.Frame)))
    assert image.size_px == expected
    assert image.depth_bits == depth_bits
    assert told[0][0].summary.output_size_px == expected
    assert told[0][0].summary.plate_size_px == (side, round(side * 2 / 3))


def test_a_region_of_the_request_is_used(plate):
    told = run(plate, request(region=m.Region(30, 10, 40, 40)))
    assert told[0][0].summary.region_px == (30, 10, 40, 40)


def test_a_region_without_the_poke_is_refused(plate):
    with pytest.raises(RegionError):
        run(plate, request(region=m.Region(0, 0, 40, 40)))


def test_several_regions_are_sampled_each_with_its_own_pokes_and_seed(plate):
    left, right, other = m.Region(0, 0, 40, 64), m.Region(40, 0, 56, 64), m.Poke(0.1, 0.5, 0.1, 0.1)
    told = run(plate, request(regions=(left, right), pokes=(POKE, other), samples=1), model := ShiftingModel())
    summary = told[0][0].summary
    assert (summary.regions, summary.region_px) == ((left, right), (0, 0, 96, 64))
    assert [len(pokes) for pokes in model.pokes] == [1, 1]
    np.testing.assert_allclose(model.pokes[0][0, :2], [0.1 * 96 / 40, 0.5])
    seeds = [sampling.seed for sampling in model.samplings]
    assert seeds[0] == SAMPLE.sampling.seed != seeds[1]
    again = run(plate, request(regions=(left, right), pokes=(POKE, other), samples=1))
    assert [raw for _, raw in told] == [raw for _, raw in again]


def test_one_region_among_several_looks_as_it_does_alone(plate):
    left, right, other = m.Region(0, 0, 40, 64), m.Region(40, 0, 56, 64), m.Poke(0.1, 0.5, 0.1, 0.1)
    both, alone = (
        [decode_plate(raw) for message, raw in run(plate, asked) if isinstance(message, m.Frame)]
        for asked in (
            request(regions=(left, right), pokes=(POKE, other), samples=1),
            request(region=left, pokes=(other,), samples=1),
        )
    )
    for one, two in zip(both, alone, strict=True):
        assert (one.bgr[:, :40] == two.bgr[:, :40]).all()
        assert (one.bgr[:, 40:] != two.bgr[:, 40:]).any()


CLOSED = m.Playback(frames=12, loop=m.Loop.CLOSED)


def loop_of(plate, draws: int, *, first: int = 1, samples: int = 1) -> m.VariantDone:
    playback, model = dataclasses.replace(CLOSED, draws=draws), SwingingModel()
    told = run(plate, request(first=first, samples=samples, playback=playback), model)
    assert len(model.samplings) == 1 + samples * (draws - 1)
    assert all(sampling.like[-1].seed == SAMPLE.sampling.seed for sampling in model.samplings[1:])
    return next(message for message, _ in told if isinstance(message, m.VariantDone) and message.variant == 1)


def test_a_loop_is_picked_from_several_residuals_and_says_which(plate):
    own, best = loop_of(plate, 1), loop_of(plate, 6)
    assert own.seam.draw == 0 != best.seam.draw
    assert best.seam.share < own.seam.share
    assert best.sha256s != own.sha256s


@pytest.mark.slow
def test_a_picked_loop_is_the_same_however_many_variants_are_asked_for(plate):
    assert loop_of(plate, 6) == loop_of(plate, 6, first=0, samples=4)


def test_more_pokes_than_the_model_takes_are_refused_with_its_name_and_number(plate):
    with pytest.raises(PokesError, match="garden-64 takes at most 5 pokes, not 6"):
        run(plate, request(pokes=(POKE,) * 6))


def test_a_cancelled_job_stops_before_the_next_frame_is_sent(plate):
    answers = iter([False, False, False, True])  # before the variant and each frame of it
    sent = []
    job = SampleJob(request(), ShiftingModel(), plate)
    with pytest.raises(JobCancelledError):
        job.run(lambda message, raw=b"": sent.append(message), lambda: next(answers))
    assert len([message for message in sent if isinstance(message, m.Frame)]) == 2


def test_frames_that_are_kept_are_neither_made_nor_sent_and_the_rest_is_the_same(plate):
    asked = request(samples=1, playback=m.Playback(frames=6, loop=m.Loop.PING_PONG))
    whole = [(message.t, raw) for message, raw in run(plate, asked) if isinstance(message, m.Frame)]
    hashes = tuple(hashlib.sha256(raw).hexdigest() for _, raw in whole)
    told = run(plate, dataclasses.replace(asked, kept=hashes[:4]))
    assert [(message.t, raw) for message, raw in told if isinstance(message, m.Frame)] == whole[4:]
    (done,) = [message for message, _ in told if isinstance(message, m.VariantDone)]
    assert done.sha256s == hashes
    progress = [(message.done, message.total) for message, _ in told if isinstance(message, m.Progress)]
    assert progress == [(5, 6), (6, 6)]


def test_more_kept_frames_than_a_variant_has_are_a_sentence(plate):
    with pytest.raises(ProtocolError, match="There are 4 frames, and 4 are kept"):
        run(plate, request(samples=1, kept=("a" * 64,) * 4))


@pytest.mark.parametrize("changes", [{"samples": 2}, {"size": m.OutputSize.MODEL}, {"passes": True}])
def test_frames_are_kept_for_one_variant_of_the_plates_size_without_passes(plate, changes):
    with pytest.raises(ProtocolError, match="kept is for one variant"):
        encode(request(**{"samples": 1, "kept": ("a" * 64,), **changes}))


THING = "7" * 64


def mask_of(width: int = 96, height: int = 64, *, white: bool = True) -> bytes:
    """A PNG that is white in the middle."""
    mask = np.zeros((height, width, 3), np.uint8)
    mask[20:44, 36:60] = 255 if white else 0
    return encoded(mask)


def last_frames(told: list[tuple[m.Message, bytes]]) -> list[PlateImage]:
    return [decode_plate(raw) for message, raw in told if isinstance(message, m.Frame) and message.t == 4]


def test_a_thing_moves_as_a_body_and_the_rest_of_the_plate_stays(plate):
    told = run(plate, request(thing_sha256=THING), files={THING: mask_of()})
    thing = np.zeros((64, 96), bool)
    thing[20:44, 36:60] = True
    for frame in last_frames(told):
        changed = (frame.bgr != plate.bgr).any(axis=2)
        assert changed[thing].mean() > 0.5
        assert not changed[:, :20].any()
        assert not changed[:10].any()


@pytest.mark.slow
def test_a_cut_out_needs_no_mask(plate):
    alpha = np.zeros((64, 96), np.uint8)
    alpha[20:44, 36:60] = 255
    cut_out = PlateImage(plate.bgr, alpha)
    by_alpha, by_mask = (
        last_frames(run(cut_out, asked, files={THING: mask_of()})) for asked in (request(), request(thing_sha256=THING))
    )
    assert all((one.bgr == other.bgr).all() for one, other in zip(by_alpha, by_mask, strict=True))
    whole = last_frames(run(cut_out, request(whole_region=True)))
    assert any((one.bgr != other.bgr).any() for one, other in zip(by_alpha, whole, strict=True))


@pytest.mark.slow
def test_pins_hold_and_are_no_pokes_of_the_model(plate):
    pin = m.Poke(0.42, 0.4, 0.0, 0.0)
    model = ShiftingModel()
    free, held = (
        last_frames(run(plate, request(pokes=pokes, thing_sha256=THING), model, {THING: mask_of()}))
        for pokes in ((POKE,), (POKE, pin))
    )
    assert [len(pokes) for pokes in model.pokes] == [1, 1]
    at = (slice(24, 28), slice(38, 42))
    still = [np.abs(frame.bgr[at].astype(int) - plate.bgr[at]).mean() for frame in (free[0], held[0])]
    assert still[1] < still[0]


def test_the_model_is_shown_the_thing_and_its_pins_as_it_sees_the_region(plate):
    model, pin = ShiftingModel(), m.Poke(0.375, 0.5, 0.0, 0.0)
    run(plate, request(pokes=(POKE, pin), region=m.Region(32, 0, 64, 64), thing_sha256=THING), model, {THING: mask_of()})
    assert model.thing is not None
    expected = np.zeros((32, 32), np.float32)
    expected[10:22, 2:14] = 1
    np.testing.assert_allclose(model.thing.mask, expected, atol=1e-6)
    np.testing.assert_allclose(model.thing.pins, [[4 / 64, 0.5]])
    run(plate, request(), model)
    assert model.thing is None


@pytest.mark.slow
def test_the_ground_holds_unless_it_is_freed():
    ramp = np.broadcast_to(2 * np.arange(96, dtype=np.uint8)[None, :, None], (64, 96, 3))
    plate = PlateImage(np.ascontiguousarray(ramp), None)
    poke = m.Poke(0.45, 0.35, 0.1, 0.0)
    bottom = (slice(40, 44), slice(40, 56))
    held, free = (
        last_frames(
            run(plate, request(pokes=(poke,), thing_sha256=THING, free_ground=freed), StandingModel(), {THING: mask_of()})
        )
        for freed in (False, True)
    )
    moved = [np.abs(frame.bgr[bottom].astype(int) - plate.bgr[bottom]).mean() for frame in (held[0], free[0])]
    assert moved[1] > 2 * moved[0]


@pytest.mark.parametrize(
    ("mask", "words"),
    [(mask_of(95), "another size"), (mask_of(white=False), "black everywhere"), (b"nothing", "The thing's mask")],
)
def test_a_mask_that_says_nothing_is_refused_in_a_sentence(plate, mask, words):
    with pytest.raises(PlateError, match=words):
        run(plate, request(thing_sha256=THING), files={THING: mask})


def test_pins_need_a_thing(plate):
    with pytest.raises(PokesError, match="nothing says what the thing is"):
        run(plate, request(pokes=(POKE, m.Poke(0.4, 0.4, 0.0, 0.0))))


@pytest.mark.parametrize(
    "changes",
    [
        {"pokes": (m.Poke(0.4, 0.4, 0.0, 0.0),)},
        {"thing_sha256": THING, "whole_region": True},
        {"thing_sha256": THING, "regions": (m.Region(0, 0, 32, 32), m.Region(40, 0, 32, 32))},
    ],
)
def test_requests_that_contradict_themselves_are_refused(changes):
    with pytest.raises(ProtocolError):
        encode(request(**changes))


def poses_of(told: list[tuple[m.Message, bytes]]) -> dict[int, np.ndarray]:
    """Poses (T + 1, V, 2) of every variant."""
    found = [(message.variant, raw) for message, raw in told if isinstance(message, m.BodyPoses)]
    (rest,) = [raw for message, raw in told if isinstance(message, m.BodyMesh)]
    vertices = 1 + np.frombuffer(rest, "<i4", count=3 * triangles_of(rest)).max()
    return {variant: np.frombuffer(raw, "<f4").reshape(-1, vertices, 2) for variant, raw in found}


def triangles_of(rest: bytes) -> int:
    """How many triangles of small numbers a mesh begins with; the places that follow are no small numbers as integers."""
    numbers = np.frombuffer(rest[: len(rest) // 4 * 4], "<i4")
    return int(np.argmax((numbers < 0) | (numbers > 10_000))) // 3


@pytest.mark.slow
def test_a_mesh_comes_before_its_poses_and_the_frames_stay_the_same(plate):
    asked = request(thing_sha256=THING, mesh=True)
    told = run(plate, asked, files={THING: mask_of()})
    kinds = [type(message) for message, _ in told if not isinstance(message, m.Progress)]
    of_variant = [m.BodyPoses, *[m.Frame] * 4, m.VariantDone]
    assert kinds == [m.Prepared, m.BodyMesh, *of_variant, *of_variant, m.Finished]
    plain = run(plate, request(thing_sha256=THING), files={THING: mask_of()})
    frames, others = ([raw for message, raw in one if isinstance(message, m.Frame)] for one in (told, plain))
    assert frames == others
    for done in [message for message, _ in told if isinstance(message, m.VariantDone)]:
        (poses,) = [raw for message, raw in told if isinstance(message, m.BodyPoses) and message.variant == done.variant]
        assert done.poses_sha256 == hashlib.sha256(poses).hexdigest()
    assert all(message.poses_sha256 is None for message, _ in plain if isinstance(message, m.VariantDone))


def test_without_frames_the_mesh_comes_alone_with_the_same_poses(plate, monkeypatch):
    files, asked = {THING: mask_of()}, request(thing_sha256=THING, mesh=True)
    whole = run(plate, asked, files=files)
    monkeypatch.setattr("backend.plate.scene.Scene.frame", None)  # nothing is rendered
    told = run(plate, dataclasses.replace(asked, frames=False), files=files)
    kinds = [type(message) for message, _ in told]
    of_variant = [m.BodyPoses, m.Progress, m.VariantDone]
    assert kinds == [m.Prepared, m.BodyMesh, *of_variant, *of_variant, m.Finished]
    for kind in (m.BodyMesh, m.BodyPoses):
        assert [raw for message, raw in told if isinstance(message, kind)] == [
            raw for message, raw in whole if isinstance(message, kind)
        ]
    progress = [message for message, _ in told if isinstance(message, m.Progress)]
    assert [(one.done, one.total) for one in progress] == [(1, 2), (2, 2)]


def test_poses_are_those_of_the_frames_at_their_own_pace(plate):
    playback = m.Playback(frames=6, hold=2, loop=m.Loop.PING_PONG)
    told = run(plate, request(thing_sha256=THING, mesh=True, playback=playback), files={THING: mask_of()})
    frames = [raw for message, raw in told if isinstance(message, m.Frame) and message.variant == 0]
    poses = poses_of(told)[0]
    assert len(poses) == 7
    for one in range(6):
        for other in range(6):
            assert (frames[one] == frames[other]) == np.allclose(poses[one + 1], poses[other + 1], atol=1e-3)


@pytest.mark.parametrize("size", [m.OutputSize.PREVIEW, m.OutputSize.PLATE])
def test_a_variants_poses_are_the_same_however_many_are_asked_for_and_at_every_size(plate, size):
    asked = request(thing_sha256=THING, mesh=True, frames=False, size=size)
    both, one = (run(plate, each, files={THING: mask_of()}) for each in (asked, dataclasses.replace(asked, first=1, samples=1)))
    np.testing.assert_array_equal(poses_of(both)[1], poses_of(one)[1])


def test_a_mesh_of_what_is_no_thing_is_a_sentence(plate):
    with pytest.raises(PlateError, match="give its mask"):
        run(plate, request(mesh=True))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mesh": True, "whole_region": True}, "mesh"),
        ({"mesh": True, "size": m.OutputSize.MODEL}, "mesh"),
        ({"mesh": True, "regions": (m.Region(0, 0, 40, 64),)}, "mesh"),
        ({"frames": False}, "frames"),
        ({"mesh": True, "frames": False, "passes": True}, "frames"),
        ({"mesh": True, "frames": False, "samples": 1, "kept": ("a" * 64,)}, "frames"),
    ],
)
def test_a_mesh_that_can_not_be_is_refused_by_its_field(changes, field):
    with pytest.raises(ProtocolError) as refused:
        encode(request(**changes))
    assert refused.value.field == field
