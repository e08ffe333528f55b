"""The one assertion on values. (`torch.testing` takes seconds to import.)"""

from __future__ import annotations

from torch import Tensor


def assert_close(found: Tensor, expected: Tensor, atol: float = 1e-5, rtol: float = 1e-5) -> None:
    """Same shape and type, and each value within atol + rtol |expected|."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    excess = (found - expected).abs() - atol - rtol * expected.abs()
    assert bool((excess <= 0).all()), f"off by {float((found - expected).abs().max()):.1e}"
