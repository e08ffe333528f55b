"""Owns where workers go: one a GPU, or one a node in a cluster without GPUs. No Ray."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive and the number of workers that it has room for."""

    node_id: str
    name: str
    places: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What one worker takes of its node."""

    processors: int
    gpus: int


def needs_in(rows: Iterable[Mapping[str, Any]]) -> Needs:
    """What workers take in the cluster that `ray.nodes()` describes."""
    has_gpus = any(row["Alive"] and row["Resources"].get("GPU", 0) >= 1 for row in rows)
    return Needs(1, 1) if has_gpus else Needs(1, 0)


def nodes_for(needs: Needs, rows: Iterable[Mapping[str, Any]]) -> list[Node]:
    """The living nodes of `ray.nodes()` with room for a worker."""
    nodes = [Node(row["NodeID"], row["NodeManagerAddress"], _places(needs, row["Resources"])) for row in rows if row["Alive"]]
    return [node for node in nodes if node.places]


def free_node(nodes: Sequence[Node], taken: Sequence[str]) -> Node | None:
    """The node with the most room beside the workers on the nodes `taken` (ids, one a worker); None when all are full."""
    free = [(node.places - taken.count(node.node_id), node) for node in nodes]
    most, node = max(free, key=lambda pair: pair[0], default=(0, None))
    return node if most > 0 else None


def _places(needs: Needs, resources: Mapping[str, float]) -> int:
    processors = int(resources.get("CPU", 0)) // needs.processors
    return min(processors, int(resources.get("GPU", 0))) if needs.gpus else min(processors, 1)
