"""Owns what an image plane is made of: an upright mesh of the image's aspect and a material that shows it as it is."""

from __future__ import annotations

import bpy

HEIGHT_M = 2.0
NODE_NAME = "iPOKE Plate"


def add(context: bpy.types.Context, image: bpy.types.Image) -> bpy.types.Object:
    """Add a plane that shows the image, upright at the 3D cursor, and make it the active object."""
    name = bpy.path.display_name_from_filepath(image.filepath) or image.name
    obj = bpy.data.objects.new(name, _mesh(name, image.size[0] / image.size[1]))
    obj.data.materials.append(_material(name, image))
    context.collection.objects.link(obj)
    obj.location = context.scene.cursor.location
    for other in context.selected_objects:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj
    return obj


def show_textures(context: bpy.types.Context) -> None:
    """Let a solid 3D view show images in their own colours, or the plane would be grey in it."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.shading.type == "SOLID":
        space.shading.color_type = "TEXTURE"
        space.shading.light = "FLAT"


def _mesh(name: str, aspect: float) -> bpy.types.Mesh:
    x, z = HEIGHT_M * aspect / 2, HEIGHT_M / 2
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for corner, uv in zip(layer.data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = uv
    return mesh


def _material(name: str, image: bpy.types.Image) -> bpy.types.Material:
    """Image -> emission, mixed with transparency by the image's alpha."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # always there from Blender 5.0 on
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture = nodes.new("ShaderNodeTexImage")
    texture.name = texture.label = NODE_NAME
    texture.image = image
    texture.extension = "EXTEND"
    emission = nodes.new("ShaderNodeEmission")
    clear = nodes.new("ShaderNodeBsdfTransparent")
    mix = nodes.new("ShaderNodeMixShader")
    output = nodes.new("ShaderNodeOutputMaterial")
    for column, node in enumerate((texture, emission, clear, mix, output)):
        node.location = (column * 220, -160 if node is clear else 0)
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(texture.outputs["Alpha"], mix.inputs["Fac"])
    links.new(clear.outputs["BSDF"], mix.inputs[1])
    links.new(emission.outputs["Emission"], mix.inputs[2])
    links.new(mix.outputs["Shader"], output.inputs["Surface"])
    nodes.active = texture
    return material
