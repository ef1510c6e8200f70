"""Pictures of the generated products, drawn with Pillow: shape by category, colour, and the pattern no text tells.

Every picture varies in place, size, turn, light and background, and has a little noise.
"""

import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.demo.kinds import KINDS
from engine.demo.products import NAMES, Products
from engine.demo.shapes import SHAPES
from engine.demo.vocabulary import COLOURS, PATTERNS

SIZE = 128
"""Pixels a side."""
PERIOD = 22
"""Pixels from one stripe, dot or square to the next, before a cloth is scaled."""
QUALITY = 85
"""Of JPEG."""
Rgb = tuple[int, int, int]
Progress = Callable[[int, int], None]


def draw_all(products: Products, folder: Path, seed: int, progress: Progress | None = None) -> int:
    """Write `<folder>/<image>` for every product that has one; returns how many."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = products.table["image"].to_list()
    shapes = [KINDS[k].shape for k in products.codes["kind"]]
    for i, name in enumerate(names):
        if name is not None:
            colour, pattern = (NAMES[facet][products.codes[facet][i]] for facet in ("colour", "pattern"))
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            draw(shapes[i], colour, pattern, rng).save(folder / name, quality=QUALITY)
        if progress is not None:
            progress(i + 1, len(names))
    return sum(name is not None for name in names)


def draw(shape: str, colour: str, pattern: str, rng: np.random.Generator) -> Image.Image:
    """One product, (SIZE, SIZE) RGB."""
    rgb = _vary(COLOURS[colour][1], rng, 8)
    second = _second(rgb, rng)
    size, turn = rng.uniform(0.7, 0.86) * SIZE, rng.uniform(-14, 14)
    left, top = (SIZE - size) / 2 + rng.uniform(-6, 6, 2)
    canvas = _background(rng)
    ink = {"trim": _mix(rgb, (0, 0, 0), 0.3), "pale": (236, 234, 230), "dark": (52, 50, 54)}
    cloth = _cloth(pattern, rgb, second, rng)
    layer = Image.new("RGB", canvas.size, rgb)
    mask = Image.new("L", canvas.size, 0)
    pens = ImageDraw.Draw(layer), ImageDraw.Draw(mask)
    for paint, form, numbers in SHAPES[shape]:
        _paint(pens[1], form, numbers, size, left, top, 255)
        if paint == "body":
            body = Image.new("L", canvas.size, 0)
            _paint(ImageDraw.Draw(body), form, numbers, size, left, top, 255)
            layer.paste(cloth, (0, 0), body)
        else:
            _paint(pens[0], form, numbers, size, left, top, ink[paint])
    layer, mask = (image.rotate(turn, Image.Resampling.BILINEAR) for image in (layer, mask))
    canvas.paste(layer, (0, 0), mask)
    noise = 5 * rng.standard_normal((SIZE, SIZE, 1), np.float32)
    pixels = np.asarray(canvas, np.float32) * rng.uniform(0.94, 1.05) + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _paint(
    pen: ImageDraw.ImageDraw,
    form: str,
    numbers: tuple[float, ...],
    size: float,
    left: float,
    top: float,
    ink: Rgb | int,
) -> None:
    """One part of a shape, `size` pixels wide with its corner at (left, top)."""
    corners = len(numbers) if form == "poly" else 4
    at = [number * size + (top if k % 2 else left) for k, number in enumerate(numbers[:corners])]
    rest = numbers[corners:]
    if form == "poly":
        pen.polygon(at, ink)
    elif form == "oval":
        pen.ellipse(at, ink)
    elif form == "box":
        pen.rounded_rectangle(at, min(at[2] - at[0], at[3] - at[1]) * 0.18, ink)
    elif form == "pie":
        pen.pieslice(at, rest[0], rest[1], ink)
    elif form == "arc":
        pen.arc(at, rest[0], rest[1], ink, width=round(rest[2] * size))
    else:
        pen.line(at, ink, width=max(1, round(rest[0] * size)))


@lru_cache(maxsize=len(PATTERNS))
def _tile(pattern: str) -> Image.Image:
    """(2 SIZE, 2 SIZE) L: 255 where the second colour of a pattern goes."""
    y, x = np.mgrid[0 : 2 * SIZE, 0 : 2 * SIZE].astype(np.float64)
    across, down = x % PERIOD / PERIOD - 0.5, y % PERIOD / PERIOD - 0.5
    marks: dict[str, NDArray[np.bool_]] = {
        "plain": np.zeros(x.shape, bool),
        "stripes": across > 0.1,
        "dots": np.hypot(across, down) < 0.3,
        "checks": (across > 0) ^ (down > 0),
        "zigzag": (down + 2 * np.abs(across)) % 1 < 0.4,
        "flowers": _petals(across, down),
    }
    return Image.fromarray((marks[pattern] * 255).astype(np.uint8))


def _petals(across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Five petals around a hole."""
    radius, angle = np.hypot(across, down), np.arctan2(down, across)
    petals: NDArray[np.bool_] = (radius < 0.28 + 0.18 * np.cos(5 * angle)) & (radius > 0.1)
    return petals


def _cloth(pattern: str, rgb: Rgb, second: Rgb, rng: np.random.Generator) -> Image.Image:
    """(SIZE, SIZE) of the pattern in both colours, cut anywhere from the tile and scaled and turned a little."""
    scale, turn = rng.uniform(0.8, 1.25), np.deg2rad(rng.uniform(-12, 12))
    # Anywhere within one period, and far enough from the edge of the tile for any turn.
    dx, dy = rng.uniform(36, 36 + PERIOD, 2)
    a, b = np.cos(turn) / scale, np.sin(turn) / scale
    marks = _tile(pattern).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, (a, b, dx, -b, a, dy), Image.Resampling.BILINEAR
    )
    cloth = Image.new("RGB", (SIZE, SIZE), rgb)
    cloth.paste(Image.new("RGB", (SIZE, SIZE), second), (0, 0), marks)
    return cloth


def _second(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """A lighter or darker shade of a colour, which stands out and leaves the colour what it is."""
    light = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] > 120
    return _mix(rgb, (0, 0, 0) if light else (255, 255, 255), rng.uniform(0.3, 0.42))


def _mix(rgb: Rgb, other: Rgb, share: float) -> Rgb:
    r, g, b = (round(x + share * (y - x)) for x, y in zip(rgb, other, strict=True))
    return r, g, b


def _vary(rgb: Rgb, rng: np.random.Generator, spread: float) -> Rgb:
    r, g, b = (int(np.clip(x + rng.normal(0, spread), 0, 255)) for x in rgb)
    return r, g, b


def _background(rng: np.random.Generator) -> Image.Image:
    """A pale wall, lighter to one side."""
    base = np.array(_vary((214, 216, 220), rng, 10), np.float32)
    x = np.linspace(-1, 1, SIZE, dtype=np.float32)
    slope = rng.uniform(-12, 12, 2)
    light = slope[0] * x[None, :] + slope[1] * x[:, None]
    return Image.fromarray((base + light[..., None]).clip(0, 255).astype(np.uint8))
