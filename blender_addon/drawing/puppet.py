"""What is drawn of a play: over the plane, the still without its thing, and before that the thing as its body lies now.

With the still, its matte m and what is filled in behind, all premultiplied, a place shows

    behind = still (1 - m) + filled m        thing = still - (1 - m) behind

so that at rest both give the still back. The still is the picture that the plane itself shows, at its full size.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix

from ..core.lifetime import WhileEnabled
from ..core.things import filling
from ..core.things.search import Key
from ..core.things.sheet import Sheet
from ..core.things.thing import grown
from ..scene import stills
from ..session import puppets, things
from ..session.puppets import Play, PlayedThing
from . import view
from .colours import BRIGHTEST, DARKEST, SIDE, ColourManagement, management_of, table_of

log = logging.getLogger(__name__)

RIM_PX = 3
"""Of a mask: what is as near to a thing as this is not taken for what is behind it, and is covered while it is away."""
AWAY = 0.01
"""How far a thing has moved, of the plate, that is away."""
SEEN = 2.2
"""Light is filled in by how bright it looks, or a little sky in it would outshine everything."""
OPAQUE = 0.98
"""Of alpha."""
NEARER = 2e-4
"""How far before the plane it is drawn, as a share of its distance."""
BEHIND, THING = 0.0, 1.0

_VERTEX = """
void main()
{
  plate = place;
  gl_Position = projection * vec4(position, 1.0);
  gl_Position.z -= settings.w * gl_Position.w;
}
"""
_FRAGMENT = """
vec4 still_at(vec2 uv)
{
  vec4 colour = texture(still, uv);
  if (flags.x > 0.5) {
    colour.a = 1.0;
  }
  return vec4(flags.y > 0.5 ? colour.rgb : colour.rgb * colour.a, colour.a);
}

vec3 on_screen(vec3 light)
{
  if (flags.z > 0.5) {
    vec3 stops = (log2(max(light, vec3(1e-9))) - stops_range.x) / (stops_range.y - stops_range.x);
    return texture(view_table, (clamp(stops, 0.0, 1.0) * (stops_range.z - 1.0) + 0.5) / stops_range.z).rgb;
  }
  vec3 low = light * 12.92;
  vec3 high = 1.055 * pow(max(light, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055;
  return clamp(mix(high, low, lessThan(light, vec3(0.0031308))), 0.0, 1.0);
}

void main()
{
  vec2 uv = vec2(plate.x, 1.0 - plate.y);
  if (any(lessThan(uv, vec2(-1e-4))) || any(greaterThan(uv, vec2(1.0001)))) {
    discard;  // of a body that reaches over the picture's edge, where textures begin anew
  }
  float share = texture(matte, uv).r;
  float hole = clamp(share * 16.0, 0.0, 1.0);
  if (settings.x < 0.5) {
    hole = max(hole, texture(matte, uv).g * settings.z);
  }
  vec4 seen = still_at(uv);
  vec4 colour = mix(seen, texture(filled, uv), hole);
  if (settings.x > 0.5) {
    colour = max(seen - (1.0 - share) * colour, vec4(0.0));
  }
  vec4 shown = vec4(on_screen(colour.rgb / max(colour.a, 1e-6)) * colour.a, colour.a);
  if (settings.x < 0.5 && flags.w > 0.5) {
    shown += (1.0 - shown.a) * vec4(texture(backdrop, gl_FragCoord.xy / textureSize(backdrop, 0)).rgb, 1.0);
  }
  vec3 straight = shown.rgb / max(shown.a, 1e-6);
  if (srgbTarget) {
    straight = mix(pow((straight + 0.055) / 1.055, vec3(2.4)), straight / 12.92, lessThan(straight, vec3(0.04045)));
  }
  colour_out = vec4(straight, 1.0) * shown.a * settings.y;
}
"""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The textures of a thing, (H, W) of its mask: its matte and the rim around it, and the still with its place filled in."""

    thing: PlayedThing
    still: Key
    matte: gpu.types.GPUTexture
    filled: gpu.types.GPUTexture
    shows_through: bool


@dataclass(frozen=True, eq=False)
class Backdrop:
    """What a 3D view shows without the plane, where that is no more opaque than its picture; for one way to look at it."""

    region: int
    view: Matrix
    texture: gpu.types.GPUTexture


@dataclass(eq=False)
class Resources:
    """What the graphics card holds, for one plate and one colour management of its scene at a time."""

    shader: gpu.types.GPUShader
    colours: ColourManagement | None = None
    table: gpu.types.GPUTexture | None = None
    pictures: Pictures | None = None
    backdrop: Backdrop | None = None
    begun_s: float = 0.0
    """When the play began that all of this was made for."""


@dataclass(eq=False)
class PlayDrawing:
    """How a play is drawn in 3D views."""

    handle: object | None = None
    """Blender's handle of what draws; None without a window."""
    resources: Resources | None = None
    """What drawing needs; None until the first play."""
    has_failed: bool = False
    """Whether drawing has raised; then nothing is drawn until the add-on is enabled anew."""


state = WhileEnabled(PlayDrawing)


def prepare(context: bpy.types.Context, obj: bpy.types.Object, play: Play) -> None:
    """Make what drawing a play needs and is not there yet, as it begins: drawing itself makes nothing."""
    own = state()
    if bpy.app.background or own.has_failed or (own.resources is not None and own.resources.begun_s == play.begun_s):
        return
    try:
        _prepare(context, obj, play)
    except Exception:  # the border to the graphics driver: without it arrows are drawn all the same
        log.exception("things can't be drawn while they are dragged; disable and enable the add-on to try again")
        own.has_failed = True


def _prepare(context: bpy.types.Context, obj: bpy.types.Object, play: Play) -> None:
    own = state()
    held = own.resources = own.resources or Resources(_shader())
    colours = management_of(context)
    if held.colours != colours:
        held.colours, held.table = colours, _table(context.scene, colours)
    if held.pictures is None or held.pictures.thing is not play.thing or held.pictures.still != _identity(obj):
        held.pictures = _pictures(obj, play.thing)
    held.backdrop = _without(context, obj) if held.pictures.shows_through else None
    held.begun_s = play.begun_s


def _identity(obj: bpy.types.Object) -> Key:
    """What changes when the plane shows another picture: another image, or another frame of it."""
    return things.identity(obj.ipoke.still), stills.shown_frame(obj.ipoke)


def _pictures(obj: bpy.types.Object, thing: PlayedThing) -> Pictures:
    height, width = thing.mask.shape
    picture = _reduced(obj.ipoke.still, width, height)
    rims = [grown(thing.mask, by_px) for by_px in range(1, RIM_PX + 1)]
    near = rims[-1]
    behind = filling.filled(np.maximum(picture, 0) ** (1 / SEEN), np.clip(1 - near * 16, 0, 1)) ** SEEN
    shows_through = bool((picture[..., 3][near > 0] < OPAQUE).any())
    mattes = np.stack([thing.mask, np.mean(rims, axis=0)], axis=-1)
    return Pictures(thing, _identity(obj), _texture(mattes, "RG16F"), _texture(behind, "RGBA16F"), shows_through)


def _texture(pixels: Any, kind: str) -> gpu.types.GPUTexture:
    """A texture of (H, W, C) pixels, the first row on top."""
    upright = np.ascontiguousarray(pixels[::-1], np.float32)
    height, width, _ = upright.shape
    return gpu.types.GPUTexture((width, height), format=kind, data=gpu.types.Buffer("FLOAT", upright.size, upright.ravel()))


def _table(scene: bpy.types.Scene, colours: ColourManagement) -> gpu.types.GPUTexture:
    """How the scene turns light into colours of the screen; of no use for plain ones."""
    table = np.zeros((2, 2, 2, 3), np.float32) if colours.is_plain else table_of(scene)
    whole = np.concatenate([table, np.ones_like(table[..., :1])], axis=-1)
    data = gpu.types.Buffer("FLOAT", whole.size, np.ascontiguousarray(whole).ravel())
    return gpu.types.GPUTexture((len(whole),) * 3, format="RGBA16F", data=data)


def _reduced(image: bpy.types.Image, width: int, height: int) -> Any:
    """(height, width, 4): the picture's light, premultiplied, the first row on top."""
    small = gpu.types.GPUOffScreen(width, height, format="RGBA16F")
    try:
        with small.bind():
            shader = gpu.shader.from_builtin("IMAGE")
            corners = ((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0))
            content = {"pos": corners, "texCoord": ((0, 0), (1, 0), (1, 1), (0, 1))}
            with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
                gpu.matrix.load_identity()
                gpu.matrix.load_projection_matrix(Matrix.Identity(4))
                gpu.state.blend_set("NONE")
                gpu.state.depth_test_set("NONE")
                shader.bind()
                shader.uniform_sampler("image", gpu.texture.from_image(image))
                batch_for_shader(shader, "TRI_FAN", content).draw(shader)
        read = small.texture_color.read()
        read.dimensions = width * height * 4
        pixels = np.array(read, np.float32).reshape(height, width, 4)[::-1].copy()
    finally:
        small.free()
    opaque, premultiplied = _alpha_of(image)
    if opaque:
        pixels[..., 3] = 1
    if not premultiplied:
        pixels[..., :3] *= pixels[..., 3:]
    return pixels


def _alpha_of(image: bpy.types.Image) -> tuple[bool, bool]:
    """Whether an image shows itself opaque, and whether its texture is multiplied by its alpha, as Blender makes it."""
    mode = image.alpha_mode
    return mode == "NONE", mode != "STRAIGHT" if image.is_float else mode == "PREMUL"


def _without(context: bpy.types.Context, obj: bpy.types.Object) -> Backdrop:
    """What the 3D view shows without the plane, which is hidden for just as long as that takes."""
    region, looking = context.region, context.region_data
    was_selected = obj.select_get()
    bare = gpu.types.GPUOffScreen(region.width, region.height, format="RGBA8")
    obj.hide_set(True)
    try:
        context.view_layer.update()
        bare.draw_view3d(
            context.scene,
            context.view_layer,
            context.space_data,
            region,
            looking.view_matrix,
            looking.window_matrix,
            do_color_management=True,
        )
    finally:
        obj.hide_set(False)
        obj.select_set(was_selected)
        context.view_layer.update()
    return Backdrop(region.as_pointer(), looking.perspective_matrix.copy(), bare)


def add() -> None:
    """Draw in every 3D view."""
    if not bpy.app.background:
        state().handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def remove() -> None:
    """Draw no more."""
    own = state()
    if own.handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(own.handle, "WINDOW")
    own.handle = own.resources = None


def _draw() -> None:
    own, play, context = state(), puppets.state().play, bpy.context
    if play is None or own.resources is None or own.has_failed or context.region_data is None:
        return
    try:
        _draw_play(context, play, own.resources)
    except Exception:  # the border to Blender: a draw handler that raises is called, and fails, at every redraw
        log.exception("things can't be drawn while they are dragged; disable and enable the add-on to try again")
        own.has_failed = True


def _draw_play(context: bpy.types.Context, play: Play, held: Resources) -> None:
    obj, pictures, backdrop = bpy.data.objects.get(play.object_name), held.pictures, held.backdrop
    if obj is None or obj.ipoke.still is None or pictures is None or pictures.thing is not play.thing:
        return
    if backdrop is not None and not _fits(backdrop, context):
        return  # what the plane lets through would have to be seen from here first
    now_s = time.monotonic()
    sheet, corners = Sheet.of(view.surface(obj)), play.thing.puppet.corners
    if not len(sheet.corners):
        return
    places = corners.at(play.shown_pose(now_s))
    shader = held.shader
    shader.bind()
    image = obj.ipoke.still
    opaque, premultiplied = _alpha_of(image)
    shader.uniform_float("projection", context.region_data.perspective_matrix)
    shader.uniform_float("flags", (opaque, premultiplied, not held.colours.is_plain, backdrop is not None))
    shader.uniform_float("stops_range", (DARKEST, BRIGHTEST, SIDE, 0))
    shader.uniform_sampler("still", gpu.texture.from_image(image))
    shader.uniform_sampler("matte", pictures.matte)
    shader.uniform_sampler("filled", pictures.filled)
    shader.uniform_sampler("view_table", held.table)
    shader.uniform_sampler("backdrop", pictures.filled if backdrop is None else backdrop.texture.texture_color)
    gpu.state.blend_set("ALPHA_PREMULT")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(False)
    try:
        opacity = play.opacity(now_s)
        away = min(float(np.abs(places - corners.rest).max()) / AWAY, 1.0)
        shader.uniform_float("settings", (BEHIND, opacity, away, NEARER))
        whole = np.arange(3 * len(sheet.corners), dtype=np.int32).reshape(-1, 3)
        _batch(sheet.corners.reshape(-1, 3), sheet.places.reshape(-1, 2), whole).draw(shader)
        shader.uniform_float("settings", (THING, opacity, 0.0, 2 * NEARER))
        _batch(sheet.at(places), corners.rest, corners.ordered(places)).draw(shader)
    finally:
        gpu.state.blend_set("NONE")
        gpu.state.depth_test_set("NONE")


def _fits(backdrop: Backdrop, context: bpy.types.Context) -> bool:
    same = context.region.as_pointer() == backdrop.region
    return same and context.region_data.perspective_matrix == backdrop.view


def _batch(positions: Any, places: Any, triangles: Any) -> gpu.types.GPUBatch:
    form = gpu.types.GPUVertFormat()
    form.attr_add(id="position", comp_type="F32", len=3, fetch_mode="FLOAT")
    form.attr_add(id="place", comp_type="F32", len=2, fetch_mode="FLOAT")
    vertices = gpu.types.GPUVertBuf(form, len(positions))
    vertices.attr_fill("position", np.ascontiguousarray(positions, np.float32))
    vertices.attr_fill("place", np.ascontiguousarray(places, np.float32))
    return gpu.types.GPUBatch(type="TRIS", buf=vertices, elem=gpu.types.GPUIndexBuf(type="TRIS", seq=triangles))


def _shader() -> gpu.types.GPUShader:
    info = gpu.types.GPUShaderCreateInfo()
    info.vertex_in(0, "VEC3", "position")
    info.vertex_in(1, "VEC2", "place")
    passed = gpu.types.GPUStageInterfaceInfo("ipoke_play")
    passed.smooth("VEC2", "plate")
    info.vertex_out(passed)
    info.push_constant("MAT4", "projection")
    info.push_constant("VEC4", "settings")
    info.push_constant("VEC4", "flags")
    info.push_constant("VEC4", "stops_range")
    info.push_constant("BOOL", "srgbTarget")  # Blender's own name: it says whether what is drawn on encodes colours itself
    for slot, name in enumerate(("still", "matte", "filled", "backdrop")):
        info.sampler(slot, "FLOAT_2D", name)
    info.sampler(4, "FLOAT_3D", "view_table")
    info.fragment_out(0, "VEC4", "colour_out")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
