"""Reading sound and films that may be anything: every failure is a ContentError with its reason.

PyAV, and with it FFmpeg, is only needed for these: `pip install weft[media]`. Only the bytes of a file are given to it,
so that no playlist or container can have it open another file or an address.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.errors import ContentError, EncoderError
from encoders.pictures import MAX_PIXELS

if TYPE_CHECKING:
    import av

Samples = NDArray[np.float32]
MAX_BYTES = 128 * 2**20
"""A larger file is refused unread."""
SECONDS = 30
"""Of sound that are listened to, from the start."""
FRAMES = 8
"""Of a film that are looked at, evenly over its length."""
SIDE = 256
"""Frames are shrunk to fit this square: encoders look at 224 pixels."""
MOST_DECODED = 3000
"""Frames that are decoded to find one: two minutes at 25 a second."""
FORMATS = "mov,matroska,avi,flv,asf,mpegts,mpeg,ogg,wav,flac,mp3,aac,aiff,au,caf,gif,amr"
"""What is opened, by FFmpeg's names; none of them names other files, as playlists do."""
REMEDY = "save it as MP4, WebM, WAV, FLAC, Ogg or MP3"
OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "none", "enable_drefs": "0"}


def frames(data: bytes, most: int = FRAMES) -> list[Image.Image]:
    """At most `most` frames of a film, in order of time, RGB, shrunk to fit 256 x 256. Raises ContentError."""
    with _opened(data) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            raise ContentError("there is no film in it")
        if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise ContentError(f"more than {MAX_PIXELS} pixels a frame")
        found = _sampled(container, stream, most)
    if not found:
        raise ContentError("damaged: no frame can be decoded")
    return found


def samples(data: bytes, rate: int, seconds: int = SECONDS) -> Samples:
    """(n,) the first seconds of its sound, one channel from -1 to 1, `rate` a second. Raises ContentError."""
    import av

    with _opened(data) as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise ContentError("there is no sound in it")
        to_mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
        parts, count = [], 0
        for frame in _decoded(container, stream):
            if frame is not None and not 1 <= frame.sample_rate <= 768_000:
                raise ContentError(f"damaged: {frame.sample_rate} samples a second")
            for one in to_mono.resample(frame):
                parts.append(one.to_ndarray().reshape(-1))
                count += len(parts[-1])
            if count >= rate * seconds:
                break
    found = np.concatenate(parts)[: rate * seconds] if parts else np.zeros(0, np.float32)
    if not found.any():
        raise ContentError("silent, or damaged: no sound can be decoded")
    return np.nan_to_num(found.astype(np.float32), posinf=1, neginf=-1).clip(-1, 1)


@contextmanager
def _opened(data: bytes) -> Iterator["av.container.InputContainer"]:
    try:
        import av
    except ImportError:
        raise EncoderError("sound and films need PyAV: pip install 'weft[media]', or give a table of vectors") from None
    if not data:
        raise ContentError("empty")
    try:
        with av.open(io.BytesIO(data), mode="r", options=OPTIONS) as container:
            yield container
    except (av.FFmpegError, ValueError, MemoryError) as error:
        if isinstance(error, ContentError):
            raise
        reason = f"{error.strerror if isinstance(error, av.FFmpegError) else error}"[:120]
        raise ContentError(f"neither sound nor film that is read, or damaged ({reason}); {REMEDY}") from None


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames until the end or the first damage behind at least one, then None, which empties a resampler."""
    import av

    some = False
    try:
        for frame in container.decode(stream):
            some = True
            yield frame
    except av.FFmpegError:  # what came before a cut can be used
        if not some:
            raise
    yield None


def _sampled(container: Any, stream: Any, most: int) -> list[Image.Image]:
    """Frames in the middle of `most` equal stretches, or thinned out where no length is told or it is not true."""
    import av

    stream.thread_type = "NONE"
    length = stream.duration or (container.duration and int(container.duration / 1e6 / stream.time_base)) or 0
    found: dict[int, Image.Image] = {}
    try:
        for at in range(most if length > 0 else 0):
            wanted = (stream.start_time or 0) + length * (2 * at + 1) // (2 * most)
            container.seek(wanted, stream=stream)
            frame = next((one for one in _first(container, stream) if one.pts is not None and one.pts >= wanted), None)
            if frame is not None:
                found.setdefault(frame.pts, _small(frame))
        if not found:
            container.seek(0)
    except av.FFmpegError:  # what came before the damage can be used
        pass
    return list(found.values()) or _thinned(container, stream, most)


def _thinned(container: Any, stream: Any, most: int) -> list[Image.Image]:
    """The same by decoding all: as many as fit are held, and every other one goes when they are too many."""
    kept: list[Image.Image] = []
    stride = 1
    for number, frame in enumerate(_first(container, stream)):
        if number % stride == 0:
            kept.append(_small(frame))
        if len(kept) > 2 * most:
            kept, stride = kept[::2], 2 * stride
    return [kept[(2 * at + 1) * len(kept) // (2 * most)] for at in range(most)] if len(kept) > most else kept


def _first(container: Any, stream: Any) -> Iterator[Any]:
    return (frame for frame in islice(_decoded(container, stream), MOST_DECODED) if frame is not None)


def _small(frame: Any) -> Image.Image:
    share = min(1, SIDE / max(frame.width, frame.height))
    size = max(1, round(frame.width * share)), max(1, round(frame.height * share))
    picture: Image.Image = frame.reformat(width=size[0], height=size[1], format="rgb24").to_image()
    return picture
