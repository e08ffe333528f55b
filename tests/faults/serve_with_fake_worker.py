"""A backend whose worker is the fake one, impatient enough for tests. Takes the same arguments as `ipoke serve --child`.

python serve_with_fake_worker.py SCRATCH serve --child --connection-file F
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from backend.config import BackendConfig
from backend.lifetime import stop_on_signals, stop_with_parent
from backend.log import set_up_log
from backend.protocol.limits import MIB
from backend.service import Service


def main(scratch: Path, connection_file: Path) -> None:
    set_up_log()
    stop = threading.Event()
    stop_on_signals(stop)
    stop_with_parent(sys.stdin.buffer, stop)
    config = BackendConfig(
        connection_file=connection_file,
        worker_command=(sys.executable, "-m", "tests.faults.fake_worker", str(scratch)),
        worker_stall_s=3.0,
        hold_bytes=16 * MIB,
    )
    (scratch / "front.pid").write_text(str(threading.get_native_id()))
    Service(config).run(stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[sys.argv.index("--connection-file") + 1]))
