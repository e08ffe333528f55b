"""Owns which kinds of still are taken, told by the first bytes of a file, and what all others are called."""

from __future__ import annotations

from enum import StrEnum

from .errors import ImageError


class Kind(StrEnum):
    """A kind of still that is taken, by OpenImageIO's name of it."""

    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    WEBP = "webp"
    BMP = "bmp"
    EXR = "openexr"
    HDR = "hdr"

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS[self]

    @property
    def suffix(self) -> str:
        """How the names of such files end; OpenImageIO chooses its reader by it."""
        return _SUFFIXES[self]


_LABELS = {
    Kind.PNG: "PNG", Kind.JPEG: "JPEG", Kind.TIFF: "TIFF", Kind.WEBP: "WebP", Kind.BMP: "BMP", Kind.EXR: "OpenEXR",
    Kind.HDR: "Radiance HDR",
}  # fmt: skip
_SUFFIXES = {
    Kind.PNG: ".png", Kind.JPEG: ".jpg", Kind.TIFF: ".tif", Kind.WEBP: ".webp", Kind.BMP: ".bmp", Kind.EXR: ".exr",
    Kind.HDR: ".hdr",
}  # fmt: skip
ACCEPTED = "PNG, JPEG, TIFF, WebP, BMP, OpenEXR or Radiance HDR"

_TAKEN: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (0, b"\xff\xd8\xff", Kind.JPEG),
    (0, b"II*\0", Kind.TIFF),
    (0, b"MM\0*", Kind.TIFF),
    (0, b"II+\0", Kind.TIFF),  # BigTIFF
    (0, b"MM\0+", Kind.TIFF),
    (0, b"BM", Kind.BMP),
    (0, b"v/1\x01", Kind.EXR),
    (0, b"#?RADIANCE", Kind.HDR),
    (0, b"#?RGBE", Kind.HDR),
)
_STILL = f"save it as {ACCEPTED}"
_MOVIE = "extract a frame as an image and use that"
_REFUSED: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"GIF8", "a GIF", _STILL),
    (0, b"8BPS", "a Photoshop document (PSD)", _STILL),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 image", _STILL),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image", _STILL),
    (4, b"JXL \r\n\x87\n", "a JPEG XL image", _STILL),
    (0, b"\xff\x0a", "a JPEG XL image", _STILL),
    (0, b"II\xbc\x01", "a JPEG XR image", _STILL),
    (0, b"SDPX", "a DPX image", _STILL),
    (0, b"XPDS", "a DPX image", _STILL),
    (0, b"\x80\x2a\x5f\xd7", "a Cineon image", _STILL),
    (0, b"DDS ", "a DDS texture", _STILL),
    (0, b"\x01\xda", "an SGI image", _STILL),
    (0, b"SIMPLE  =", "a FITS image", _STILL),
    (0, b"gimp xcf", "a GIMP document (XCF)", _STILL),
    (0, b"IIRO", "a raw photograph of a camera", "develop it and save a 16-bit TIFF"),
    (0, b"IIRS", "a raw photograph of a camera", "develop it and save a 16-bit TIFF"),
    (0, b"FUJIFILMCCD-RAW", "a raw photograph of a camera", "develop it and save a 16-bit TIFF"),
    (0, b"%PDF", "a PDF document", _STILL),
    (0, b"%!PS", "a PostScript file", _STILL),
    (0, b"BLENDER", "a Blender file", "render it to an image"),
    (0, b"\x1aE\xdf\xa3", "a movie (Matroska or WebM)", _MOVIE),
    (8, b"AVI ", "a movie (AVI)", _MOVIE),
    (0, b"OggS", "a movie (Ogg)", _MOVIE),
    (0, b"\0\0\1\xba", "a movie (MPEG)", _MOVIE),
    (0, b"\0\0\1\xb3", "a movie (MPEG)", _MOVIE),
    (0, b"FLV\1", "a movie (Flash)", _MOVIE),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a movie (Windows Media)", _MOVIE),
    (0, b"#EXTM3U", "a playlist", "name the file that it lists"),
    (0, b"ffconcat", "a playlist", "name the files that it lists"),
    (0, b"version https://git-lfs", "a pointer of Git LFS to an image that is not here", "fetch it with git lfs pull"),
    (0, b"PK\3\4", "a ZIP archive", "unpack it and use an image of it"),
    (0, b"\x1f\x8b", "a packed file (gzip)", "unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "a packed file (Zstandard), maybe a Blender file", "render it to an image"),
)
_FTYP_STILLS = {b"avif": "an AVIF image", b"avis": "an AVIF image", b"crx ": "a raw photograph of a camera (CR3)"}
_FTYP_HEIF = (b"hei", b"hev", b"mif1", b"msf1")
_NETPBM = b"123456fFh"
_LEAD_BYTES = 512
_ANIMATED = 0x02  # of the flags in a WebP's VP8X chunk


def kind_of(data: bytes) -> Kind:
    """The kind of a still by its first bytes. Raises ImageError, which names what the file is instead where that is known."""
    if not data:
        raise ImageError("The image's file is empty; choose another, or write it again.")
    for place, magic, kind in _TAKEN:
        if data.startswith(magic, place):
            return kind
    if data.startswith(b"RIFF") and data.startswith(b"WEBP", 8):
        if data.startswith(b"VP8X", 12) and data[20:21] and data[20] & _ANIMATED:
            raise ImageError(f"The image is an animated WebP, of which Blender shows nothing; {_MOVIE}.")
        return Kind.WEBP
    what, fix = _what_else(data)
    raise ImageError(f"The image is {what}; {fix}.")


def _what_else(data: bytes) -> tuple[str, str]:
    for place, magic, what, fix in _REFUSED:
        if data.startswith(magic, place):
            return what, fix
    if data.startswith(b"ftyp", 4):
        brand = data[8:12]
        if brand in _FTYP_STILLS or brand.startswith(_FTYP_HEIF):
            return _FTYP_STILLS.get(brand, "a HEIF image, as phones write"), _STILL
        return "a movie (MP4 or QuickTime)", _MOVIE
    if data[4:8] in (b"moov", b"mdat", b"wide", b"free"):
        return "a movie (QuickTime)", _MOVIE
    if data[:1] == b"P" and data[1:2] in _NETPBM and data[2:3].isspace():
        return "a Netpbm image (PPM, PGM, PFM)", _STILL
    if data[-18:-2] == b"TRUEVISION-XFILE" or _looks_like_tga(data):
        return "a TGA image, which can't be told by its first bytes", _STILL
    if data[:4] in (b"\0\0\1\0", b"\0\0\2\0"):
        return "a Windows icon or cursor (ICO, CUR)", _STILL
    lead = data[:_LEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if lead.startswith((b"<svg", b"<?xml")):
        return "a drawing or other XML (SVG)", _STILL
    if lead.startswith((b"<!doctype html", b"<html")):
        return "a web page, not the image that was to be saved", "save the image itself"
    return "no image of a kind that is taken", f"use a {ACCEPTED} file"


def _looks_like_tga(data: bytes) -> bool:
    """Whether the header is one of a TGA without a colour map."""
    return len(data) > 18 and data[1] == 0 and data[2] in (2, 3, 10, 11) and data[3:8] == bytes(5) and data[16] in (8, 16, 24, 32)
