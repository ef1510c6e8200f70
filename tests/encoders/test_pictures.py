"""Pictures of every sort: usable ones come out as RGB, the rest as a PictureError with its reason."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, features

from encoders import PictureError, pictures
from tests.encoders.samples import drawn

ORIENTATION = ExifTags.Base.Orientation


def encoded(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def png_of_size(width, height):
    """A PNG whose header says this size, and which has next to no content."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_formats(form, tmp_path):
    path = tmp_path / "picture"  # the content says what it is, not the name
    path.write_bytes(encoded(drawn(0), form))
    loaded = pictures.load(path)
    assert loaded.mode == "RGB"
    assert loaded.size == (48, 40)
    assert np.abs(np.asarray(loaded, float) - np.asarray(drawn(0), float)).mean() < 12


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif():
    assert pictures.load(encoded(drawn(0), "AVIF")).size == (48, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I", "I;16", "F"])
def test_modes_become_rgb(mode):
    grey = Image.new("L", (8, 8), 200)
    if mode == "I;16":
        source = Image.fromarray(np.full((8, 8), 200 * 256, np.uint16))
    elif mode == "I":
        source = Image.fromarray(np.full((8, 8), 200 * 256, np.int32))
    else:
        source = grey.convert(mode)
    pixel = pictures.load(encoded(source, "TIFF")).getpixel((4, 4))
    assert pixel == ((255, 255, 255) if mode == "1" else pytest.approx((200, 200, 200), abs=3))


def test_transparency_is_white():
    layer = Image.new("RGBA", (4, 1), (255, 0, 0, 0))
    layer.putpixel((1, 0), (255, 0, 0, 255))
    layer.putpixel((2, 0), (0, 0, 0, 128))
    seen = pictures.load(encoded(layer, "PNG"))
    assert [seen.getpixel((x, 0)) for x in range(3)] == [(255, 255, 255), (255, 0, 0), (127, 127, 127)]


def test_transparent_palette_is_white():
    source = Image.new("P", (2, 1), 0)
    source.putpalette([255, 0, 0, 0, 255, 0])
    source.putpixel((1, 0), 1)
    seen = pictures.load(encoded(source, "PNG", transparency=0))
    assert [seen.getpixel((x, 0)) for x in range(2)] == [(255, 255, 255), (0, 255, 0)]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(form):
    red, blue = (Image.new("RGB", (16, 16), name) for name in ("red", "blue"))
    options = {"lossless": True} if form == "WEBP" else {}
    seen = pictures.load(encoded(red, form, save_all=True, append_images=[blue], **options))
    assert seen.getpixel((8, 8)) == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation):
    upright = drawn(3, (40, 24))
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # the transpose that the camera undoes
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    seen = pictures.load(encoded(stored, "PNG", exif=exif))
    assert seen.size == upright.size
    assert np.array_equal(np.asarray(seen), np.asarray(upright))


def test_damaged_exif_does_not_lose_the_picture():
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\xff\xff\xff\xff"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # as encoders.pictures does outside of pytest
        assert pictures.load(encoded(drawn(0), "JPEG", exif=exif)).size == (48, 40)


def test_large_pictures_shrink_and_keep_their_shape():
    assert pictures.load(encoded(drawn(0, (3000, 1500)), "JPEG")).size == (1024, 512)
    assert pictures.load(encoded(drawn(0, (3000, 1500)), "PNG")).size == (1024, 512)
    assert pictures.load(encoded(drawn(0, (9000, 2)), "PNG")).size == (1024, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "not a picture"),
        (b"\0" * 100, "not a picture"),
        (b"%PDF-1.7\n", "unsupported: PDF"),
        (b'<?xml version="1.0"?><svg/>', "unsupported: SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "unsupported: HEIC"),
        (encoded(drawn(0), "JPEG")[:600], "truncated"),
        (encoded(drawn(0, (200, 200)), "PNG")[:2000], "truncated"),
        (png_of_size(50_000, 50_000), "50000 x 50000|decompression bomb"),
        (png_of_size(9_000, 9_000), "decompression bomb"),
        (png_of_size(300, 300), "truncated|damaged"),
    ],
)
def test_reasons(content, reason, tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(PictureError, match=reason):
            pictures.load(source)


def test_limits_can_be_set():
    content = encoded(drawn(0), "PNG")
    with pytest.raises(PictureError, match="more than 100 bytes"):
        pictures.load(content, max_bytes=100)
    with pytest.raises(PictureError, match="48 x 40, more than 1919 pixels"):
        pictures.load(content, max_pixels=1919)
    assert pictures.load(content, max_pixels=1920)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(PictureError, match="missing"):
        pictures.load(tmp_path / "nothing.jpg")
    with pytest.raises(PictureError, match="not a file"):
        pictures.load(tmp_path)
    with pytest.raises(PictureError, match="missing"):
        pictures.load(tmp_path / "nul\0.jpg")
    with pytest.raises(PictureError, match="cannot be read"):
        pictures.load(tmp_path / ("x" * 5000))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match="not a file"):
        pictures.load(tmp_path / "pipe.jpg")


SAMPLES = [
    encoded(drawn(1, (24, 20)), form, **options)
    for form, options in [
        ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}),
        ("GIF", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {}),
    ]
]  # fmt: skip


@given(st.sampled_from(SAMPLES), st.data())
def test_mutated_files_give_a_picture_or_a_picture_error(sample, data):
    content = bytearray(sample)
    spots = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(spots, st.integers(0, 255)), max_size=12)):
        content[place] = value
    start, end = sorted((data.draw(spots), data.draw(spots)))
    action = data.draw(st.sampled_from(["keep", "cut", "drop", "repeat"]))
    if action == "cut":
        del content[end:]
    elif action == "drop":
        del content[start:end]
    elif action == "repeat":
        content[start:start] = content[start:end]
    only_a_picture_error(bytes(content))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_a_picture_error(content):
    only_a_picture_error(content)


def only_a_picture_error(content):
    try:
        loaded = pictures.load(content)
    except PictureError as error:
        assert str(error)
    else:
        assert loaded.mode == "RGB"
        assert max(loaded.size) <= pictures.SIDE
