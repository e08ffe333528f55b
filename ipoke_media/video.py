"""Videos: reading them as a player shows them, and writing previews that players and browsers show. numpy and PyAV.

A stranger's file opens nothing but itself: PyAV gets an open file instead of a name, so that no protocol, playlist or
pattern is read out of one; the container is chosen here, by the first bytes; every further opening is refused.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

SIDE_PX = 8192
MOST_FRAMES = 1_000_000
THREADS = 4
"""Threads of one decoder or encoder."""

_HEAD_BYTES = 400
_CONTAINERS = (
    (re.compile(rb".{4}(?:ftyp|moov|mdat|free|skip|wide|pnot)", re.DOTALL), "mov"),
    (re.compile(rb"\x1aE\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF.{4}AVI[ X\x19]", re.DOTALL), "avi"),
    (re.compile(rb"OggS"), "ogg"),
    (re.compile(rb"GIF8[79]a"), "gif"),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "asf"),
    (re.compile(rb"\x00\x00\x01\xba"), "mpeg"),
    (re.compile(rb"\x00\x00\x01\xb3"), "mpegvideo"),
    (re.compile(rb"G.{187}G|.{4}G.{191}G", re.DOTALL), "mpegts"),
)
_PICTURE = re.compile(rb"\x89PNG|\xff\xd8\xff|II\*\0|MM\0\*|v/1\x01|BM|RIFF.{4}WEBP", re.DOTALL)
_DECODERS = (
    "av1,cinepak,dnxhd,dvvideo,ffv1,gif,h263,h264,hevc,huffyuv,libdav1d,libvpx-vp9,mjpeg,mpeg1video,mpeg2video,mpeg4,msmpeg4,"
    "msmpeg4v1,msmpeg4v2,png,prores,qtrle,rawvideo,svq1,svq3,theora,utvideo,v210,vc1,vp8,vp9,wmv1,wmv2,wmv3"
)
_OPTIONS = {"max_pixels": str(SIDE_PX * SIDE_PX), "codec_whitelist": _DECODERS}
_ALPHA_DECODER = "libvpx-vp9"  # FFmpeg's own reads the colour of VP9 alone
_UNSPECIFIED, _BT709, _BT601 = 2, 1, 6
_MATRICES = frozenset((_BT709, 4, 5, _BT601, 7, 9))  # what swscale knows; players take any other for unspecified
_HIGH_DYNAMIC_RANGE = frozenset((ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67))
_WIDE_GAMUT = frozenset((ColorPrimaries.BT2020, ColorPrimaries.SMPTE431, ColorPrimaries.SMPTE432))
_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
_HD_PX = (1280, 576)  # from this width, or above this height, players take BT.709
_DURATION = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)")
_CUT_SLACK_S = 0.2
_CUT_SHARE = 0.1
_ENCODERS = (("libx264", {"crf": "18", "preset": "fast"}), ("libopenh264", {"b": "4M"}), ("mpeg4", {"q": "3"}))


class VideoError(ValueError):
    """A file that can't be read as a video, or not be written; the sentence says why and what to do."""


class DamagedVideoError(VideoError):
    """A video that can't be decoded any further; raised after its last good frame."""


def frame_times(file: Path, most: int = MOST_FRAMES) -> tuple[list[float], str]:
    """When each frame begins to be shown, s from the first one, and a sentence on what is damaged; empty where nothing is.

    Raises:
        VideoError: there is no frame that can be shown, or more than `most`.
    """
    times: list[float] = []
    damage = ""
    try:
        for time_s, *_ in _decoded(file):
            times.append(max(time_s, times[-1]) if times else time_s)
            if len(times) > most:
                raise VideoError(f"{file} has more than {most} frames; cut out the part that is meant.")
    except DamagedVideoError as error:
        damage = str(error)
    if not times:
        raise VideoError(damage or f"{file} holds no picture; choose another video.")
    return [time_s - times[0] for time_s in times], damage


def read_frames(file: Path, wanted: Collection[int] | None = None) -> Iterator[Picture]:
    """Frames as a player shows them, (H, W, 3) uint8 RGB of one size: all, or those whose places (from 0) are wanted.

    Turned as the display matrix says, pixels made square, wide gamuts and high dynamic range brought to BT.709, what is
    transparent on black. Interlaced frames are read with both their fields.

    Raises:
        VideoError: the file is no video, or too large a one.
        DamagedVideoError: after the last good frame.
    """
    last = MOST_FRAMES if wanted is None else max(wanted, default=-1)
    reformatter = VideoReformatter()
    for place, (_, frame, stretch) in enumerate(_decoded(file)):
        if wanted is None or place in wanted:
            try:
                picture = _shown(frame, stretch, reformatter)
            except av.FFmpegError as error:
                raise DamagedVideoError(f"{file} has pixels that can't be shown ({frame.format.name}); convert it.") from error
            yield _upright(picture, frame)
        if place >= last:
            return


def claimed_frames(file: Path) -> int:
    """Number of frames that a video says it has; 0 where it doesn't say, or is none."""
    try:
        with _opened(file) as (container, stream):
            rate, lasts_s = stream.average_rate, _claimed_s(container, stream)
            return int(stream.frames) or (round(lasts_s * rate) if rate and lasts_s else 0)
    except VideoError:
        return 0


def encode_video(frames: Sequence[Picture], rate: int) -> bytes:
    """An MP4 of (H, W, 3) uint8 RGB frames that browsers and review tools play; odd sizes lose their last line.

    H.264 where PyAV has an encoder for it, else MPEG-4.

    Raises:
        VideoError: it can't be encoded.
    """
    encoder, options = next((name, options) for name, options in _ENCODERS if name in av.codecs_available)
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    with tempfile.TemporaryDirectory() as folder:  # the muxer reads its own file again, to bring the index to the front
        file = Path(folder) / "video.mp4"
        try:
            with av.open(str(file), "w", format="mp4", options={"movflags": "+faststart"}) as container:
                stream: Any = container.add_stream(encoder, rate=rate, options=options)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.codec_context.thread_count = THREADS
                stream.codec_context.colorspace, stream.codec_context.color_range = _BT709, ColorRange.MPEG
                stream.codec_context.color_primaries, stream.codec_context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
                reformatter = VideoReformatter()
                for frame in frames:
                    container.mux(stream.encode(_encodable(frame[:height, :width], reformatter)))
                container.mux(stream.encode())
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"The video can't be encoded ({error.strerror}); free some space for temporary files.") from error
        return file.read_bytes()


def _encodable(frame: Picture, reformatter: VideoReformatter) -> Any:
    whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return reformatter.reformat(
        whole, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, interpolation=_SCALING
    )


def _decoded(file: Path) -> Iterator[tuple[float, Any, float]]:
    """Every frame that a player would show, in this order: since when (s), itself, and how wide its pixels are (1: square)."""
    with _opened(file) as (container, stream):
        decoder, interval_s = _decoder(stream), 1 / float(stream.average_rate or 25)
        stretch, size_px = float(stream.sample_aspect_ratio or 1), (0, 0)
        start_s = next_s = 0.0
        try:
            for packet in container.demux(stream):
                for frame in decoder.decode(packet):
                    time_s = float(frame.pts * (frame.time_base or stream.time_base)) if frame.pts is not None else next_s
                    if size_px == (0, 0):
                        size_px, start_s = (frame.width, frame.height), time_s
                    if frame.is_corrupt or (frame.width, frame.height) != size_px:
                        raise DamagedVideoError(_damaged(file, time_s - start_s))
                    next_s = time_s + interval_s
                    yield time_s, frame, stretch
        except av.FFmpegError as error:
            raise DamagedVideoError(_damaged(file, next_s - start_s)) from error
        lasts_s = _claimed_s(container, stream)
        if lasts_s is not None and next_s - start_s < lasts_s * (1 - _CUT_SHARE) - _CUT_SLACK_S:
            raise DamagedVideoError(_damaged(file, next_s - start_s))


def _damaged(file: Path, time_s: float) -> str:
    return f"{file} is cut off or damaged after {time_s:.2f} s; what follows is left out."


class _Nameless:
    """An open file without a name, since FFmpeg reads protocols and patterns out of one."""

    def __init__(self, opened: BinaryIO) -> None:
        self.read, self.seek, self.tell = opened.read, opened.seek, opened.tell


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Any, Any]]:
    """The container, and the stream of pictures that a player takes; raises VideoError."""
    try:
        if not file.is_file():
            raise VideoError(f"{file} can't be read: there is no such file; check the path.")
        with file.open("rb") as opened:
            form = _form(opened.read(_HEAD_BYTES), file)
            opened.seek(0)
            with _container(opened, form, file) as container:
                yield container, _moving_pictures(container, file)
    except OSError as error:
        if isinstance(error, av.FFmpegError):
            raise
        raise VideoError(f"{file} can't be read ({error.strerror}); check the path.") from error


def _form(head: bytes, file: Path) -> str:
    found = next((name for start, name in _CONTAINERS if start.match(head)), None)
    if found is not None:
        return found
    if _PICTURE.match(head):
        raise VideoError(f"{file} is a single picture, not a video; choose a video, or a folder of numbered pictures.")
    raise VideoError(f"{file} can't be read as a video; use an MP4, MOV, MKV, WebM or AVI file, or a folder of images.")


def _container(opened: BinaryIO, form: str, file: Path) -> Any:
    try:
        return av.open(_Nameless(opened), "r", form, _OPTIONS, metadata_errors="replace", io_open=_refuse)
    except av.FFmpegError as error:
        raise VideoError(f"{file} is cut off or damaged ({error.strerror}); export the video again.") from error


def _refuse(*_: object) -> NoReturn:
    raise VideoError("The video names another file, which is not opened; export it with all of its pictures inside.")


def _moving_pictures(container: Any, file: Path) -> Any:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        kind = "sound alone" if container.streams.audio else "no pictures"
        raise VideoError(f"{file} holds {kind}; choose a video.")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None or stream.codec_context.name not in _DECODERS.split(","):
        name = "a kind that is unknown here" if stream.codec_context is None else stream.codec_context.name
        raise VideoError(f"{file} is coded as {name}, which is not read; convert it to H.264.")
    if max(stream.codec_context.width, stream.codec_context.height) > SIDE_PX:
        size = f"{stream.codec_context.width} x {stream.codec_context.height}"
        raise VideoError(f"{file} has {size} px; scale it to at most {SIDE_PX} px a side.")
    return stream


def _decoder(stream: Any) -> Any:
    decoder = stream.codec_context
    if decoder.name == "vp9" and stream.metadata.get("alpha_mode") == "1" and _ALPHA_DECODER in av.codecs_available:
        decoder = av.CodecContext.create(_ALPHA_DECODER, "r")
    decoder.options = _OPTIONS
    decoder.thread_count, decoder.thread_type = THREADS, "AUTO"
    return decoder


def _claimed_s(container: Any, stream: Any) -> float | None:
    """How long the stream says it lasts, s."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    told = _DURATION.match(stream.metadata.get("DURATION", ""))
    return None if told is None else 3600 * int(told[1]) + 60 * int(told[2]) + float(told[3])


def _shown(frame: Any, stretch: float, reformatter: VideoReformatter) -> Picture:
    """A frame as RGB with square pixels, as it is stored: not yet turned."""
    if frame.format.is_rgb:
        frame.colorspace = _UNSPECIFIED
    elif frame.colorspace not in _MATRICES:
        frame.colorspace = _BT709 if frame.width >= _HD_PX[0] or frame.height > _HD_PX[1] else _BT601
    converted = frame.color_trc in _HIGH_DYNAMIC_RANGE or frame.color_primaries in _WIDE_GAMUT
    clear = frame.format.has_palette or any(component.is_alpha for component in frame.format.components)
    width, height = _square(frame.width, frame.height, stretch)
    picture = reformatter.reformat(
        frame,
        width,
        height,
        "rgba" if clear else "rgb24",
        interpolation=_SCALING,
        dst_color_range=ColorRange.JPEG,
        dst_color_trc=ColorTrc.BT709 if converted else None,
        dst_color_primaries=ColorPrimaries.BT709 if converted else None,
        threads=1,
    ).to_ndarray()
    if clear:
        alpha = picture[..., 3:].astype(np.uint16)
        picture = ((picture[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return np.asarray(picture, np.uint8)


def _square(width: int, height: int, stretch: float) -> tuple[int, int]:
    """The size with square pixels, no side smaller than it is stored unless it would be too large."""
    wide = width * max(stretch, 1.0), height / min(stretch, 1.0)
    scale = min(1.0, SIDE_PX / max(wide))
    return max(1, round(wide[0] * scale)), max(1, round(wide[1] * scale))


def _upright(picture: Picture, frame: Any) -> Picture:
    """The picture turned and mirrored as the frame's display matrix says (a b u, c d v, x y w), of quarter turns."""
    matrix = next((np.frombuffer(bytes(data), np.int32) for data in frame.side_data if data.type is SideData.DISPLAYMATRIX), None)
    if matrix is None:
        return picture
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture, a, d = picture.swapaxes(0, 1), c, b
    return np.ascontiguousarray(picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
