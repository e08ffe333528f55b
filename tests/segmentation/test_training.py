from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ipoke_models.segmentation import load_segmenter, stage, train
from ipoke_models.segmentation.__main__ import main
from ipoke_models.segmentation.composites import Composite, Kind
from ipoke_models.segmentation.encoder import Encoder
from ipoke_models.segmentation.folder import read_segmenter
from ipoke_models.segmentation.network import Masks, Segmenter
from ipoke_models.segmentation.salience import Salience
from ipoke_models.segmentation.sheet import TILE_PX
from ipoke_models.segmentation.stage import Asked, SegmentationStage, ask, mask_losses
from ipoke_models.segmentation.stock import load_stock
from tests.segmenters import SMALL


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    torch.manual_seed(0)
    save_file(Encoder().state_dict(), path)
    return path


def command(pictures, encoder, folder, *more: str) -> list[str]:
    sizes = ["--size", "64", "--working-size", "64", "--batch", "2", "--threads", "1"]
    start = ["--encoder", str(encoder), "--work", str(folder / "work")]
    return ["train", str(pictures), "-o", str(folder / "tiny"), *start, *sizes, *more]


def test_training_writes_a_segmenter_and_goes_on_where_it_stopped(pictures, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "VALIDATION_COMPOSITES", 4)
    assert main(command(pictures, encoder, tmp_path, "--decoder-steps", "2", "--steps", "0")) == 0
    assert main(command(pictures, encoder, tmp_path, "--decoder-steps", "2", "--steps", "1")) == 0
    stages = [json.loads(line)["stage"] for line in (tmp_path / "work" / "log.jsonl").read_text().splitlines()]
    assert stages == ["decoder", "whole"]
    assert json.loads((tmp_path / "work" / "provenance.json").read_text())["networks"]["size_px"] == 64
    assert load_segmenter(tmp_path / "tiny").size_px == 64
    assert main(["train", str(pictures), "-o", str(tmp_path / "more"), "--from", str(tmp_path / "tiny"), "--size", "64",
                 "--decoder-steps", "0", "--steps", "1", "--batch", "2", "--work", str(tmp_path / "other")]) == 0  # fmt: skip
    more = load_segmenter(tmp_path / "more")
    assert (more.size_px, more.salience) == (256, None)


def test_what_finds_things_that_stand_out_is_put_beside_a_finished_model_and_stays_there(
    pictures, model_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    salience = Salience()
    save_file(salience.state_dict(), tmp_path / "salience.safetensors")
    steps = ["--size", "64", "--working-size", "64", "--decoder-steps", "0", "--steps", "0"]
    # the small network has other widths than a trained one
    monkeypatch.setattr(train, "start_network", lambda config, encoder, source: read_segmenter(source)[1])
    beside = ["--salience", "salience.safetensors", *steps]
    assert main(["train", str(pictures), "-o", "two", "--from", str(model_folder), *beside]) == 0
    assert main(["train", str(pictures), "-o", "three", "--from", "two", *steps]) == 0
    written = load_segmenter("three").salience
    assert written is not None
    assert torch.equal(written.join.weight, salience.join.weight.half().float())
    (tmp_path / "salience.safetensors").write_bytes(b"")
    assert main(["train", str(pictures), "-o", "four", "--from", "two", *beside]) == 2
    assert "holds no weights of U²-Net-p" in capsys.readouterr().err


def test_training_anew_keeps_what_the_card_notes(pictures, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "VALIDATION_COMPOSITES", 2)
    again = command(pictures, encoder, tmp_path, "--decoder-steps", "1", "--steps", "0")
    assert main(again) == 0
    card = tmp_path / "tiny" / "model_card.md"
    assert "Nothing noted yet" in card.read_text()
    card.write_text("# tiny\n\nMeasured.\n\n## Notes\n\nLooked at.\n")
    assert main(again) == 0
    assert card.read_text().endswith("## Notes\n\nLooked at.\n")
    assert "Not measured yet" in card.read_text()


def test_the_loss_falls_on_one_composite(pictures):
    torch.manual_seed(0)
    network = Segmenter(SMALL)
    rng = np.random.default_rng(0)
    thing = np.zeros((64, 64), np.float32)
    thing[16:48, 20:44] = 1
    rgb = np.repeat((60 + 120 * thing[..., None]).astype(np.uint8), 3, -1)
    asked = ask(rng, [Composite(rgb, thing, thing, np.full((64, 64), -1, np.int32), Kind.ONE)] * 2, torch.device("cpu"))
    optimizer = torch.optim.Adam(network.decoder.parameters(), 5e-3)
    with torch.no_grad():
        features = network.encoder(asked.rgb)
    history = []
    for _ in range(20):
        terms = mask_losses(network.decoder(asked.rgb, features, asked.click_tensor(), torch.zeros(2, 1, 32, 32)), asked)
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
        history.append(float(terms["overlap"].detach()))
    assert history[-1] < 0.5 * history[0]


def test_masks_that_are_not_known_cost_nothing():
    wanted = torch.zeros(1, 3, 4, 4)
    known = torch.tensor([[False, True, False]])
    asked = Asked(torch.zeros(1, 3, 8, 8), wanted, known, [[(0.5, 0.5, 1.0)]])
    logits = torch.full((1, 3, 4, 4), -9.0)
    other = logits.clone()
    other[:, [0, 2]] = 9.0
    scores = torch.ones(1, 3)
    for name, term in mask_losses(Masks(logits, scores), asked).items():
        assert torch.equal(term, mask_losses(Masks(other, scores), asked)[name]), name


def test_a_step_is_the_same_whenever_it_is_taken(pictures):
    torch.manual_seed(0)
    network = Segmenter(SMALL)
    stock = load_stock(pictures, held_out=False)
    for whole in (False, True):
        training = SegmentationStage(network, stock, stock, 64, 2, 1, whole=whole)
        one, other = (training.losses(4) for _ in range(2))
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert all(parameter.requires_grad == whole for parameter in network.encoder.stages[2:].parameters())
        assert not any(parameter.requires_grad for parameter in network.encoder.finest.parameters())


@pytest.mark.parametrize(("wrong", "sentence"), [("encoder", "holds no weights of the encoder"), ("pictures", "does not exist")])
def test_what_training_cannot_start_from_is_said_in_one_sentence(pictures, encoder, tmp_path, capsys, wrong, sentence):
    given = {"encoder": encoder, "pictures": pictures, wrong: tmp_path / "nothing"}
    assert main(command(given["pictures"], given["encoder"], tmp_path)) == 2
    assert sentence in capsys.readouterr().err


def test_evaluation_prints_a_line_for_everyone_and_every_click(pictures, model_folder, tmp_path, capsys):
    output = tmp_path / "rows.jsonl"
    assert main(["evaluate", str(model_folder), str(pictures), "--count", "2", "--grabcut", "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    for start in ("| small | 1 | 2 |", "| small | 3 | 2 |", "| GrabCut | 3 | 2 |", "| small, best of three | 1 | 2 |"):
        assert start in printed
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(rows) == 2 * 3 * 3
    assert all(0 <= value <= 1 for row in rows for value in row["ious"])


def test_evaluation_measures_photographs_with_masks_and_names_each(photographs, model_folder, tmp_path, capsys):
    output = tmp_path / "rows.jsonl"
    assert main(["evaluate", str(model_folder), str(photographs), "--grabcut", "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    for start in ("2 photographs that no training saw", "| small | 3 | 2 |", "| GrabCut | 1 | 2 |", "| disc |", "| bar |"):
        assert start in printed
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert {(row["picture"], row["start"]) for row in rows} == {("disc", 0), ("bar", 0)}
    of_grabcut = [row["ious"] for row in rows if row["contestant"] == "GrabCut"]
    assert min(ious[2] for ious in of_grabcut) > 0.8


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "things.json").write_text('[{"name": "disc"}]'), "is no list of photographs"),
        (lambda folder: (folder / "bar.mask.png").unlink(), "are no photograph and a mask of its size"),
    ],
)
def test_evaluation_names_what_is_wrong_with_a_folder_of_photographs(
    photographs, model_folder, tmp_path, capsys, damage, sentence
):
    folder = shutil.copytree(photographs, tmp_path / "damaged")
    damage(folder)
    assert main(["evaluate", str(model_folder), str(folder)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_sheet_shows_all_photographs_of_a_folder(photographs, model_folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    assert main(["sheet", str(model_folder), "-o", str(sheet), "--pictures", str(photographs)]) == 0
    assert cv2.imread(str(sheet)).shape == (2 * TILE_PX, 2 * TILE_PX, 3)


def test_an_installed_segmenter_is_measured_and_shown_by_its_name(photographs, model_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("IPOKE_MODELS", str(model_folder.parent))
    assert main(["evaluate", "small", str(photographs)]) == 0
    assert "| small | 3 | 2 |" in capsys.readouterr().out
    sheet = tmp_path / "sheet.png"
    assert main(["sheet", "small", "-o", str(sheet), "--pictures", str(photographs), "--count", "1"]) == 0
    assert sheet.is_file()
    for asked in (["evaluate", "smal", str(photographs)], ["sheet", "smal", "-o", str(sheet), "--pictures", str(photographs)]):
        assert main(asked) == 2
        assert "There is no segmenter 'smal'; installed are:" in capsys.readouterr().err


def test_evaluation_names_a_missing_network(pictures, model_folder, tmp_path, capsys):
    assert main(["evaluate", str(model_folder), str(pictures), "--salience", str(tmp_path / "u2netp.onnx")]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_a_card_says_how_the_model_was_made_and_what_it_measures(pictures, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "VALIDATION_COMPOSITES", 2)
    assert main(command(pictures, encoder, tmp_path, "--decoder-steps", "1", "--steps", "0")) == 0
    card = tmp_path / "tiny" / "model_card.md"
    card.write_text(card.read_text() + "\n## Notes\n\nLooked at.\n")
    work = str(tmp_path / "work")
    assert main(["evaluate", str(tmp_path / "tiny"), str(pictures), "--count", "1", "--card", work]) == 0
    text = card.read_text()
    for said in (
        "ipoke segment train PICTURES -o tiny",
        "ipoke segment evaluate tiny PICTURES --count 1",
        "| tiny | 3 | 1 |",
        "Looked at.",
    ):
        assert said in text
    assert load_segmenter(tmp_path / "tiny").sha256 in text


def test_a_sheet_shows_composites_and_stills(pictures, model_folder, tmp_path, capsys):
    still = next((pictures / "photos").iterdir())
    sheet = tmp_path / "sheets" / "sheet.png"
    at = ["--at", f"{still}@0.5,0.5;-0.1,0.1", "--at", f"{still}@0.2,0.2"]
    assert (
        main(["sheet", str(model_folder), "-o", str(sheet), "--pictures", str(pictures), "--count", "1", "--clicks", "2", *at])
        == 0
    )
    assert cv2.imread(str(sheet)).shape == (2 * TILE_PX, 3 * TILE_PX, 3)
    assert main(["sheet", str(model_folder), "-o", str(sheet), "--at", f"{still}@left"]) == 2
    assert "write IMAGE@0.4,0.5" in capsys.readouterr().err
    assert main(["sheet", str(model_folder), "-o", str(sheet), "--at", f"{tmp_path / 'none.png'}@0.5,0.5"]) == 2
    assert "can't be read as an image" in capsys.readouterr().err
