"""Values that are there while the add-on is enabled. No bpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class WhileEnabled(Generic[T]):
    """A value that is made when the add-on is enabled and let go of when it is disabled; called, it gives the value."""

    def __init__(self, make: Callable[[], T], end: Callable[[T], None] | None = None) -> None:
        """`end` is called with the value when the add-on is disabled."""
        self._make, self._end = make, end
        self._value: T | None = None

    def __call__(self) -> T:
        """The value; only while the add-on is enabled."""
        assert self._value is not None, "The add-on is not enabled."
        return self._value

    @property
    def is_open(self) -> bool:
        """Whether the add-on is enabled."""
        return self._value is not None

    def open(self) -> None:
        """Make the value."""
        self._value = self._make()

    def close(self) -> None:
        """Let go of the value."""
        value, self._value = self._value, None
        if value is not None and self._end is not None:
            self._end(value)

    def reset(self) -> None:
        """Put a new value in the place of the one that is there."""
        self.close()
        self.open()
