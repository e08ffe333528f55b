"""Owns strict conversion between plain msgpack values and typed, frozen dataclasses, field by field.

A field's type is its rule: `bool`, `int`, `float`, `str`, a string enum, `X | None`, `tuple[X, ...]`, `tuple[X, Y]` or
another dataclass, narrowed by `Annotated[int, Between(0, 9)]` and friends. The rest is refused by the field's name.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from .errors import ProtocolError

_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Between:
    """A number in [low, high]."""

    low: float
    high: float

    def check(self, value: Any, where: str) -> None:
        """Refuse a number outside the range."""
        if not self.low <= value <= self.high:
            raise ProtocolError(f"{where} must be between {self.low} and {self.high}.", where)


@dataclass(frozen=True, slots=True)
class Length:
    """A text or list of at least `low` and at most `high` items."""

    low: int
    high: int

    def check(self, value: Any, where: str) -> None:
        """Refuse a text or list that is too short or too long."""
        if not self.low <= len(value) <= self.high:
            raise ProtocolError(f"{where} must have {self.low} to {self.high} items, it has {len(value)}.", where)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that matches a regular expression from end to end."""

    expression: str
    meaning: str

    def check(self, value: Any, where: str) -> None:
        """Refuse a text that doesn't match."""
        if not re.fullmatch(self.expression, value):
            raise ProtocolError(f"{where} must be {self.meaning}.", where)


@cache
def field_types(kind: type) -> dict[str, Any]:
    """Annotated type of every field of a dataclass, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def to_plain(value: Any) -> Any:
    """Turn a dataclass into the maps, lists, numbers and texts that msgpack carries."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type, plain: Any, where: str = "") -> Any:
    """Build a dataclass of type `kind` from plain values, or raise ProtocolError that names the field."""
    if not isinstance(plain, dict):
        raise _refused(where or kind.__name__, "a map", plain)
    expected = field_types(kind)
    for name in plain:
        if name not in expected:
            raise ProtocolError(f"{_join(where, str(name)[:80])} is not a known field.", _join(where, str(name)[:80]))
    values = {}
    for name, annotation in expected.items():
        if name not in plain:
            raise ProtocolError(f"{_join(where, name)} is missing.", _join(where, name))
        values[name] = _convert(annotation, plain[name], _join(where, name))
    result = kind(**values)
    check = getattr(result, "check", None)
    if check is not None:
        check(where)
    return result


def _convert(annotation: Any, value: Any, where: str) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *rules = get_args(annotation)
        converted = _convert(inner, value, where)
        for rule in rules:
            rule.check(converted, where)
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
