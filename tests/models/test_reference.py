"""The converted reference model gives the released system's answers."""

from __future__ import annotations

import pytest

from .reference import differences, vectors


@pytest.mark.slow
def test_every_reference_vector_is_met(converted):
    rows = differences(converted, vectors())
    assert len(rows) > 40
    assert not [row for row in rows if not row.found <= row.accepted]


def test_a_residual_survives_the_round_trip(converted):
    known = vectors()
    h = converted.conditioner(known["X"][:, 0], known["poke"])
    back, _ = converted.flow.residual(converted.flow.latent(known["r"], h), h)
    assert float((back - known["r"]).abs().max()) < 1e-4
