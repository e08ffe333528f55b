"""What an image plane is made of: an upright mesh of the image's aspect and a material that shows it as it is."""

from __future__ import annotations

import bpy

from . import plates, sequences, shaders, stills
from .plane_place import Place


def add(context: bpy.types.Context, image: bpy.types.Image, surface: str, place: Place) -> bpy.types.Object:
    """Add a plane that shows the image, and make it the active object."""
    name = bpy.path.display_name_from_filepath(image.filepath) or image.name
    x, z = place.size[0] / 2, place.size[1] / 2
    obj = _new(name, image, surface, [(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)])
    context.collection.objects.link(obj)
    obj.matrix_world = place.matrix
    plates.make_active(context, obj)
    return obj


def from_empty(context: bpy.types.Context, empty: bpy.types.Object, surface: str) -> bpy.types.Object:
    """Put a plane in the place of a reference image: the same picture, the same placement, its parent and collections."""
    image = empty.data
    side = empty.empty_display_size / max(image.size)
    width, height = side * image.size[0], side * image.size[1]
    x, y = empty.empty_image_offset[0] * width, empty.empty_image_offset[1] * height
    corners = [(x, y, 0), (x + width, y, 0), (x + width, y + height, 0), (x, y + height, 0)]
    obj = _new(empty.name, image, surface, corners, empty.image_user)
    for collection in empty.users_collection:
        collection.objects.link(obj)
    obj.parent, obj.parent_type, obj.parent_bone = empty.parent, empty.parent_type, empty.parent_bone
    obj.matrix_parent_inverse = empty.matrix_parent_inverse
    obj.matrix_basis = empty.matrix_basis
    empty.hide_set(True)
    empty.hide_render = True
    plates.make_active(context, obj)
    return obj


def _new(
    name: str,
    image: bpy.types.Image,
    surface: str,
    corners: list[tuple[float, float, float]],
    played: bpy.types.ImageUser | None = None,
) -> bpy.types.Object:
    """A mesh that shows an image; a movie or a sequence as `played`, or from the scene's first frame on."""
    obj = bpy.data.objects.new(name, _mesh(name, corners))
    material = new_material(name, image, surface)
    obj.data.materials.append(material)
    user = material.node_tree.nodes[shaders.TEXTURE_NODE].image_user
    if image.source in stills.PLAYED and played is not None:
        sequences.copy_timing(played, user)
    elif image.source == "MOVIE":
        sequences.time(user, image.frame_duration, bpy.context.scene.frame_start, 0, False)
    return obj


def _mesh(name: str, corners: list[tuple[float, float, float]]) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for corner, uv in zip(layer.data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = uv
    return mesh


def new_material(name: str, image: bpy.types.Image, surface: str) -> bpy.types.Material:
    """Image -> surface, mixed with transparency by the image's alpha."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # always there from Blender 5.0 on
        material.use_nodes = True
    material.surface_render_method = "BLENDED"  # dithered, EEVEE would show half-clear pictures as grain
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture = nodes.new("ShaderNodeTexImage")
    texture.name = texture.label = shaders.TEXTURE_NODE
    texture.image = image
    texture.extension = "EXTEND"
    shader = shaders.new_shader(material.node_tree, surface, texture.outputs["Color"])
    clear = nodes.new("ShaderNodeBsdfTransparent")
    mix = nodes.new("ShaderNodeMixShader")
    output = nodes.new("ShaderNodeOutputMaterial")
    for column, node in enumerate((texture, shader, clear, mix, output)):
        node.location = (column * 220, -160 if node is clear else 0)
    links.new(texture.outputs["Alpha"], mix.inputs["Fac"])
    links.new(clear.outputs["BSDF"], mix.inputs[1])
    links.new(shader.outputs[0], mix.inputs[2])
    links.new(mix.outputs["Shader"], output.inputs["Surface"])
    nodes.active = texture
    return material
