"""Owns properties that are computed once, by the thread that asks first; the others wait for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801, it is a decorator
    """A cached property, of which Python's own, since 3.12, is computed by every thread that asks before it is there."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> once[Value]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> once[Value] | Value:
        if instance is None:
            return self
        kept = vars(instance)
        with kept.setdefault(f"_{self._name}_lock", Lock()):
            if self._name not in kept:
                kept[self._name] = self._compute(instance)
        value: Value = kept[self._name]
        return value
