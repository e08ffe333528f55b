"""How a plane of the add-on's own takes light: it shines by itself, or the scene lights it."""

from __future__ import annotations

import bpy

from . import ownership

TEXTURE_NODE = "iPOKE Plate"
"""Name of the node that shows the plate; the shader that it feeds is what changes."""
SHADER_NODE = "iPOKE Surface"
"""Name of the shaders that are made here."""
SHADERS = (
    ("EMISSION", "Emission", "As bright as the picture, whatever light the scene has"),
    ("PRINCIPLED", "Principled", "Lit by the scene and in its shadows, like a matte print"),
)
_KINDS = {"EMISSION": "EMISSION", "BSDF_PRINCIPLED": "PRINCIPLED"}


def of(obj: bpy.types.Object) -> str | None:
    """Return how the plane takes light; None where its material is not the add-on's own."""
    found = _shader(obj)
    return None if found is None else _KINDS[found[1].type]


def guessed(obj: bpy.types.Object) -> str:
    """Return how a plane with somebody else's material takes light: lit where any shader of it is, else by itself."""
    trees = [slot.material.node_tree for slot in obj.material_slots if slot.material is not None]
    lit = any(node.type == "BSDF_PRINCIPLED" for tree in trees if tree is not None for node in tree.nodes)
    return "PRINCIPLED" if lit else "EMISSION"


def change(obj: bpy.types.Object, surface: str) -> None:
    """Let the plane take light another way; a material that is not the add-on's own stays as it is.

    A shader that an artist has changed is disconnected and stays in the material.
    """
    if obj.library is not None or of(obj) in (None, surface):
        return
    ownership.own_materials(obj, [slot.material for slot in obj.material_slots if _fed(slot)])
    tree, before = _shader(obj)
    after = new_shader(tree, surface, tree.nodes[TEXTURE_NODE].outputs["Color"])
    after.location = before.location
    for socket in [link.to_socket for link in before.outputs[0].links]:
        tree.links.new(after.outputs[0], socket)
    if _is_as_made(tree, before):
        tree.nodes.remove(before)


def new_shader(tree: bpy.types.NodeTree, surface: str, colour: bpy.types.NodeSocket) -> bpy.types.Node:
    """Add the shader of a surface, in the colours of a socket."""
    if surface == "EMISSION":
        shader = tree.nodes.new("ShaderNodeEmission")
        shader.name = SHADER_NODE
        tree.links.new(colour, shader.inputs["Color"])
        return shader
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.name = SHADER_NODE
    shader.inputs["Roughness"].default_value, shader.inputs["Specular IOR Level"].default_value = 1.0, 0.0
    tree.links.new(colour, shader.inputs["Base Color"])
    return shader


def _shader(obj: bpy.types.Object) -> tuple[bpy.types.NodeTree, bpy.types.Node] | None:
    for slot in obj.material_slots:
        shaders = _fed(slot)
        if shaders:
            return slot.material.node_tree, next((node for node in shaders if node.outputs[0].is_linked), shaders[0])
    return None


def _fed(slot: bpy.types.MaterialSlot) -> list[bpy.types.Node]:
    """The shaders that show the plate in a slot's material."""
    tree = None if slot.material is None else slot.material.node_tree
    texture = None if tree is None else tree.nodes.get(TEXTURE_NODE)
    links = [] if texture is None else texture.outputs["Color"].links
    return [link.to_node for link in links if link.to_node.type in _KINDS]


def _is_as_made(tree: bpy.types.NodeTree, shader: bpy.types.Node) -> bool:
    """Whether a shader was made here and nobody has changed it since."""
    if not shader.name.startswith(SHADER_NODE) or sum(socket.is_linked for socket in shader.inputs) != 1:
        return False
    unchanged = new_shader(tree, _KINDS[shader.type], tree.nodes[TEXTURE_NODE].outputs["Color"])
    same = all(_value(one) == _value(other) for one, other in zip(shader.inputs, unchanged.inputs, strict=True))
    tree.nodes.remove(unchanged)
    return same


def _value(socket: bpy.types.NodeSocket) -> object:
    value = getattr(socket, "default_value", None)
    return tuple(value) if hasattr(value, "__iter__") and not isinstance(value, str) else value
