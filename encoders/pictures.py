"""Reading pictures that may be anything: every failure is a PictureError with its reason."""

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from encoders.errors import PictureError

MAX_BYTES = 32 * 2**20
MAX_PIXELS = 64_000_000
"""A file above 32 MiB or 64 million pixels is refused unread: it may be a decompression bomb."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def load(
    source: Path | bytes, side: int = 512, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The first frame of a picture in RGB, upright, transparency on white.

    A JPEG much larger than `side` is decoded at a fraction of its size. Raises PictureError, and nothing else, for
    what cannot be used: missing, empty, truncated, not a picture, or beyond the limits.
    """
    data = source if isinstance(source, bytes) else _read(source, max_bytes)
    if not data:
        raise PictureError("empty file")
    if len(data) > max_bytes:
        raise PictureError(f"{len(data)} bytes, more than {max_bytes}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, side, max_pixels)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"not a picture in one of {', '.join(FORMATS)}") from None
    except Exception as error:  # decoders raise whatever their format's damage leads them to
        raise PictureError(f"damaged: {str(error)[:120] or type(error).__name__}") from None


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError:
        raise PictureError("no such file") from None
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from None


def _decode(data: bytes, side: int, max_pixels: int) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise PictureError(f"{width} x {height} pixels, more than {max_pixels}")
        picture.draft("RGB", (side, side))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            layer = upright.convert("RGBA")
            ground = Image.new("RGBA", layer.size, "white")
            return Image.alpha_composite(ground, layer).convert("RGB")
        return upright.convert("RGB")
