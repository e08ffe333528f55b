"""Which nodes get a worker, from rows as `ray.nodes()` gives them."""

from __future__ import annotations

from backend.front.cluster.placement import Needs, Node, free_node, needs_in, nodes_for


def row(name: str, alive: bool = True, **resources: float) -> dict:
    return {"NodeID": name, "NodeManagerAddress": f"address of {name}", "Alive": alive, "Resources": resources}


def places(*rows: dict) -> dict[str, int]:
    return {node.node_id: node.places for node in nodes_for(needs_in(rows), rows)}


def test_a_cluster_with_gpus_has_one_place_a_gpu_and_none_elsewhere():
    assert places(row("head", CPU=8.0), row("one", CPU=8.0, GPU=1.0), row("four", CPU=8.0, GPU=4.0)) == {"one": 1, "four": 4}


def test_a_worker_on_a_gpu_takes_a_processor_too():
    assert places(row("few", CPU=2.0, GPU=4.0)) == {"few": 2}


def test_a_cluster_without_gpus_has_one_place_a_node_with_a_processor():
    assert places(row("head", memory=1.0), row("one", CPU=1.0), row("many", CPU=64.0)) == {"one": 1, "many": 1}


def test_a_dead_node_has_no_place_and_its_gpus_do_not_count():
    assert places(row("dead", alive=False, CPU=1.0, GPU=1.0), row("alive", CPU=1.0)) == {"alive": 1}


def test_the_node_with_the_most_room_comes_first_and_a_full_cluster_has_none():
    nodes, taken = [Node("a", "a", 1), Node("b", "b", 3)], []
    while (node := free_node(nodes, taken)) is not None:
        taken.append(node.node_id)
    assert sorted(taken) == ["a", "b", "b", "b"]
    assert taken[0] == "b"
    assert free_node([], []) is None


def test_what_a_worker_takes_is_settled_by_the_gpus_of_the_cluster():
    assert needs_in([row("one", CPU=1.0)]) == Needs(1, 0)
    assert needs_in([row("one", CPU=1.0, GPU=0.5)]) == Needs(1, 0)
    assert needs_in([row("one", CPU=1.0, GPU=2.0)]) == Needs(1, 1)
