"""Simulated pokes obey the paper's rule, and the poke map is what FACTS of the published system say."""

import numpy as np
import pytest
import torch

from ipoke_models.data.poke_simulation import candidates, simulate_pokes
from ipoke_models.errors import PokeError
from ipoke_models.sampling.pokes import check_pokes, paint_pokes, pokes_to_pixels


def _moving_square() -> torch.Tensor:
    flow = torch.zeros(1, 2, 64, 64)
    flow[:, 0, 20:30, 30:40] = 4.0
    flow[:, 1, 20:30, 30:40] = -2.0
    return flow


def test_a_poke_is_a_window_of_five_by_five_with_its_shift_and_zero_elsewhere() -> None:
    canvas = paint_pokes(torch.tensor([[10, 20]]), torch.tensor([[3.0, -1.5]]), 64, 5)
    assert torch.equal(canvas[:, 8:13, 18:23], torch.tensor([3.0, -1.5]).view(2, 1, 1).expand(2, 5, 5))
    assert int((canvas != 0).sum()) == 2 * 25


def test_a_window_at_the_border_is_cut_off() -> None:
    canvas = paint_pokes(torch.tensor([[0, 63]]), torch.tensor([[1.0, 1.0]]), 64, 5)
    assert int((canvas != 0).sum()) == 2 * 9


def test_later_pokes_lie_on_top() -> None:
    canvas = paint_pokes(torch.tensor([[10, 10], [10, 12]]), torch.tensor([[1.0, 0.0], [2.0, 0.0]]), 64, 5)
    assert canvas[0, 10, 11] == 2.0


def test_simulated_pokes_sit_on_what_moves_and_carry_its_flow() -> None:
    flow = _moving_square()
    for seed in range(20):
        pokes = simulate_pokes(flow, np.random.default_rng(seed).spawn(1), 5, 5, zero_share=0.0)
        painted = pokes.maps[0].norm(dim=0) > 0
        assert not bool(pokes.still[0])
        assert torch.allclose(pokes.maps[0][:, painted].T, torch.tensor([4.0, -2.0]).expand(int(painted.sum()), 2))
        rows, columns = torch.nonzero(painted, as_tuple=True)
        assert rows.min() >= 18
        assert rows.max() <= 31
        assert columns.min() >= 28
        assert columns.max() <= 41


def test_a_zero_poke_shows_a_moving_shift_on_the_still_background() -> None:
    flow = _moving_square()
    pokes = simulate_pokes(flow, np.random.default_rng(0).spawn(1), 5, 5, zero_share=1.0)
    assert bool(pokes.still[0])
    assert float(pokes.maps.abs().max()) == 4.0


def test_pokes_keep_to_a_foreground_and_zero_pokes_to_what_stands_still_outside_it() -> None:
    flow = _moving_square()
    foreground = torch.zeros(1, 1, 64, 64)
    foreground[:, :, 20:30, 30:33] = 1.0
    for seed in range(20):
        rngs = [np.random.default_rng(seed).spawn(1) for _ in range(2)]
        poked, zero = (
            simulate_pokes(flow, rng, 1, 1, zero_share=share, foreground=foreground)
            for rng, share in zip(rngs, (0.0, 1.0), strict=True)
        )
        assert bool(foreground[0, 0][poked.maps[0].norm(dim=0) > 0].all())
        assert bool(zero.still[0])
        assert float(flow[0].norm(dim=0)[zero.maps[0].norm(dim=0) > 0].max()) == 0.0


def test_a_foreground_that_is_everywhere_is_none() -> None:
    flow = _moving_square()
    for seed in range(10):
        plain, everywhere = (
            simulate_pokes(flow, np.random.default_rng(seed).spawn(1), 5, 5, zero_share=0.5, foreground=foreground)
            for foreground in (None, torch.ones(1, 1, 64, 64))
        )
        assert torch.equal(plain.maps, everywhere.maps)
        assert torch.equal(plain.still, everywhere.still)


def test_tips_ask_of_the_last_frame_to_show_there_what_was_at_the_tails() -> None:
    pokes = simulate_pokes(_moving_square(), np.random.default_rng(3).spawn(1), 1, 5, zero_share=0.0)
    tails, tips = (torch.nonzero(field[0].norm(dim=0) > 0).float().mean(dim=0) for field in (pokes.maps, pokes.tips))
    assert torch.equal(tips - tails, torch.tensor([-2.0, 4.0]))
    assert torch.equal(pokes.tips.amin(dim=(2, 3)), torch.tensor([[-4.0, 0.0]]))
    assert torch.equal(pokes.tips.amax(dim=(2, 3)), torch.tensor([[0.0, 2.0]]))


def test_candidates_keep_off_the_border() -> None:
    amplitude = torch.zeros(1, 64, 64)
    amplitude[:, :, :3] = 9.0
    amplitude[:, 30, 30] = 5.0
    assert candidates(amplitude, 5, torch.tensor([False])).nonzero().tolist() == [[0, 30, 30]]


def test_fractions_become_pixels() -> None:
    places, shifts = pokes_to_pixels(np.array([[0.5, 0.25, 0.125, -0.0625]]), 64)
    assert places.tolist() == [[16, 32]]
    assert shifts.tolist() == [[8.0, -4.0]]


@pytest.mark.parametrize(
    ("pokes", "sentence"),
    [
        ([[0.1, 0.2, 0.3]], "shape"),
        ([], "shape"),
        ([[0.5, 0.5, 0.1, 0.1]] * 6, "1 to 5 pokes"),
        ([[0.5, 0.5, float("nan"), 0.1]], "finite"),
        ([[0.9, 0.5, 0.2, 0.0]], "inside"),
        ([[0.5, 0.5, 0.0, 0.0]], "length"),
    ],
)
def test_bad_pokes_are_refused_in_a_sentence(pokes: list[list[float]], sentence: str) -> None:
    with pytest.raises(PokeError, match=sentence):
        check_pokes(pokes, 5)
