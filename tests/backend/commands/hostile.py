"""Values that nobody expects in a file of ours, for property tests."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_DEEP: Any = []
for _ in range(300):
    _DEEP = [_DEEP]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 2**63, 2**64, 0]),
    st.floats(),
    st.text(st.characters(categories=None), max_size=300),
    st.sampled_from(["../../etc/passwd", "\x00", "\ud800", "\x1b[2J", "/dev/zero", "CON", "a" * 100_000]),
    st.sampled_from([[], {}, [[]], {"": {}}, _DEEP, [None] * 1000]),
    st.lists(st.floats(), max_size=5),
)


def places(plain: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in nested maps and lists, the outer ones first."""
    found = [path]
    if isinstance(plain, dict | list):
        for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
            found += places(value, (*path, key))
    return found


@st.composite
def changed(draw: st.DrawFn, good: Any) -> Any:
    """Good plain values of which one, anywhere, is another or is gone."""
    path = draw(st.sampled_from(places(good)))
    if not path:
        return draw(VALUES)
    plain = copy.deepcopy(good)
    holder = plain
    for key in path[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        holder[path[-1]] = draw(VALUES)
    elif isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder.extend([holder[path[-1]]] * draw(st.integers(1, 200)))
    return plain
