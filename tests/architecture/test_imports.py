"""Which part may import which, read from the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[2]
PARTS = ("backend", "ipoke_body", "ipoke_media", "ipoke_models", "ipoke_values", "blender_addon")
ROOMS = (
    ("core.errors", "core.german", "core.lifetime", "core.png"),
    ("core.gestures",),
    ("core.things",),
    ("core.jobs",),
    ("core.setup",),
    ("scene",),
    ("session",),
    ("drawing",),
    ("operators",),
    ("tools", "translations"),
    ("ui",),
    ("registration",),
)
"""Of the add-on: a room imports from itself and from those before it."""
ONLY_WORKER_IMPORTS = ("torch", "ipoke_models", "safetensors")


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (PROJECT / folder).rglob("*.py") if "_vendor" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports."""
    package = list(path.relative_to(PROJECT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield node.module or ""
            else:
                base = package[: len(package) - node.level + 1]
                module = ".".join([*base, *(node.module.split(".") if node.module else [])])
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)


def is_inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def wrong_imports(folder: str, *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(PROJECT)} imports {module}"
        for path in sources(folder)
        for module in imports(path)
        if is_inside(module, *forbidden)
    ]


def test_only_the_worker_imports_torch_and_the_models():
    own = "backend/worker/loaded_models.py "
    wrong = [line for line in wrong_imports("backend", *ONLY_WORKER_IMPORTS) if not line.startswith(own)]
    assert not wrong


def test_only_the_clusters_helper_imports_ray():
    assert {line.split()[0] for line in wrong_imports("backend", "ray")} == {"backend/front/cluster/helper.py"}


def test_the_models_know_nothing_of_blender_sockets_or_jobs():
    assert not wrong_imports("ipoke_models", "backend", "blender_addon", "bpy", "zmq")


def test_the_models_know_bodies_only_where_clips_are_made():
    assert {line.rpartition("/")[0] for line in wrong_imports("ipoke_models", "ipoke_body")} == {"ipoke_models/data/procedural"}


def test_the_readers_of_files_know_nothing_but_files():
    assert not wrong_imports(
        "ipoke_media", "backend", "ipoke_body", "ipoke_models", "blender_addon", "bpy", "zmq", "torch", "cv2"
    )


def test_the_addon_imports_neither_torch_nor_the_other_parts():
    assert not wrong_imports(
        "blender_addon", "backend", "ipoke_body", "ipoke_media", "ipoke_models", "ipoke_values", "torch", "cv2", "safetensors"
    )


def test_the_addons_core_does_not_import_blender():
    assert not wrong_imports("blender_addon/core", "bpy", "bmesh", "gpu", "mathutils", "bpy_extras", "blf")


@pytest.mark.parametrize(
    ("folder", "allowed", "ours"),
    [
        ("backend/protocol", {"msgpack"}, ("backend.protocol", "ipoke_values")),
        ("backend/client", {"zmq"}, ("backend.protocol", "backend.client", "ipoke_values")),
        ("ipoke_body", {"numpy"}, ("ipoke_body",)),
        ("ipoke_values", set(), ("ipoke_values",)),
    ],
)
def test_what_is_shared_with_the_addon_needs_nothing_else(folder, allowed, ours):
    known = sys.stdlib_module_names | allowed
    strangers = [
        f"{path.name}: {module}"
        for path in sources(folder)
        for module in imports(path)
        if module.split(".")[0] not in known and not is_inside(module, *ours)
    ]
    assert not strangers


def test_plates_and_the_scheduler_know_no_sockets():
    assert not wrong_imports("backend/plate", "zmq", "backend.front.service", "backend.client")
    scheduler = set(imports(PROJECT / "backend/front/scheduler.py"))
    assert not [module for module in scheduler if is_inside(module, "zmq", "time", "threading", "cv2", "numpy")]


def test_the_commands_and_the_client_do_not_reach_into_the_front_process():
    strangers = (
        "backend.front.service",
        "backend.front.scheduler",
        "backend.worker.loaded_models",
        "backend.security",
        "backend.plate",
        "backend.commands",
    )
    assert not wrong_imports("backend/client", *strangers)
    inner = (
        "backend.worker.loaded_models",
        "backend.worker.main",
        "backend.worker.sample_job",
        "backend.front.scheduler",
        "backend.front.workers.host",
    )
    assert not wrong_imports("backend/commands", *inner)


def test_the_front_process_and_the_command_line_never_load_torch():
    code = (
        "import sys, backend.cli, backend.front.service, backend.front.workers.host, backend.client\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'ipoke_models', 'safetensors', 'ray')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=allowed(60), check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_door_of_the_models_loads_nothing_that_makes_or_stores_clips():
    code = "import sys, ipoke_models\nprint(sorted(name for name in sys.modules if name.startswith('ipoke_models.data.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=allowed(60), check=True
    )
    assert done.stdout.strip() == "['ipoke_models.data.batch', 'ipoke_models.data.optical_flow', 'ipoke_models.data.things']"


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Every module that importing one brings along."""
    found, waiting = set(), [start]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph.get(module, ())
    return found


def graph_of(folder: str) -> dict[str, set[str]]:
    """Which modules of a folder import which, and the packages that come with them."""
    paths = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path for path in sources(folder)
    }
    graph = {}
    for module, path in paths.items():
        wanted = {name for name in imports(path) if name in paths}
        graph[module] = {outer for name in wanted for outer in (name, name.rpartition(".")[0]) if outer in paths} - {module}
    return graph


def test_front_and_worker_never_reach_each_other_nor_do_the_commands():
    graph = graph_of("backend")
    for room, other in (("front", "worker"), ("worker", "front"), ("commands", "worker"), ("client", "front")):
        wrong = [
            f"{module} reaches {found}"
            for module in graph
            if is_inside(module, f"backend.{room}")
            for found in reached(module, graph)
            if is_inside(found, f"backend.{other}")
        ]
        assert not wrong


def without_own_packages(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph without the arrows from a module to the packages that it is in."""
    return {module: {name for name in wanted if not module.startswith(name + ".")} for module, wanted in graph.items()}


def circles(folder: str) -> list[list[str]]:
    """Modules that import each other by whatever way, each group once; a package counts for what its own file imports."""
    graph = without_own_packages(graph_of(folder))
    behind = {module: set().union(*(reached(name, graph) for name in graph[module])) for module in graph}
    groups = {
        frozenset(name for name in behind[module] if module in behind[name]) for module in graph if module in behind[module]
    }
    return sorted(map(sorted, groups))


@pytest.mark.parametrize(
    "folder",
    [
        "backend",
        "benchmarks",
        "blender_addon",
        "demo",
        "ipoke_body",
        "ipoke_media",
        "ipoke_models",
        "ipoke_values",
        "tests",
        "tools",
    ],
)
def test_no_module_imports_itself_by_whatever_way(folder):
    assert circles(folder) == []


def rank(module: str) -> int | None:
    """Which of the add-on's rooms a module is in, the lowest first; None where it is in none."""
    inside = (i for i, room in enumerate(ROOMS) if is_inside(module, *(f"blender_addon.{name}" for name in room)))
    return next(inside, None)


def test_each_room_of_the_addon_stands_on_those_before_it_alone():
    graph = without_own_packages(graph_of("blender_addon"))
    assert {module for module in graph if rank(module) is None} <= {"blender_addon", "blender_addon.core"}
    wrong = [
        f"{module} reaches {found}"
        for module in graph
        for found in reached(module, graph)
        if rank(module) is not None and rank(found) is not None and rank(found) > rank(module)
    ]
    assert not wrong
