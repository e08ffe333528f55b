"""Messages survive the wire; everything else is refused by its field's name, with ProtocolError and nothing else."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import math
import operator
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from backend.protocol.errors import ErrorCode, ProtocolError
from backend.protocol.fields import to_plain
from backend.protocol.version import PROTOCOL_VERSION
from ipoke_values import Like, Sampling
from ipoke_values.sampling import LARGEST_INDEX, LARGEST_SEED, MOST_LIKES
from tests.fuzz import fuzz_codec

from .examples import ERROR, EVERY, EXAMPLES, INVERT, JOB, SAMPLE, SHA, raw_of

MISSING = object()
LISTS = (
    "strokes",
    "points",
    "levels",
    "versions",
    "regions",
    "models",
    "pokes",
    "sha256s",
    "frame_sha256s",
    "clients",
    "workers",
    "like",
    "kept",
)
MAY_BE_EMPTY = ("versions", "regions", "models", "clients", "workers", "like", "kept")
WRONG_VALUES = {
    "missing": MISSING,
    "null": None,
    "empty": "",
    "empty list": [],
    "bool": True,
    "nan": math.nan,
    "inf": math.inf,
    "huge": 2**63,
    "bytes": b"x",
    "wrong nesting": [{"x": [1]}],
    "map": {"a": 1},
}


def plain_of(message: m.Message) -> dict[str, Any]:
    return {"v": PROTOCOL_VERSION, "type": type(message).__name__, **to_plain(message)}


def decode_plain(plain: Any, *raw: bytes) -> m.Message:
    return decode([msgpack.packb(plain), *raw], EVERY).message


def test_there_is_an_example_of_every_message():
    assert {type(message) for message in EXAMPLES} == set(EVERY)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_wire(message):
    envelope = decode(encode(message, *raw_of(message)), EVERY)
    assert envelope.message == message
    assert envelope.raw == raw_of(message)


def leaves(plain: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of every field of a plain message, nested ones too."""
    found = [path] if path else []
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        found += leaves(value, (*path, key))
    return found


def field_cases() -> list[Any]:
    """Every field of every message; its wrong values are tried in one test, since there are seven thousand of them."""
    return [
        pytest.param(message, path, id=f"{type(message).__name__}-{'.'.join(map(str, path))}")
        for message in EXAMPLES
        for path in leaves(to_plain(message))
    ]


STATUS_INFO = (EXAMPLES[-1], ("info",))


def is_good(message: m.Message, path: tuple[Any, ...], value: Any) -> bool:
    """Whether the value has a meaning in that field after all."""
    name = path[-1]
    if value is None:
        worker_without_job = path[:1] == ("workers",) and name == "job_id"
        optional = {
            ("region",), ("model",), ("eta_s",), ("kinematics_sha256",), ("playback",), ("playback", "frames"),
            ("lock_sha256",), ("clean_sha256",), ("thing_sha256",), ("seam",),
        }  # fmt: skip
        if path == ("variant",):
            return message == INVERT
        if name == "poses_sha256":
            return bool(message.sha256s)
        if name == "size" and isinstance(message, m.Upload):
            return True
        if name in {"pose_difference", "variation", "layer"}:
            return True
        if path == ("mask_sha256",):
            return isinstance(message, m.FindThing) and message.start is not m.ThingStart.MASK
        return worker_without_job or (not hasattr(message, "summary") and path in optional) or (message, path) == STATUS_INFO
    if value == []:
        if name == "strokes":
            return isinstance(message, m.FindThing) and message.start is m.ThingStart.MASK
        if name in {"levels", "scores"}:
            return isinstance(message, m.ThingFound) and message.origin is m.ThingOrigin.NONE
        poses_alone = isinstance(message, m.VariantDone) and message.poses_sha256 is not None
        return name in MAY_BE_EMPTY or poses_alone or (message == INVERT and path == ("pokes",))
    if value == "":
        return name in {"device", "colour", "sentence", "reason"}
    if name == "mesh":
        return value is True and not message.regions
    if name == "mirror":
        return value is True and message.kinematics_sha256 is not None
    plain = {"upright", "everyone", "is_up", "passes", "premultiplied", "whole_region", "free_ground", "frames", "adds", "alone"}
    plain |= {"as_body"}
    return value is True and name in plain


@pytest.mark.parametrize(("message", "path"), field_cases())
def test_a_wrong_field_is_refused_by_its_name(message, path):
    wrong = {name: value for name, value in WRONG_VALUES.items() if not is_good(message, path, value)}
    assert wrong
    for name, value in wrong.items():
        plain = plain_of(message)
        place = functools.reduce(operator.getitem, path[:-1], plain)
        if value is not MISSING:
            place[path[-1]] = value
        elif isinstance(place, list) and path[-2] in LISTS:
            continue  # a shorter list is a good list
        else:
            del place[path[-1]]
        with pytest.raises(ProtocolError) as refusal:
            decode_plain(plain, *raw_of(message))
        assert [key for key in path if isinstance(key, str)][-1] in refusal.value.field, name
        assert refusal.value.sentence.endswith("."), name


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_field_too_many_is_refused_by_its_name_at_any_depth(message):
    for path in [(), *leaves(to_plain(message))]:
        plain = plain_of(message)
        place = functools.reduce(operator.getitem, path, plain)
        if isinstance(place, dict):
            place["stranger"] = 1
            with pytest.raises(ProtocolError) as refusal:
                decode_plain(plain, *raw_of(message))
            assert refusal.value.field.endswith("stranger"), path


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_missing_and_extra_raw_parts_are_refused(message):
    for raw in ((), (b"a",), (b"a", b"b")):
        if len(raw) != message.raw_parts:
            with pytest.raises(ProtocolError):
                encode(message, *raw)
            with pytest.raises(ProtocolError):
                decode_plain(plain_of(message), *raw)


@pytest.mark.parametrize("version", [PROTOCOL_VERSION + 1, 0, "1", True, None, 1.0])
def test_another_version_is_refused_as_such(version):
    with pytest.raises(ProtocolError) as refusal:
        decode_plain(plain_of(m.Hello()) | {"v": version})
    assert refusal.value.code is ErrorCode.VERSION


def test_a_message_for_the_other_side_is_refused():
    with pytest.raises(ProtocolError):
        decode(encode(m.Started(JOB)), m.FROM_CLIENT)
    with pytest.raises(ProtocolError):
        decode(encode(m.Cancel(JOB)), m.FROM_BACKEND)


@pytest.mark.parametrize(
    "poke",
    [
        m.Poke(0.5, 0.5, 5e-5, 0.0),
        m.Poke(0.9, 0.5, 0.2, 0.0),
        m.Poke(0.5, 0.1, 0.0, -0.2),
        m.Poke(-0.1, 0.5, 0.2, 0.0),
        m.Poke(0.5, math.nan, 0.1, 0.1),
    ],
)
def test_a_poke_without_length_or_outside_the_plate_is_refused(poke):
    with pytest.raises(ProtocolError) as refusal:
        encode(dataclasses.replace(SAMPLE, pokes=(poke,)))
    assert refusal.value.field.startswith("pokes[0]")


def test_a_poke_without_any_shift_is_a_pin_and_goes_with_an_arrow():
    pin = m.Poke(0.5, 0.5, 0.0, 0.0)
    message = decode(encode(dataclasses.replace(SAMPLE, pokes=(*SAMPLE.pokes, pin))), EVERY).message
    assert isinstance(message, m.Sample)
    assert message.pokes[-1].is_pin
    with pytest.raises(ProtocolError, match="all pins"):
        encode(dataclasses.replace(SAMPLE, pokes=(pin,)))


def test_whole_numbers_are_good_fractions():
    message = decode(encode(dataclasses.replace(SAMPLE, pokes=(m.Poke(0, 0, 1, 1),))), EVERY).message
    assert isinstance(message, m.Sample)
    assert message.pokes == (m.Poke(0.0, 0.0, 1.0, 1.0),)


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 0},
        {"samples": limits.SAMPLES + 1},
        {"pokes": ()},
        {"pokes": SAMPLE.pokes * 33},
        {"depth_bits": 12},
        {"job_id": "a/b"},
        {"job_id": ""},
        {"model": "../secret"},
        {"plate_sha256": "AB" * 32},
        {"size": "huge"},
        {"kept": (SHA,)},
        {"kept": (SHA,), "samples": 1, "size": m.OutputSize.MODEL},
        {"kept": (SHA,), "samples": 1, "passes": True},
        {"kept": (SHA,) * (limits.OUTPUT_FRAMES + 1), "samples": 1},
    ],
)
def test_a_request_outside_the_limits_is_refused_before_it_is_sent(change):
    with pytest.raises(ProtocolError) as refusal:
        encode(dataclasses.replace(SAMPLE, **change))
    assert refusal.value.field.startswith(next(iter(change)))


ONE_LIKE = (Like(7, 2, 0.5),)
REPLAY = {"samples": 1, "kinematics_sha256": SHA}


@pytest.mark.parametrize(
    ("field", "sampling", "change"),
    [
        ("seed", Sampling(-1), {}),
        ("seed", Sampling(LARGEST_SEED + 1), {}),
        ("like", Sampling(7, ONE_LIKE * (MOST_LIKES + 1)), {}),
        ("like[0].amount", Sampling(7, (Like(7, 2, 0.0),)), {}),
        ("like[0].amount", Sampling(7, (Like(7, 2, 1.5),)), {}),
        ("like", Sampling(7, ONE_LIKE), REPLAY),
        ("like", Sampling(7, ONE_LIKE), {"playback": m.Playback(chain=2)}),
        ("variation", Sampling(7, variation=0.0), {}),
        ("variation", Sampling(7, variation=-0.5), {}),
        ("variation", Sampling(7, variation=1.51), {}),
        ("variation", Sampling(7, variation=float("nan")), {}),
        ("variation", Sampling(7, variation=0.5), REPLAY),
    ],
)
def test_a_sampling_outside_the_limits_is_refused_by_its_own_fields(field, sampling, change):
    with pytest.raises(ProtocolError) as refusal:
        encode(dataclasses.replace(SAMPLE, sampling=sampling, **change))
    assert refusal.value.field == field


def test_a_sampling_travels_as_fields_of_the_message_in_an_order_that_never_changes():
    """So that a bake which an earlier version began goes on: its folder is named by these bytes."""
    order = ["first", "seed", "model", "size", "regions", "like", "mirror", "variation", "kept"]
    assert [name for name in to_plain(SAMPLE) if name in order] == order
    variant = ["seed", "index", "like", "variation"]
    assert [name for name in to_plain(m.Variant(Sampling(7), 3)) if name in variant] == variant


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("variant", {"frame_sha256s": (SHA,)}),
        ("variant", {"variant": m.Variant(Sampling(7), 3)}),
        ("pokes", {"frame_sha256s": (SHA,), "variant": m.Variant(Sampling(7), 3), "pokes": ()}),
    ],
)
def test_a_clip_of_one_frame_and_a_variant_of_more_or_without_pokes_are_refused(field, change):
    with pytest.raises(ProtocolError) as refusal:
        encode(dataclasses.replace(INVERT, **change))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 60_000,
        b"\xdc\xff\xff" * 20_000,
        b"\xdf\xff\xff\xff\xff",
        msgpack.packb([1, 2]),
        msgpack.packb({1: 2}),
        msgpack.packb({"v": PROTOCOL_VERSION, "type": ["Hello"]}),
        b"\x82\xa1v\x01\xa1v\x01",
        msgpack.packb({"v": msgpack.ExtType(4, b"x")}),
        msgpack.packb({"v": msgpack.Timestamp(1)}),
        bytes(limits.HEAD_BYTES + 1),
    ],
)
def test_a_head_that_is_no_message_is_refused(head):
    with pytest.raises(ProtocolError):
        decode([head], EVERY)


def test_too_many_parts_are_refused():
    for parts in ([], [b""] * (limits.RAW_PARTS + 2)):
        with pytest.raises(ProtocolError):
            decode(parts, EVERY)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=7))
def test_arbitrary_bytes_raise_protocol_error_and_nothing_else(parts):
    with pytest.raises(ProtocolError):
        decode(parts, EVERY)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EXAMPLES), st.dictionaries(st.sampled_from(["job_id", "pokes", "summary", "info", "error", "v"]), JSONISH))
def test_any_values_in_a_message_are_taken_or_refused_with_protocol_error(message, change):
    with contextlib.suppress(ProtocolError):
        decode_plain(plain_of(message) | change, *raw_of(message))


def test_mutated_messages_never_raise_anything_else():
    assert fuzz_codec(5_000) > 2_500


def finite(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


POKES = (
    st.tuples(finite(0, 1), finite(0, 1), finite(0, 1), finite(0, 1))
    .map(lambda v: m.Poke(v[0], v[1], v[2] - v[0], v[3] - v[1]))
    .filter(lambda poke: abs(poke.dx) > 1e-3)
)


@settings(max_examples=200, deadline=None)
@given(
    pokes=st.lists(POKES, min_size=1, max_size=64).map(tuple),
    seed=st.integers(0, LARGEST_SEED),
    samples=st.integers(1, limits.SAMPLES),
    first=st.integers(0, LARGEST_INDEX),
    model=st.none() | st.text(st.characters(codec="ascii", exclude_characters="/\\", min_codepoint=32), min_size=1, max_size=128),
    size=st.sampled_from(m.OutputSize),
    region=st.none() | st.builds(m.Region, *[st.integers(0, 8192)] * 2, *[st.integers(4, 8192)] * 2),
)
def test_every_request_within_the_limits_survives_the_wire(pokes, seed, samples, first, model, size, region):
    request = m.Sample(JOB, SHA, pokes, region, samples, first, Sampling(seed), model, size, False, 16)
    assert decode(encode(request), m.FROM_CLIENT).message == request


def test_the_longest_messages_fit_into_a_head():
    request = dataclasses.replace(SAMPLE, pokes=SAMPLE.pokes * 32, job_id="j" * 64, model="m" * 128)
    encode(request)
    encode(dataclasses.replace(request, samples=1, kept=(SHA,) * limits.OUTPUT_FRAMES))
    encode(m.VariantDone(JOB, 0, (SHA,) * limits.OUTPUT_FRAMES))
    encode(m.Failed(JOB, dataclasses.replace(ERROR, sentence="ä" * limits.TEXT_CHARACTERS)))


def test_an_error_never_repeats_what_was_sent():
    secret = "s3cret" * 20
    plain = copy.deepcopy(plain_of(SAMPLE)) | {"seed": secret}
    with pytest.raises(ProtocolError) as refusal:
        decode_plain(plain)
    assert "s3cret" not in refusal.value.sentence
