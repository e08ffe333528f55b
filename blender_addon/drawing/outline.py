"""The outline and a faint tint of a thing, on the plate's own surface; the mask is a texture, its edge is found by the shader."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..core.gestures.arrows import LIT, Colour
from ..core.gestures.plane import Surface
from ..core.lifetime import WhileEnabled
from ..core.things.thing import KnownThing

CACHED = 8
"""So many masks stay on the graphics card."""
LINE_PX = 1.5
RIM_PX = 1.0
TINT: Colour = (*LIT, 0.14)
LINE: Colour = (*LIT, 0.95)
CANDIDATE_TINT: Colour = (1.0, 1.0, 1.0, 0.12)
CANDIDATE_LINE: Colour = (1.0, 1.0, 1.0, 0.9)

_VERTEX = """
void main()
{
  place = vec2(uv.x, 1.0 - uv.y);
  gl_Position = projection * vec4(pos, 1.0);
}
"""
# |m - 1/2| over the slope of m is how far, in pixels of the screen, a place lies from the mask's edge.
_FRAGMENT = """
void main()
{
  float m = texture(mask, place).r;
  float slope = max(length(vec2(dFdx(m), dFdy(m))), 1e-4);
  float distance_px = abs(m - 0.5) / slope;
  float line = 1.0 - smoothstep(width_px - 0.5, width_px + 0.5, distance_px);
  float rim = 1.0 - smoothstep(width_px + rim_px - 0.5, width_px + rim_px + 0.5, distance_px);
  float inside = smoothstep(0.4, 0.6, m);
  vec4 below = vec4(tint.rgb, tint.a * inside);
  vec4 edge = vec4(mix(vec3(0.05), line_colour.rgb, line), line_colour.a * max(line, 0.7 * rim));
  colour = mix(below, edge, edge.a);
  colour.a = max(below.a, edge.a);
}
"""


@dataclass
class Outlines:
    """What the graphics card holds for outlines: the shader, and masks by their hashes, the oldest first."""

    shader: gpu.types.GPUShader | None = None
    textures: dict[str, gpu.types.GPUTexture] = field(default_factory=dict)


outlines = WhileEnabled(Outlines)


def draw(context: bpy.types.Context, shown: Surface, known: KnownThing, *, is_candidate: bool = False) -> None:
    """Draw a thing over a plate, after everything of the scene."""
    if not shown.triangles:
        return
    own = outlines()
    if own.shader is None:
        own.shader = _shader()
    shader = own.shader
    content = {
        "pos": [corner for triangle in shown.triangles for corner in triangle.corners],
        "uv": [uv for triangle in shown.triangles for uv in triangle.uvs],
    }
    batch = batch_for_shader(shader, "TRIS", content)
    scale = context.preferences.system.ui_scale or 1.0
    shader.bind()
    shader.uniform_float("projection", context.region_data.perspective_matrix)
    shader.uniform_float("tint", CANDIDATE_TINT if is_candidate else TINT)
    shader.uniform_float("line_colour", CANDIDATE_LINE if is_candidate else LINE)
    shader.uniform_float("width_px", LINE_PX / 2 * scale)
    shader.uniform_float("rim_px", RIM_PX * scale)
    shader.uniform_sampler("mask", _texture(known))
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def _texture(known: KnownThing) -> gpu.types.GPUTexture:
    textures = outlines().textures
    if known.sha256 not in textures:
        while len(textures) >= CACHED:
            del textures[next(iter(textures))]
        height, width = known.mask.shape
        values = gpu.types.Buffer("FLOAT", width * height, np.ascontiguousarray(known.mask, np.float32).ravel())
        textures[known.sha256] = gpu.types.GPUTexture((width, height), format="R16F", data=values)
    return textures[known.sha256]


def _shader() -> gpu.types.GPUShader:
    passed = gpu.types.GPUStageInterfaceInfo("ipoke_outline")
    passed.smooth("VEC2", "place")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "projection")
    info.push_constant("VEC4", "tint")
    info.push_constant("VEC4", "line_colour")
    info.push_constant("FLOAT", "width_px")
    info.push_constant("FLOAT", "rim_px")
    info.sampler(0, "FLOAT_2D", "mask")
    info.vertex_in(0, "VEC3", "pos")
    info.vertex_in(1, "VEC2", "uv")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "colour")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
