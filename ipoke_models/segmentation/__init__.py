"""What an arrow stands on: a still and strokes to nested masks of part, thing and group of things.

segmenter = load_segmenter("models/thing")
prepared = segmenter.prepare(rgb)                                 # (H, W, 3) uint8, once
found = segmenter.masks(prepared, [Stroke(((0.4, 0.5),))])        # for every stroke again
part, thing, group = found.on_picture(prepared.size_px)           # (H, W) each, in [0, 1]
"""

from .segmenter import Found, LevelMask, Prepared, Segmenter, Stroke, StrokeError, load_segmenter

__all__ = ["Found", "LevelMask", "Prepared", "Segmenter", "Stroke", "StrokeError", "load_segmenter"]
