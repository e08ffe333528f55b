from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_addon
from backend.protocol.version import PRODUCT_VERSION
from build_addon import BuildError, Wheel

MANIFEST = tomllib.loads((build_addon.SOURCE / "blender_manifest.toml").read_text())
WHEELS = [Wheel(path.removeprefix("./wheels/")) for path in MANIFEST["wheels"]]


@pytest.fixture
def wheels_from_memory(tmp_path, monkeypatch):
    """Stand-ins for the wheels, so that no test needs the network."""

    def fetched(wheel: Wheel, _locked):
        path = tmp_path / wheel.file_name
        path.write_bytes(wheel.file_name.encode())
        return path

    monkeypatch.setattr(build_addon, "_fetched", fetched)
    backend = tmp_path / f"ipoke-{PRODUCT_VERSION}-py3-none-any.whl"
    backend.write_bytes(b"the backend")
    monkeypatch.setattr(build_addon, "backend_wheel", lambda: backend)
    monkeypatch.setattr(build_addon, "_validate", lambda _target: None)
    monkeypatch.setattr(build_addon, "DIST", tmp_path / "dist")
    monkeypatch.setattr(build_addon, "STAGE", tmp_path / "stage")


def test_extension_backend_and_project_have_one_version():
    project = tomllib.loads((build_addon.ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert MANIFEST["version"] == project == PRODUCT_VERSION == build_addon.version()
    assert MANIFEST["id"] == build_addon.ID


@pytest.mark.parametrize("platform", MANIFEST["platforms"])
@pytest.mark.parametrize("package", ["msgpack", "pyzmq"])
def test_every_platform_has_wheels_for_each_python_that_blender_and_linux_distributions_ship(platform, package):
    here = [wheel for wheel in WHEELS if wheel.package == package and wheel.runs_on(platform)]
    for python in ("3.11", "3.13", "3.14"):
        assert any(w.python == python or (w.abi == "abi3" and w.python <= python and python != "3.11") for w in here), python


def test_the_lock_has_one_hash_for_each_wheel():
    locked = build_addon._locked_hashes()
    hashes = [word for words in locked.values() for word in words if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word)]
    assert len(hashes) == len(set(hashes)) == len(WHEELS)


def test_the_same_sources_give_the_same_bytes(wheels_from_memory):
    first = build_addon.build(None).read_bytes()
    assert build_addon.build(None).read_bytes() == first


def test_a_platforms_zip_has_its_own_wheels_and_says_so(wheels_from_memory):
    with zipfile.ZipFile(build_addon.build("windows-x64")) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        packed = {name.removeprefix("wheels/") for name in archive.namelist() if name.startswith("wheels/")}
    assert packed == {wheel.file_name for wheel in WHEELS if "win_amd64" in wheel.tags}
    assert {path.removeprefix("./wheels/") for path in manifest["wheels"]} == packed
    assert manifest["platforms"] == ["windows-x64"]


def test_the_zip_holds_what_is_shared_and_no_leftovers(wheels_from_memory):
    with zipfile.ZipFile(build_addon.build(None)) as archive:
        names = archive.namelist()
    assert "_vendor/client/session.py" in names
    assert "_vendor/protocol/messages.py" in names
    assert "_vendor/ipoke_body/solver.py" in names
    assert "_vendor/ipoke_values/sampling.py" in names
    assert f"environment/ipoke-{PRODUCT_VERSION}-py3-none-any.whl" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".lock"))]


def test_a_changed_wheel_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(build_addon, "WHEEL_CACHE", tmp_path)
    (tmp_path / WHEELS[0].file_name).write_bytes(b"something else")
    with pytest.raises(BuildError, match=r"differs from wheels\.lock"):
        build_addon._fetched(WHEELS[0], build_addon._locked_hashes())


def test_an_unknown_platform_is_refused(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(BuildError, match="riscv64"):
        build_addon.current_platform()


def test_a_repository_lists_each_platforms_zip_with_its_hash(wheels_from_memory, tmp_path):
    index = json.loads(build_addon.build_repository(tmp_path / "repository").read_text())
    assert {tuple(package["platforms"]) for package in index["data"]} == {(name,) for name in MANIFEST["platforms"]}
    for package in index["data"]:
        content = (tmp_path / "repository" / package["archive_url"]).read_bytes()
        assert package["archive_hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert package["archive_size"] == len(content)
        assert package["version"] == PRODUCT_VERSION


def test_other_extensions_of_a_repository_stay_listed_and_another_file_stays(wheels_from_memory, tmp_path):
    other = {"id": "other", "version": "1.0.0", "archive_url": "./other.zip"}
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"version": "v1", "blocklist": [{"id": "bad"}], "data": [other, {"id": MANIFEST["id"]}]}))
    listed = json.loads(build_addon.build_repository(tmp_path).read_text())
    assert listed["blocklist"] == [{"id": "bad"}]
    assert [entry["id"] for entry in listed["data"]] == ["other", *[MANIFEST["id"]] * len(MANIFEST["platforms"])]
    for text in ("[]", '{"data": []}', "hello", "[" * 100_000):
        index.write_text(text)
        with pytest.raises(build_addon.BuildError, match="is no list of extensions"):
            build_addon.build_repository(tmp_path)
        assert index.read_text() == text


def test_the_repository_says_what_blenders_own_tool_says(wheels_from_memory, tmp_path):
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        pytest.skip("Blender's module is not installed; pip install -r requirements-blender.txt brings it")
    (tool,) = Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    ours = json.loads(build_addon.build_repository(tmp_path / "repository").read_text())
    (tmp_path / "repository/index.json").unlink()
    command = [sys.executable, str(tool), "server-generate", "--repo-dir", str(tmp_path / "repository")]
    subprocess.run(command, check=True, capture_output=True)
    theirs = json.loads((tmp_path / "repository/index.json").read_text())
    by_url = {package["archive_url"]: package for package in theirs["data"]}
    assert ours["version"] == theirs["version"]
    assert [by_url[package["archive_url"]] for package in ours["data"]] == ours["data"]
