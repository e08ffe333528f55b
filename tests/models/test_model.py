"""The door for users of a model: shapes, exact recall by seed and index, round trips, refusals."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from ipoke_models import Cancelled, Model, ModelError, PokeError, installed_models, load_model
from ipoke_models.checkpoint import save_model
from ipoke_models.installed import find_model
from ipoke_models.networks.whole import Networks
from ipoke_models.training.presets import PRESETS
from ipoke_values import Like, Sampling
from tests.models import small

POKES = [[0.5, 0.5, 0.1, -0.05]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped configuration with random weights whose flow is far from the identity."""
    torch.manual_seed(0)
    networks = Networks(PRESETS["garden-64"].networks)
    with torch.no_grad():
        for name, parameter in networks.flow.named_parameters():
            if name.endswith("original0"):
                parameter.normal_(0, 0.03)
    path = tmp_path_factory.mktemp("models") / "random-64"
    save_model(path, networks, "random-64", "# random")
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(folder)


@pytest.fixture(scope="module")
def x0() -> torch.Tensor:
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.slow
def test_sample_gives_frames_of_the_promised_shape_and_range(model: Model, x0: torch.Tensor) -> None:
    clips = model.sample(x0, POKES, n=3, sampling=Sampling(7))
    assert clips.shape == (3, 10, 3, 64, 64)
    assert clips.dtype == torch.float32
    assert bool(torch.isfinite(clips).all())
    assert float(clips.abs().max()) <= 1.0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(model: Model, x0: torch.Tensor) -> None:
    once = model.sample(x0, POKES, n=2, sampling=Sampling(7))
    assert torch.equal(once, model.sample(x0, POKES, n=2, sampling=Sampling(7)))
    assert not torch.equal(once, model.sample(x0, POKES, n=2, sampling=Sampling(8)))
    assert not torch.equal(once[0], once[1])


@pytest.mark.slow
def test_a_variant_does_not_depend_on_its_company(model: Model, x0: torch.Tensor) -> None:
    together = model.sample(x0, POKES, n=10, sampling=Sampling(3))
    for index in (0, 5, 9):
        assert torch.equal(model.sample(x0, POKES, n=1, sampling=Sampling(3), first=index)[0], together[index])


def test_streamed_frames_carry_flow_and_visibility(model: Model, x0: torch.Tensor) -> None:
    steps = list(model.stream(x0, POKES, n=2, sampling=Sampling(1)))
    assert [step.t for step in steps] == list(range(1, 11))
    for step in steps:
        assert step.flow is not None
        assert step.visibility is not None
        assert step.flow.shape == (2, 2, 64, 64)
        assert step.visibility.shape == (2, 1, 64, 64)
        assert 0 <= float(step.visibility.min()) <= float(step.visibility.max()) <= 1


def test_sampling_can_be_cancelled(model: Model, x0: torch.Tensor) -> None:
    stream = model.stream(x0, POKES, n=1, sampling=Sampling(1), cancelled=lambda: True)
    with pytest.raises(Cancelled):
        next(stream)


def test_residual_after_latent_returns_r(model: Model, x0: torch.Tensor) -> None:
    h = model.condition(x0[None], model.poke_map(POKES)[None])
    r = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(2))
    back, logdet = model.residual(model.latent(r, h), h)
    assert float((back - r).abs().max()) < 1e-3
    assert logdet.shape == (1,)


def test_replaying_the_inverted_clip_on_its_still_is_the_autoencoders_reconstruction(model: Model, x0: torch.Tensor) -> None:
    clip = torch.stack([x0.roll(shift, dims=-1) for shift in range(11)])
    replayed = model.replay(model.invert(clip, POKES), x0, POKES)
    reconstruction = model.decode(model.encode(clip[None]), x0[None])[0]
    assert float((replayed - reconstruction).abs().max()) < 1e-3


def test_wrong_arguments_are_refused_in_a_sentence(model: Model, x0: torch.Tensor) -> None:
    with pytest.raises(ModelError, match="takes stills of shape"):
        model.sample(x0[:, :32], POKES, n=1)
    with pytest.raises(ModelError, match="NaN"):
        model.sample(x0 * float("nan"), POKES, n=1)
    with pytest.raises(ModelError, match="at least one variant"):
        model.sample(x0, POKES, n=0)
    with pytest.raises(PokeError, match="inside"):
        model.sample(x0, [[0.9, 0.9, 0.5, 0.0]], n=1)
    with pytest.raises(ModelError, match="inverts clips of 11 frames"):
        model.invert(x0[None], POKES)
    with pytest.raises(ModelError, match="There is no model 'nonesuch'"):
        load_model("nonesuch")


def test_models_of_the_variable_are_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPOKE_MODELS", str(folder.parent))
    (folder.parent / "damaged").mkdir()
    (folder.parent / "damaged" / "config.json").write_text("{", encoding="utf-8")
    names = [info.name for info in installed_models()]
    assert "random-64" in names
    assert "damaged" not in names


def test_of_models_with_one_name_the_folder_named_first_wins(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in ("z", "a"):
        shutil.copytree(folder, tmp_path / root / "any")
    for first, second in (("z", "a"), ("a", "z")):
        monkeypatch.setenv("IPOKE_MODELS", os.pathsep.join(str(tmp_path / root) for root in (first, second)))
        (found,) = [info.folder for info in installed_models() if info.name == "random-64"]
        assert found == tmp_path / first / "any"
    shutil.copytree(find_model("garden-64"), tmp_path / "z" / "own")
    own = {info.name: info.folder for info in installed_models()}
    assert own["garden-64"] == tmp_path / "z" / "own"


@pytest.mark.slow
def test_a_variants_own_residual_replays_it_but_for_rounding(model: Model, x0: torch.Tensor) -> None:
    for sampling in (Sampling(7), Sampling(7, (Like(1, 3, 0.4),))):
        r = model.variant_residual(x0, POKES, sampling, 5)
        assert r.shape == (16, 8, 8)
        variant = model.sample(x0, POKES, n=1, sampling=sampling, first=5)[0]
        assert float((model.replay(r, x0, POKES) - variant).abs().max()) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("variation", [1.0, 0.4])
def test_draws_that_are_not_guided_come_with_their_residuals(model: Model, x0: torch.Tensor, variation: float) -> None:
    drawn = next(model.stream(x0, POKES, 3, Sampling(7, variation=variation), 4, guided=False))
    assert drawn.residual is not None
    assert drawn.residual.shape == (3, 16, 8, 8)
    for place in range(3):
        own = model.variant_residual(x0, POKES, Sampling(7, variation=variation), 4 + place, guided=False)
        assert float((drawn.residual[place] - own).abs().max()) < 1e-3
    assert next(model.stream(x0, POKES, 3, Sampling(7), 4)).residual is None


def test_replays_leave_the_guide_alone(model: Model, x0: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a replay is not held to the pokes")

    monkeypatch.setattr(model, "_new_guide", refuse)
    model.replay(torch.zeros(16, 8, 8), x0.flip(0), POKES)


@pytest.mark.slow
def test_variants_near_another_are_the_nearer_the_smaller_the_amount(x0: torch.Tensor) -> None:
    model = load_model()
    parent = model.sample(x0, POKES, n=1, sampling=Sampling(7), first=3)[0]

    def distance(amount: float) -> float:
        near = model.sample(x0, POKES, n=4, sampling=Sampling(11, (Like(7, 3, amount),)))
        return float((near - parent).abs().mean())

    distances = [distance(amount) for amount in (0.01, 0.1, 0.5, 1.0)]
    assert distances == sorted(distances)
    assert distances[0] < 0.05 * distances[-1]


@pytest.mark.slow
def test_variants_lie_further_apart_the_larger_their_variation(model: Model, x0: torch.Tensor) -> None:
    def spread(variation: float) -> float:
        return float(model.sample(x0, POKES, n=4, sampling=Sampling(7, variation=variation), guided=False).std(dim=0).mean())

    spreads = [spread(variation) for variation in (0.05, 0.25, 0.5, 1.0, 1.5)]
    assert spreads == sorted(set(spreads))


@pytest.mark.slow
def test_without_a_variation_the_models_own_holds_to_the_byte(model: Model, x0: torch.Tensor) -> None:
    assert model.config.variation == 0.3
    plain = model.sample(x0, POKES, n=2, sampling=Sampling(7))
    assert torch.equal(model.sample(x0, POKES, n=2, sampling=Sampling(7, variation=0.3)), plain)
    other = model.sample(x0, POKES, n=2, sampling=Sampling(7, variation=0.9))
    assert not torch.equal(other, plain)
    assert torch.equal(model.sample(x0, POKES, n=1, sampling=Sampling(7, variation=0.9), first=1)[0], other[1])


def test_the_residual_of_a_variant_holds_its_variation(model: Model, x0: torch.Tensor) -> None:
    sampling = Sampling(7, (Like(1, 3, 0.4),), 0.2)
    r = model.variant_residual(x0, POKES, sampling, 5)
    variant = model.sample(x0, POKES, n=1, sampling=sampling, first=5)[0]
    assert float((model.replay(r, x0, POKES) - variant).abs().max()) < 1e-3
    assert not torch.equal(r, model.variant_residual(x0, POKES, sampling, 5))


@pytest.mark.parametrize("variation", [0.0, -0.5, 1.51, float("nan")])
def test_a_variation_that_none_can_have_is_refused_in_a_sentence(model: Model, x0: torch.Tensor, variation: float) -> None:
    with pytest.raises(ModelError, match="variation must lie above 0, where all variants would be alike"):
        model.sample(x0, POKES, n=1, sampling=Sampling(0, variation=variation))
    with pytest.raises(ModelError, match="variation must lie above 0"):
        model.variant_residual(x0, POKES, Sampling(7, variation=variation), 0)


def test_a_model_without_a_base_takes_no_variation_but_its_own(tmp_path: Path, x0: torch.Tensor) -> None:
    torch.manual_seed(0)
    save_model(tmp_path, small.jitter(Networks(small.model())), "plain-64", "# plain")
    plain = load_model(tmp_path)
    with pytest.raises(ModelError, match=r"'plain-64' has no mean .* leave it out"):
        plain.sample(x0, POKES, n=1, sampling=Sampling(0, variation=0.5))
    assert torch.equal(plain.sample(x0, POKES, n=1, sampling=Sampling(0, variation=1.0)), plain.sample(x0, POKES, n=1))


def test_features_tell_another_still_from_nearly_the_same(model: Model, x0: torch.Tensor) -> None:
    own, close, other = (model.features(still) for still in (x0, x0 + 0.01, x0.flip(1)))
    assert own.shape == (64 * 16,)
    assert float((own - close).norm()) < 0.2 * float((own - other).norm())


def test_a_flow_that_always_runs_away_is_told_in_a_sentence(
    model: Model, x0: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model._sampler, "latent", lambda r, *rest: torch.full_like(r, 1e6))
    with pytest.raises(ModelError, match="take another seed"):
        model.sample(x0, POKES, n=1)
