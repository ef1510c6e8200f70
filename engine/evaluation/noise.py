"""Noise as people and their telephones make it: queries that are mistyped or oddly written, pictures badly taken.

Everything is drawn from the generator that is given, so that a seed gives the same noise again.
"""

import io
import re
from collections.abc import Callable, Mapping
from functools import cache

import jieba
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from pypinyin import lazy_pinyin

from graph.link.normal import is_han

QueryNoise = Callable[[str, np.random.Generator], str]
PictureNoise = Callable[[Image.Image, float, np.random.Generator], Image.Image]
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
EMOJI = "🙏🔥😍✨👍🎬"
SHORTEST = 4
"""Letters of a word that is mistyped."""
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_PART = re.compile(r"[a-zA-Z]+|[\u4e00-\u9fff]+|[^a-zA-Z\u4e00-\u9fff]+")


def mistyped(query: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """One error in that share of the words, and in one at least: Latin words of four letters, Chinese words of two.

    A Latin word has two letters swapped, one dropped, doubled, or hit beside its key; a Chinese one has a character
    of the same sound.
    """
    parts = [word for run in _PART.findall(query) for word in (jieba.cut(run) if is_han(run[0]) else [run])]
    open_to = [at for at, part in enumerate(parts) if _may_err(part)]
    if not open_to:
        return query
    for at in rng.choice(open_to, max(1, round(share * len(open_to))), replace=False):
        parts[at] = _misheard(parts[at], rng) if is_han(parts[at][0]) else _slipped(parts[at], rng)
    return "".join(parts)


def _may_err(part: str) -> bool:
    if is_han(part[0]):
        return len(part) >= 2
    return part.isascii() and part.isalpha() and len(part) >= SHORTEST


def _slipped(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(word) - 1))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    row = next(row for row in KEYS if word[at].lower() in row)
    place = row.index(word[at].lower())
    beside = row[place - 1] if place else row[1]
    return str(
        rng.choice(
            [swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + beside + word[at + 1 :]]
        )
    )


def _misheard(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(len(word)))
    same = [char for char in _by_sound().get(_sound(word[at]), ()) if char != word[at]]
    return word[:at] + str(rng.choice(same)) + word[at + 1 :] if same else word


def _sound(char: str) -> str:
    return "".join(lazy_pinyin(char))


@cache
def _by_sound() -> Mapping[str, list[str]]:
    """The 3,755 common characters of GB 2312 by how they sound, which is how they are typed."""
    found: dict[str, list[str]] = {}
    for row in range(0xB0, 0xD8):
        for char in bytes(byte for low in range(0xA1, 0xFF) for byte in (row, low)).decode("gb2312", "ignore"):
            found.setdefault(_sound(char), []).append(char)
    return found


def shuffled(query: str, rng: np.random.Generator) -> str:
    """The words in another order; those of Chinese as jieba cuts them."""
    words = [word for word in jieba.cut(query) if word.strip()]
    mixed = [words[at] for at in rng.permutation(len(words))]
    return ("" if any(is_han(word[0]) for word in words) else " ").join(mixed)


def decorated(query: str, rng: np.random.Generator) -> str:
    """With an emoji before, after and at one blank within."""
    first, middle, last = rng.choice(list(EMOJI), 3)
    return f"{first}{query.replace(' ', f' {middle} ', 1)}{last}"


QUERY_NOISE: Mapping[str, QueryNoise] = {
    "typos in .15 of the words": lambda query, rng: mistyped(query, rng, 0.15),
    "typos in .3": lambda query, rng: mistyped(query, rng, 0.3),
    "typos in .6": lambda query, rng: mistyped(query, rng, 0.6),
    "word order": shuffled,
    "capitals": lambda query, rng: query.upper(),
    "full width": lambda query, rng: query.translate(FULL_WIDTH),
    "emoji": decorated,
}


def cropped(picture: Image.Image, lost: float, rng: np.random.Generator) -> Image.Image:
    """A part of it in some place, of the same proportions, without the share `lost` of each side."""
    width, height = picture.size
    w, h = max(1, round(width * (1 - lost))), max(1, round(height * (1 - lost)))
    left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return picture.crop((left, top, left + w, top + h))


def relit(picture: Image.Image, change: float, rng: np.random.Generator) -> Image.Image:
    """Brighter or darker by that share, one as likely as the other."""
    return ImageEnhance.Brightness(picture).enhance(1 + change * (1 if rng.random() < 0.5 else -1))


def blurred(picture: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """By a Gaussian whose deviation is that share of the shorter side."""
    return picture.filter(ImageFilter.GaussianBlur(share * min(picture.size)))


def compressed(picture: Image.Image, quality: float, rng: np.random.Generator) -> Image.Image:
    """Through a JPEG of that quality, from 1 to 95."""
    content = io.BytesIO()
    picture.convert("RGB").save(content, "JPEG", quality=int(quality))
    return Image.open(content).convert("RGB")


def turned(picture: Image.Image, degrees: float, rng: np.random.Generator) -> Image.Image:
    """To the left or to the right; the corners that come in have the mean colour."""
    angle = degrees * (1 if rng.random() < 0.5 else -1)
    return picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=_mean(picture))


def _mean(picture: Image.Image) -> tuple[int, ...]:
    return tuple(round(one) for one in np.asarray(picture.convert("RGB")).reshape(-1, 3).mean(0))


PICTURE_NOISE: Mapping[str, tuple[PictureNoise, tuple[float, ...]]] = {
    "crop": (cropped, (0.1, 0.2, 0.4)),
    "light": (relit, (0.2, 0.4, 0.6)),
    "blur": (blurred, (0.005, 0.01, 0.02)),
    "jpeg": (compressed, (50, 20, 8)),
    "rotation": (turned, (5, 15, 30)),
}
"""By name, the noise and its strengths, from weak to strong."""
