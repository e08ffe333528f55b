"""Owns strict conversion between plain msgpack values and typed, frozen dataclasses, field by field.

A field's type is its rule: `bool`, `int`, `float`, `str`, a string enum, `X | None`, `tuple[X, ...]`, `tuple[X, Y]` or
another dataclass, narrowed by `Annotated[int, Between(0, 9)]` and friends (`ipoke_values.rules`). The rest is refused by the
field's name.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from .errors import ProtocolError

_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Flattened:
    """Annotates a dataclass whose fields travel among those of its owner, in its place; `after` moves entries behind others."""

    after: Mapping[str, str] = field(default_factory=dict)


@cache
def field_types(kind: type) -> dict[str, Any]:
    """Annotated type of every field of a dataclass, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@cache
def entries(kind: type) -> tuple[str, ...]:
    """Names of the entries that a dataclass travels as, in order."""
    names: list[str] = []
    moved: dict[str, str] = {}
    for name, annotation in field_types(kind).items():
        flattened = _flattened(annotation)
        names += entries(_as_type(get_args(annotation)[0])) if flattened else (name,)
        moved |= flattened.after if flattened else {}
    for name, other in moved.items():
        names.remove(name)
        names.insert(names.index(other) + 1, name)
    return tuple(names)


def to_plain(value: Any) -> Any:
    """Turn a dataclass into the maps, lists, numbers and texts that msgpack carries."""
    if dataclasses.is_dataclass(value):
        plain: dict[str, Any] = {}
        for name, annotation in field_types(_as_type(type(value))).items():
            inner = to_plain(getattr(value, name))
            plain |= inner if _flattened(annotation) else {name: inner}
        return {name: plain[name] for name in entries(_as_type(type(value)))}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type, plain: Any, where: str = "") -> Any:
    """Build a dataclass of type `kind` from plain values, or raise ProtocolError that names the field."""
    if not isinstance(plain, dict):
        raise _refused(where or kind.__name__, "a map", plain)
    expected = entries(kind)
    for name in plain:
        if name not in expected:
            raise ProtocolError(f"{_join(where, str(name)[:80])} is not a known field.", _join(where, str(name)[:80]))
    values = {}
    for name, annotation in field_types(kind).items():
        if _flattened(annotation):
            inner = _as_type(get_args(annotation)[0])
            values[name] = from_plain(inner, {key: plain[key] for key in entries(inner) if key in plain}, where)
        elif name not in plain:
            raise ProtocolError(f"{_join(where, name)} is missing.", _join(where, name))
        else:
            values[name] = _convert(annotation, plain[name], _join(where, name))
    result = kind(**values)
    check = getattr(result, "check", None)
    if check is not None:
        check(where)
    return result


def _flattened(annotation: Any) -> Flattened | None:
    rules = getattr(annotation, "__metadata__", ())
    return next((rule for rule in rules if isinstance(rule, Flattened)), None)


def _convert(annotation: Any, value: Any, where: str) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *rules = get_args(annotation)
        converted = _convert(inner, value, where)
        for rule in rules:
            fault = rule.fault(converted)
            if fault is not None:
                raise ProtocolError(f"{where} {fault}", where)
        return converted
    if origin in (Union, types.UnionType):
        return _convert_optional(get_args(annotation), value, where)
    if origin is tuple:
        return _convert_tuple(get_args(annotation), value, where)
    if dataclasses.is_dataclass(annotation):
        return from_plain(_as_type(annotation), value, where)
    return _convert_scalar(annotation, value, where)


def _convert_optional(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None:
        return None
    (inner,) = (option for option in options if option is not types.NoneType)
    return _convert(inner, value, where)


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _refused(where, "a list", value)
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_convert(items[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(value) != len(items):
        raise ProtocolError(f"{where} must have exactly {len(items)} items, it has {len(value)}.", where)
    return tuple(_convert(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(items, value, strict=True)))


def _convert_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float:
        if type(value) is int and abs(value) < 2**53:
            value = float(value)
        if type(value) is not float or not math.isfinite(value):
            raise _refused(where, "a finite number", value)
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        choices = [member.value for member in kind]
        if type(value) is not str or value not in choices:
            raise _refused(where, "one of " + ", ".join(choices), value)
        return kind(value)
    if type(value) is not kind:
        raise _refused(where, {int: "a whole number", bool: "true or false", str: "a text"}[kind], value)
    if kind is str and _SURROGATE.search(value):
        raise ProtocolError(f"{where} must be a text of Unicode characters; it has bytes that are none.", where)
    return value


def _refused(where: str, wanted: str, value: Any) -> ProtocolError:
    return ProtocolError(f"{where} must be {wanted}, not {type(value).__name__}.", where)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _as_type(annotation: Any) -> type:
    assert isinstance(annotation, type)
    return annotation
