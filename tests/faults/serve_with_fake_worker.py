"""A backend whose worker is the fake one, impatient enough for tests. Takes the same arguments as `ipoke serve --child`; a
file config.json in the scratch folder changes more of its configuration.

python serve_with_fake_worker.py SCRATCH serve --child --connection-file F --log-file F
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from pathlib import Path

from backend.config import BackendConfig, ClusterConfig
from backend.front.service import Service
from backend.lifetime import stop_on_signals, stop_with_parent
from backend.log import set_up_log
from backend.protocol.limits import MIB
from tests.machine import allowed

CHANGES = "config.json"


def main(scratch: Path, connection_file: Path, log_file: Path) -> None:
    set_up_log(log_file)
    stop = threading.Event()
    stop_on_signals(stop)
    stop_with_parent(sys.stdin.buffer, stop)
    config = BackendConfig(
        connection_file=connection_file,
        worker_command=(sys.executable, "-m", "tests.faults.fake_worker", str(scratch)),
        worker_stall_s=allowed(3.0),
        hold_bytes=16 * MIB,
        log_file=log_file,
    )
    changes = scratch / CHANGES
    if changes.exists():
        changed = json.loads(changes.read_text())
        if "cluster" in changed:
            changed["cluster"] = ClusterConfig(**changed["cluster"])
        config = dataclasses.replace(config, **changed)
    (scratch / "front.pid").write_text(str(threading.get_native_id()))
    Service(config).run(stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(Path(sys.argv[sys.argv.index(option) + 1]) for option in ("--connection-file", "--log-file")))
