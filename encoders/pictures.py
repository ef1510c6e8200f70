"""Reading pictures that may be anything: every failure is a PictureError with its reason."""

import io
import os
import warnings
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError, features

from encoders.errors import PictureError

MAX_BYTES = 32 * 2**20
"""A larger file is refused unread."""
MAX_PIXELS = 64_000_000
"""A larger picture is refused from its header, before a pixel is decoded: it may be a decompression bomb."""
SIDE = 1024
"""Pictures are shrunk to fit this square, far above what encoders look at, so that many can be held at once."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", *(("AVIF",) if features.check("avif") else ()))
OTHERS = {
    b"%PDF": "PDF", b"%!PS": "PostScript", b"8BPS": "Photoshop", b"<svg": "SVG", b"<?xml": "SVG",
    b"\0\0\1\0": "icon", b"\xff\x0a": "JPEG XL", b"\0\0\0\x0cJXL ": "JPEG XL", b"\0\0\0\x0cjP": "JPEG 2000",
}  # fmt: skip
"""First bytes of formats that people send as pictures and that are not read, for a helpful reason."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What undoes each EXIF orientation."""

# Pillow warns of metadata that it skips, which says nothing of the pixels. (A filter set around each call would not be
# safe with threads.)
warnings.filterwarnings("ignore", module=r"PIL\.")


def load(source: Path | bytes | Image.Image, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Image.Image:
    """The first frame of a picture in RGB, upright, transparency on white, shrunk to fit 1024 x 1024.

    Of a file, of its bytes, or of a picture that Pillow holds, which stays as it is; of an animated one of these the
    frame that it stands at. Raises PictureError, and nothing else, with the reason: missing, empty, more than 32 MiB
    (`max_bytes`), more than 64 million pixels (`max_pixels`, a decompression bomb), not a picture, an unsupported
    format, truncated, or damaged.
    """
    held = source if isinstance(source, Image.Image) else None
    data = b"" if isinstance(source, Image.Image) else _content(source, max_bytes)
    try:
        return _decode(data, max_pixels) if held is None else _prepared(held, max_pixels)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"more than {max_pixels} pixels (a decompression bomb?)") from None
    except UnidentifiedImageError:
        raise PictureError(_stranger(data)) from None
    except Exception as error:  # decoders raise whatever the damage of a file leads them to
        reason = str(error)[:120] or type(error).__name__
        raise PictureError("truncated" if "truncated" in reason.lower() else f"damaged: {reason}") from None


def read(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a picture file, or PictureError: missing, not a file, too large or unreadable."""
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise PictureError("not a file" if os.path.lexists(path) else "missing")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from None
    if len(data) > max_bytes:
        raise PictureError(f"more than {max_bytes} bytes")
    return data


def _content(source: Path | bytes, max_bytes: int) -> bytes:
    data = source if isinstance(source, bytes) else read(source, max_bytes)
    if not data:
        raise PictureError("empty")
    if len(data) > max_bytes:
        raise PictureError(f"more than {max_bytes} bytes")
    return data


def _decode(data: bytes, max_pixels: int) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        _refuse_large(picture, max_pixels)
        picture.draft("RGB", (SIDE // 2, SIDE // 2))  # a large JPEG is decoded at a fraction of its size
        return _prepared(picture, max_pixels)


def _refuse_large(picture: Image.Image, max_pixels: int) -> None:
    width, height = picture.size
    if not width * height:
        raise PictureError("empty")
    if width * height > max_pixels:
        raise PictureError(f"{width} x {height}, more than {max_pixels} pixels (a decompression bomb?)")


def _prepared(picture: Image.Image, max_pixels: int) -> Image.Image:
    _refuse_large(picture, max_pixels)
    turn = UPRIGHT.get(_orientation(picture))
    flat = _on_white(picture)
    flat.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2)
    return flat if turn is None else flat.transpose(turn)


def _orientation(picture: Image.Image) -> int:
    """As the camera wrote it; damaged metadata is no reason to lose a picture."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # anything may be in there
        return 1


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB of the first frame."""
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if picture.mode.startswith("I"):  # 16 bits a pixel, which convert would cut off instead of scaling
        return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    return picture.convert("RGB")


def _stranger(data: bytes) -> str:
    """Why bytes that no decoder knows are not a picture."""
    name = next((name for start, name in OTHERS.items() if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(start)), None)
    if name is None and data[4:8] == b"ftyp":
        name = "HEIC or another film format"
    return f"unsupported: {name}; save it as JPEG, PNG or WebP" if name else "not a picture"
