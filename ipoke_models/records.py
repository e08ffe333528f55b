"""Dataclasses that hold tensors, treated as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from torch import Tensor

Record = TypeVar("Record")


def map_tensors(record: Record, function: Callable[[Tensor], Tensor]) -> Record:
    """The record with `function` applied to each of its tensors, through nested dataclasses."""
    if isinstance(record, Tensor):
        return cast(Record, function(record))
    if not is_dataclass(record) or isinstance(record, type):
        return record
    changed: dict[str, Any] = {field.name: map_tensors(getattr(record, field.name), function) for field in fields(record)}
    return replace(record, **changed)
