"""A Ray cluster of two nodes on this machine, with one processor each, in a process of its own.

    python -m tests.cluster.ray_cluster FOLDER

It says `ready ADDRESS` when the cluster is up. A line `kill` on standard input kills the second node at once, with everything
that runs there; `add` brings another; the end of standard input ends the cluster. Ray keeps sockets in FOLDER, so its name must
be short.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


class TwoNodes:
    """That process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ipoke", dir="/tmp", ignore_cleanup_errors=True)
        command = [sys.executable, "-m", "tests.cluster.ray_cluster", self._folder.name]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self._hear("ready ")
        self.address = ready.split()[1]

    def kill_node(self) -> None:
        self._say("kill")

    def add_node(self) -> None:
        self._say("add")

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)
        self._hear("done")

    def _hear(self, beginning: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line
        raise RuntimeError(f"the cluster's process ended with code {self._process.wait()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(folder: Path) -> None:
    (folder / "ray").mkdir()
    # Ray lowers the priority of what runs on its nodes; throughput is compared with a worker whose priority nobody lowers.
    os.environ |= {"RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    from ray.cluster_utils import Cluster

    port = free_port()
    node = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80_000_000}
    head = {"include_dashboard": False, "ray_client_server_port": port, "gcs_server_port": free_port()}
    cluster = Cluster(initialize_head=True, head_node_args=node | head)
    second = cluster.add_node(**node)
    print(f"ready ray://127.0.0.1:{port}", flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(second, allow_graceful=False)
        else:
            second = cluster.add_node(**node)
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
