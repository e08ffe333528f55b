"""How long the timer's callback takes while many variants of a large plate stream in from a real backend.

Counted is the time that the main thread itself works, so that a busy machine does not spoil the figure. `-s` shows it;
IPOKE_VARIANTS=32 is the full measure.
"""

from __future__ import annotations

import importlib
import os
import time

import bpy
import pytest

from tests.machine import allowed

from .conftest import MODULE, PHOTOGRAPH

PLATE_PX = (3840, 2160)
VARIANTS = int(os.environ.get("IPOKE_VARIANTS", "8"))
PATIENCE_S = allowed(240.0)
GOAL_MS = 4.0
SLACK = 4.0
LONGEST_OPERATOR_S = 0.05


def part(name: str):
    return importlib.import_module(f"{MODULE}.{name}")


def big_plate(folder) -> bpy.types.Object:
    path = folder / "plate.jpg"
    image = bpy.data.images.load(str(PHOTOGRAPH))
    image.scale(*PLATE_PX)
    image.file_format = "JPEG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    bpy.ops.ipoke.add_plate(filepath=str(path))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.38, 0.3))
    return bpy.context.active_object


@pytest.mark.timeout(PATIENCE_S + 40)
def test_the_callback_keeps_to_its_budget_while_variants_of_a_4k_plate_arrive(tmp_path):
    obj = big_plate(tmp_path)
    obj.ipoke.samples = VARIANTS
    timer = part("session.timer")
    began_at = time.thread_time()
    timer.dispatch(part("core.jobs.app").JobAsked(part("operators.sampling").new_job(obj)))
    asked_s = time.thread_time() - began_at
    took_ms: list[float] = []
    deadline = time.monotonic() + PATIENCE_S
    while part("session.running").state().jobs:
        assert time.monotonic() < deadline, part("session.running").state()
        began_at = time.thread_time()
        timer.advance(timer.BUDGET_S)
        took_ms.append((time.thread_time() - began_at) * 1000)
        time.sleep(timer.BUSY_INTERVAL_S)
    assert sum(variant.complete for variant in obj.ipoke.variants) == VARIANTS, obj.ipoke.message
    busy = sorted(took for took in took_ms if took > 0.1)
    # Once a job Blender loads the first picture, 13 ms of its own work: of less than 100 callbacks that is the longest.
    p99, worst = busy[min(len(busy) * 99 // 100, len(busy) - 2)], busy[-3:]
    print(f"\npace: {len(busy)} working callbacks, 99th {p99:.1f} ms, worst {worst}, asking took {asked_s * 1000:.0f} ms")
    assert p99 < SLACK * GOAL_MS
    assert worst[-1] < LONGEST_OPERATOR_S * 1000
    assert asked_s < LONGEST_OPERATOR_S
