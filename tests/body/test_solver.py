from __future__ import annotations

import numpy as np
import pytest

from ipoke_body.solver import _product, _solved


@pytest.mark.parametrize("count", range(1, 7))
def test_a_few_equations_are_solved_as_lapack_solves_them(count: int):
    values = np.random.default_rng(count).normal(size=(count, count + 3))
    matrix, right = values @ values.T, values[:, 0]
    assert np.allclose(_solved(matrix.tolist(), right.tolist()), np.linalg.solve(matrix, right), rtol=1e-6)


def test_equations_that_say_nothing_change_nothing():
    assert _solved([[0.0] * 3] * 3, [0.0] * 3) == [0.0] * 3


@pytest.mark.parametrize("shape", [(3, 4, 2), (700, 800, 2), (800, 800, 60), (5, 300_000, 1)])
def test_a_product_is_the_same_in_parts(shape: tuple[int, int, int]):
    random = np.random.default_rng(0)
    matrix, columns = random.normal(size=shape[:2]), random.normal(size=shape[1:])
    assert np.allclose(_product(matrix, columns), matrix @ columns)
