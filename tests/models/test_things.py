"""Models that are shown the thing, and say where its places go."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ipoke_models import ConfigError, Model, ModelError, Sampling, Thing
from ipoke_models.checkpoint import Manifest, load_networks, save_model
from ipoke_models.config import ModelConfig
from ipoke_models.networks.carrying import carried
from ipoke_models.networks.layers import folded_state, load_folded
from ipoke_models.networks.whole import Networks, without_norms
from tests.models import small
from tests.models.small import one_thread  # noqa: F401, for all tests here

POKES = [[0.5, 0.5, 0.1, -0.1]]


def made(config: ModelConfig, folder) -> Model:
    torch.manual_seed(3)
    normed = small.jitter(Networks(config))
    save_model(folder, normed, "small", "")
    manifest, networks = load_networks(folder)
    return Model(manifest, networks, folder, torch.device("cpu"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return made(small.seeing_things(), tmp_path_factory.mktemp("models") / "seeing")


@pytest.fixture(scope="module")
def still() -> Tensor:
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def square(*pins: tuple[float, float]) -> Thing:
    mask = torch.zeros(64, 64)
    mask[16:48, 20:44] = 1
    return Thing(mask, np.array(pins).reshape(-1, 2))


def shifts(model: Model, still: Tensor, thing: Thing | None, *, guided: bool = False) -> Tensor:
    steps = list(model.stream(still, POKES, 2, Sampling(5), thing=thing, guided=guided))
    assert all(step.shift is not None for step in steps)
    return torch.stack([step.shift for step in steps if step.shift is not None], dim=1)


def test_it_says_where_each_place_goes_and_how_far_off_that_may_be(model: Model, still: Tensor) -> None:
    *_, last = model.stream(still, POKES, 2, Sampling(5), thing=square(), guided=False)
    assert last.frames.shape == (2, 3, 64, 64)
    assert last.flow is last.visibility is None
    assert last.shift is not None
    assert last.error_px is not None
    assert last.shift.shape == (2, 2, 32, 32)
    assert last.error_px.shape == (2, 1, 32, 32)
    assert (last.error_px > 0).all()
    assert last.residual is not None


def test_the_thing_and_its_pins_change_what_it_says(model: Model, still: Tensor) -> None:
    everywhere, thing, pinned = (shifts(model, still, one) for one in (None, square(), square((0.4, 0.7))))
    assert not torch.allclose(everywhere, thing)
    assert not torch.allclose(thing, pinned)
    assert torch.equal(thing, shifts(model, still, square()))


def test_a_model_that_does_not_see_the_thing_makes_the_same_frames_whatever_it_is_told(still: Tensor, tmp_path) -> None:
    model = made(small.with_dense_flow(), tmp_path / "blind")
    assert torch.equal(
        model.sample(still, POKES, 2, Sampling(5)), model.sample(still, POKES, 2, Sampling(5), thing=square((0.4, 0.7)))
    )


def test_held_to_the_poke_a_tail_ends_nearer_to_its_tip(model: Model, still: Tensor) -> None:
    free, held = (shifts(model, still, square(), guided=guided)[:, -1, :, 15:17, 15:17].mean((2, 3)) for guided in (False, True))
    asked = torch.tensor(POKES[0][2:]) * 64
    assert ((held - asked).norm(dim=1) < (free - asked).norm(dim=1)).all()


def test_kinematics_of_a_variant_replayed_on_its_own_still_and_thing_are_that_variant(model: Model, still: Tensor) -> None:
    r = model.variant_residual(still, POKES, Sampling(5), 1, guided=False, thing=square())
    steps = model.stream_replay(r, still, POKES, thing=square())
    replayed = torch.stack([step.shift[0] for step in steps if step.shift is not None])
    torch.testing.assert_close(replayed, shifts(model, still, square())[1], atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (Thing(torch.ones(32, 32)), r"mask must have the shape \(64, 64\)"),
        (Thing(torch.full((64, 64), torch.nan)), "must be finite"),
        (Thing(torch.ones(64, 64), np.array([[0.5, np.inf]])), "must be finite"),
    ],
)
def test_a_thing_that_does_not_fit_is_refused_in_a_sentence(model: Model, still: Tensor, thing: Thing, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        model.sample(still, POKES, 1, thing=thing)


def test_the_motion_head_and_the_sight_of_things_go_together() -> None:
    config = small.seeing_things()
    with pytest.raises(ConfigError, match="sees_thing must be true for the motion head"):
        ModelConfig(config.autoencoder, small.with_dense_flow().conditioner, config.flow)
    assert without_norms(config).sees_thing
    assert Manifest("seeing", config, "0" * 64).networks == config


def test_weights_of_a_model_that_sees_things_are_saved_and_read_as_those_of_others(tmp_path) -> None:
    normed = small.jitter(Networks(small.seeing_things()))
    plain = Networks(without_norms(normed.config))
    load_folded(plain, folded_state(normed))
    save_model(tmp_path / "seeing", normed, "seeing", "")
    _, read = load_networks(tmp_path / "seeing")
    for name, value in plain.state_dict().items():
        assert torch.equal(read.state_dict()[name], value), name


def test_a_carried_thing_stands_where_it_went_and_leaves_what_is_around_it_behind() -> None:
    x0, mask = torch.full((1, 3, 64, 64), -0.5), torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 10:30] = 1
    x0 = torch.where(mask > 0, 0.5, x0)
    shift = torch.zeros(1, 2, 32, 32)
    shift[:, 0], shift[:, 1] = 24, 6
    frame = carried(x0, mask, shift)
    expected = torch.full((1, 3, 64, 64), -0.5)
    expected[..., 26:46, 34:54] = 0.5
    torch.testing.assert_close(frame, expected, atol=0.25, rtol=0)  # its edge is soft
    assert ((frame - expected).abs() > 1e-3).float().mean() < 0.05
