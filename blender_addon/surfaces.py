"""Owns how a plane of the add-on's own takes light: it shines by itself, or the scene lights it."""

from __future__ import annotations

import bpy

TEXTURE_NODE = "iPOKE Plate"
"""Name of the node that shows the plate; the shader that it feeds is what changes."""
SURFACES = (
    ("EMISSION", "Emission", "As bright as the picture, whatever light the scene has"),
    ("PRINCIPLED", "Principled", "Lit by the scene and in its shadows, like a matte print"),
)
_KINDS = {"EMISSION": "EMISSION", "BSDF_PRINCIPLED": "PRINCIPLED"}


def of(obj: bpy.types.Object) -> str | None:
    """Return how the plane takes light; None where its material is not the add-on's own."""
    found = _shader(obj)
    return None if found is None else _KINDS[found[1].type]


def change(obj: bpy.types.Object, surface: str) -> None:
    """Let the plane take light another way; a material that is not the add-on's own stays as it is."""
    found = _shader(obj)
    if found is None or _KINDS[found[1].type] == surface:
        return
    tree, before = found
    after = new_shader(tree, surface, tree.nodes[TEXTURE_NODE].outputs["Color"])
    after.location = before.location
    for socket in [link.to_socket for link in before.outputs[0].links]:
        tree.links.new(after.outputs[0], socket)
    tree.nodes.remove(before)


def new_shader(tree: bpy.types.NodeTree, surface: str, colour: bpy.types.NodeSocket) -> bpy.types.Node:
    """Add the shader of a surface, in the colours of a socket."""
    if surface == "EMISSION":
        shader = tree.nodes.new("ShaderNodeEmission")
        tree.links.new(colour, shader.inputs["Color"])
        return shader
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value, shader.inputs["Specular IOR Level"].default_value = 1.0, 0.0
    tree.links.new(colour, shader.inputs["Base Color"])
    return shader


def _shader(obj: bpy.types.Object) -> tuple[bpy.types.NodeTree, bpy.types.Node] | None:
    for slot in obj.material_slots:
        tree = None if slot.material is None else slot.material.node_tree
        texture = None if tree is None else tree.nodes.get(TEXTURE_NODE)
        for link in [] if texture is None else texture.outputs["Color"].links:
            if link.to_node.type in _KINDS:
                return tree, link.to_node
    return None
