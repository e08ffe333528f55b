"""The notes at the end of a model card: somebody's words, which no card that is generated anew takes away."""

from __future__ import annotations

NOTES = "## Notes\n"
_NO_NOTES = "\nNothing noted yet: describe the pictures' licences and the failures that were seen.\n"


def kept_notes(card: str) -> str:
    """The notes of a card for the one that takes its place, or that there are none."""
    return NOTES + (card.partition(NOTES)[2] or _NO_NOTES)
