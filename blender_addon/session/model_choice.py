"""The choice of a model: what the backend has, and which of that a plate asks for."""

from __future__ import annotations

from bpy.app.translations import pgettext_iface as tell

from .._vendor.protocol.messages import ModelEntry
from ..scene.properties import IPOKE_PG_plate
from . import running


def installed() -> tuple[ModelEntry, ...]:
    """Return what the backend has, the one it takes by itself first; nothing while it isn't up."""
    info = running.state().backend.info
    return () if info is None else info.models


def asked(plate: IPOKE_PG_plate) -> ModelEntry | None:
    """Return what the backend says of the model that a plate asks for; None where it doesn't know it."""
    known = installed()
    if not plate.model:
        return known[0] if known else None
    return next((entry for entry in known if entry.name == plate.model), None)


def by_itself() -> str:
    """Return the name of the model that is taken where a plate asks for none; empty while the backend isn't up."""
    known = installed()
    return known[0].name if known else ""


def has_choice(plate: IPOKE_PG_plate) -> bool:
    """Whether there is anything to choose, or to take back."""
    known = installed()
    return len(known) > 1 or plate.model not in ("", *(entry.name for entry in known))


def too_many(plate: IPOKE_PG_plate, arrows: int) -> str:
    """Return what to say of so many arrows: that the model takes fewer; empty where it takes them, or isn't known yet."""
    model = asked(plate)
    if model is None or arrows <= model.max_pokes:
        return ""
    return tell("{model} takes {count} arrows at most").format(model=model.name, count=model.max_pokes)
