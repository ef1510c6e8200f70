"""Tune both towers of a CLIP model on one's own texts and pictures, by an adapter: the base does not move.

The loss is the base's own: InfoNCE in both directions at its temperature (Radford et al. 2021), or, for a model with a
bias of its logits, the sigmoid of each pair (SigLIP, Zhai et al. 2023). Of a batch, what is known to belong together is
never taken for wrong. LoRA (Hu et al. 2022) or AdaLoRA (Zhang et al. 2023) learn in both towers; pictures are seen in
a new view each time. The best epoch is that of the highest recall on pairs kept aside, the base being one of them.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy, logsigmoid, normalize

from encoders import course, pictures
from encoders.adapters import MERGED, adapted
from encoders.base import Vectors
from encoders.clip import ClipModel
from encoders.clip_adapters import BASE_PRINT, FACTS, TARGETS, inner, open_base
from encoders.course import FEWEST_PAIRS, K, Progress, Rows
from encoders.errors import EncoderError, PictureError
from encoders.text import clean
from encoders.views import View
from encoders.weights import save_facts

HELD = 64
"""Pictures that are held decoded at once when those kept aside are encoded."""
MAX_SCALE = 100.0
"""CLIP's bound of the temperature's inverse."""


@dataclass(frozen=True)
class Settings(course.Settings):
    """How to tune; the same settings and pairs give the same adapter on the same machine. `kind`: lora or adalora."""

    views: bool = True
    """Whether a step sees another part of each picture, mirrored or not, in other light; else what encoding sees."""


@dataclass(frozen=True)
class PicturePairs:
    """Texts, and the picture that each is said of. Texts and pictures may come again: all that is listed is right."""

    texts: Sequence[str]
    paths: Sequence[Path]
    """As many as texts."""


@dataclass(frozen=True)
class TunedClip:
    """A tuned model and what is known of it."""

    model: Any
    """Of peft."""
    accepted: bool
    """Whether it is better than the base on the pairs kept aside; if not, it is the base."""
    figures: dict[str, Any]

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        """Write the adapter for `open_clip(folder)` and `open_image(folder)`, and weft-clip.json with the figures."""
        folder.mkdir(parents=True, exist_ok=True)
        # No embedding is tuned; to look for one, peft would ask a hub for the base.
        self.model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
        save_facts({**about, "better than the base": self.accepted, **self.figures}, folder / FACTS)


def tune_clip(
    base: str,
    pairs: PicturePairs,
    settings: Settings | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> TunedClip:
    """Tune what `open_clip(base)` opens; pictures are split by the seed into training and validation, with their texts.

    Pictures that cannot be read are left out and told, blank texts left out. With a `checkpoint` file a tuning that was
    cut goes on after the last whole epoch (not AdaLoRA, whose choice of ranks is not kept). `progress` is told of
    steps. Raises EncoderError below 50 pairs, and for a base or a kind that cannot be tuned.
    """
    settings = settings or Settings()
    if settings.kind.upper() not in MERGED:
        raise EncoderError(f"no adapter {settings.kind!r} of a CLIP model; the kinds are lora and adalora")
    usable, rejects = _usable(pairs)
    if len(usable.texts) < FEWEST_PAIRS:
        raise EncoderError(f"{len(usable.texts)} texts with pictures: tuning needs {FEWEST_PAIRS}")
    clip = open_base(base)
    paths, left = np.unique([str(path) for path in usable.paths], return_inverse=True)
    texts, right = np.unique([clean(text) for text in usable.texts], return_inverse=True)
    aside = course.aside(left, settings.valid_share, settings.seed)
    valid, train = np.flatnonzero(aside), np.flatnonzero(~aside)
    steps = settings.epochs * settings.steps(len(train))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        try:
            model = adapted(inner(clip), settings.kind, settings.rank, steps, TARGETS)
        except ValueError as error:
            raise EncoderError(f"{base}: nothing in it that an adapter could learn beside ({error})") from None
        model.peft_config["default"].base_model_name_or_path = base
        taken = ClipCourse(clip, model, (paths.tolist(), left), (texts.tolist(), right), settings, steps)
        curve = taken.run(train, valid, checkpoint, progress)
    figures = {
        "base": base, BASE_PRINT: clip.fingerprint,
        f"valid recall@{K} of the base, and by epoch": curve,
        "pairs": {"train": len(train), "valid": len(valid)}, "rejects": rejects,
        "learned numbers": sum(one.numel() for one in taken.learned),
        "settings": asdict(settings), "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    return TunedClip(model, max(curve) > curve[0], figures)


def _usable(pairs: PicturePairs) -> tuple[PicturePairs, list[str]]:
    """Pairs with something on both sides; and what was wrong with pictures. Decodes each once, and keeps none."""
    wrong = dict[Path, str]()
    for path in dict.fromkeys(pairs.paths):
        try:
            pictures.load(path)
        except PictureError as error:
            wrong[path] = f"{path}: {error}"
    both = zip(pairs.texts, pairs.paths, strict=True)
    kept = [(text, path) for text, path in both if text.strip() and path not in wrong]
    return PicturePairs([text for text, _ in kept], [path for _, path in kept]), list(wrong.values())


class ClipCourse(course.Course):
    """The course of a model on pairs of a picture (left) and a text (right)."""

    settings: Settings

    def __init__(
        self,
        clip: ClipModel,
        model: Any,
        seen: tuple[list[str], Rows],
        said: tuple[list[str], Rows],
        settings: Settings,
        steps: int,
    ) -> None:
        """`model` is of peft, around that of `clip`; `seen` and `said` are paths and texts, with the rows of pairs."""
        (self.paths, left), (self.texts, right) = seen, said
        super().__init__(model, left, right, settings, steps)
        self.clip = clip
        self.known = np.unique(left * len(self.texts) + right)
        own = inner(clip)
        self.scale = float(own.logit_scale.detach().exp().clamp(max=MAX_SCALE))
        bias = getattr(own, "logit_bias", None)
        self.bias = None if bias is None else float(bias.detach())
        self.side = int(clip.pixels([Image.new("RGB", (8, 8))]).shape[-1])

    def belong(self, left: Rows, right: Rows) -> torch.Tensor:
        """(pictures, texts) which are known to belong together."""
        return torch.from_numpy(np.isin(left[:, None] * len(self.texts) + right, self.known))

    def loss(self, some: Rows) -> torch.Tensor:
        """The base's own loss on the pairs `some` (b,)."""
        said, at = np.unique(self.right[some], return_inverse=True)  # a text that comes again is encoded once
        words = _run(self.clip.text, [self.texts[row] for row in said])[torch.from_numpy(at)]  # (b, dim)
        looks = _run(self.clip.image, self._views(self.left[some]))  # (b, dim)
        logits = self.scale * looks @ words.T  # (b, b)
        together = self.belong(self.left[some], self.right[some])
        if self.bias is not None:
            return -logsigmoid((2.0 * together - 1) * (logits + self.bias)).sum() / len(some)
        right = torch.arange(len(some))
        logits = logits.masked_fill(together & ~torch.eye(len(some), dtype=torch.bool), -torch.inf)
        return (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2

    def _views(self, rows: Rows) -> list[Image.Image]:
        found = [pictures.load(Path(self.paths[row])) for row in rows]
        if not self.settings.views:
            return found
        view = View(self.side, np.random.default_rng(int(torch.randint(2**31, ()))))
        return [view(picture) for picture in found]

    def recall(self, valid: Rows) -> float:
        """The share of pairs whose picture is among the first ten for its text, other right ones of that text aside."""
        self.model.eval()
        seen, at = np.unique(self.left[valid], return_inverse=True)
        said, of = np.unique(self.right[valid], return_inverse=True)
        scores = self.clip.text.encode([self.texts[row] for row in said]) @ self._looks(seen).T  # (said, seen)
        own = scores[of, at]  # (valid,)
        others = np.where(self.belong(seen, said).numpy().T, -np.inf, scores)
        ahead = (others[of] >= own[:, None]).sum(axis=1)  # ties count against it
        return round(float((ahead < K).mean()), 4)

    def _looks(self, rows: Rows) -> Vectors:
        some = [rows[at : at + HELD] for at in range(0, len(rows), HELD)]
        return np.concatenate([self.clip.image.encode([pictures.load(Path(self.paths[row])) for row in chunk])
                               for chunk in some])  # fmt: skip


def _run(tower: Any, things: list[Any]) -> torch.Tensor:
    """(n, dim) unit rows that can be learned through."""
    return normalize(tower.network(**tower.inputs(things)), dim=1)
