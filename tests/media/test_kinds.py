"""Which kinds of still are taken, by their first bytes, and what all others are called."""

from __future__ import annotations

import pytest

from ipoke_media.errors import ImageError
from ipoke_media.kinds import Kind, kind_of
from tests.media.table import REFUSED, TAKEN

STRANGERS = {
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51\0\x2f": "JPEG 2000",
    b"GIF89a\x01\0\x01\0": "GIF",
    b"8BPS\0\1": "Photoshop",
    b"\0\0\1\0\1\0\x10\x10": "icon",
    b"\0\0\2\0\0\0\0\0\0\0\0\0\x28\0\x1c\0\x20\x08" + bytes(40): "TGA",
    b"\0\0\0\x20ftypavif": "AVIF",
    b"\0\0\0\x18ftypheic": "HEIF",
    b"\0\0\0\x18ftypmif1": "HEIF",
    b"\xff\x0a\xfa\x7f": "JPEG XL",
    b"\0\0\0\x20ftypisom": "a movie",
    b"\0\0\0\x14ftypqt  ": "a movie",
    b"\x1aE\xdf\xa3\x01": "a movie",
    b"RIFF\0\0\0\0AVI LIST": "a movie",
    b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02": "animated WebP",
    b"#EXTM3U\nhttp://example.org": "a playlist",
    b"ffconcat version 1.0": "a playlist",
    b"version https://git-lfs.github.com/spec/v1": "Git LFS",
    b"P6\n40 28\n255\n": "Netpbm",
    b"SDPX\0\0": "DPX",
    b"DDS |": "DDS",
    b"%PDF-1.7": "PDF",
    b"<?xml version='1.0'?><svg>": "SVG",
    b"<!DOCTYPE html>": "web page",
    b"BLENDER-v405": "Blender file",
    b"PK\x03\x04": "ZIP",
    b"this is a text": "no image of a kind that is taken",
    b"\x89PNG": "no image of a kind that is taken",
    b"": "empty",
}


@pytest.mark.parametrize("data", STRANGERS, ids=[f"{name}-{data[:4].hex()}" for data, name in STRANGERS.items()])
def test_a_stranger_is_called_what_it_is(data: bytes):
    with pytest.raises(ImageError) as refusal:
        kind_of(data)
    assert STRANGERS[data] in refusal.value.sentence
    assert refusal.value.sentence.startswith("The image")
    assert refusal.value.sentence.endswith(".")


def test_every_kind_of_the_table_is_told_by_its_first_bytes():
    told = {kind_of(make()) for make in TAKEN.values()} | {kind_of(make()) for make, _ in REFUSED.values()}
    assert told == set(Kind)
