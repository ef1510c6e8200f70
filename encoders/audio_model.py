"""Sound by a network of transformers in a folder: CLAP, which has sounds and words in one space, or another encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from encoders.audio import Samples
from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.text import MAX_TOKENS, by_length
from encoders.weights import first_line, folder_hash, no_progress_bar, unit

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class AudioTower(Generic[Thing]):
    """One side of a model of sounds: an encoder."""

    name: str
    dim: int
    fingerprint: str
    run: Callable[[Sequence[Thing]], Vectors]

    def encode(self, batch: Sequence[Thing]) -> Vectors:
        """(n, dim) unit rows; a blank text is a row of zeros."""
        return self.run(batch)


@dataclass(frozen=True)
class AudioModel:
    """`audio` takes sounds of `rate` samples a second; `text`, if there is one, puts words into the same space."""

    audio: AudioTower[Samples]
    rate: int
    text: AudioTower[str] | None


def from_folder(folder: Path, name: str) -> AudioModel:
    """CLAP (Wu et al. 2023), or an encoder such as AST, HuBERT or wav2vec 2.0, whose last states are averaged.

    From a folder with *.safetensors, as `save_pretrained` of model, feature extractor and, for CLAP, tokenizer write
    it. A sound is looked at in stretches as long as the model's, whose vectors are averaged. Raises EncoderError.
    """
    from transformers import AutoFeatureExtractor, AutoModel, AutoTokenizer

    try:
        with no_progress_bar():
            model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).float().eval()
            extractor: Any = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True
            )
            shared = hasattr(model, "get_audio_features")
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True) if shared else None
        rate, longest = int(extractor.sampling_rate), int(getattr(extractor, "nb_max_samples", 0))
        sounds = _Sounds(model, extractor, rate, longest or rate * 30, shared)
        dim = sounds.vectors([np.ones(rate, np.float32)]).shape[1]
    except (RuntimeError, OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise EncoderError(
            f"{folder}: no encoder of sounds ({first_line(error)}); one of transformers has config.json, "
            "preprocessor_config.json, *.safetensors and, to read words too, a tokenizer"
        ) from None
    mark = f"transformers-audio/{folder_hash(folder)[:16]}"
    audio: AudioTower[Samples] = AudioTower(
        name, dim, f"{mark}/audio", lambda batch: sounds.vectors(batch) if batch else _nothing(dim)
    )
    if tokenizer is None:
        return AudioModel(audio, rate, None)
    words = _words(model, tokenizer)
    return AudioModel(audio, rate, AudioTower(name, dim, f"{mark}/text", lambda batch: by_length(batch, dim, words)))


@dataclass(frozen=True)
class _Sounds:
    model: Any
    extractor: Any
    rate: int
    longest: int
    """Samples of a stretch."""
    shared: bool

    def vectors(self, batch: Sequence[Samples]) -> Vectors:
        """(n, dim) unit rows."""
        return unit(np.stack([self._one(sound) for sound in batch]))

    @torch.inference_mode()
    def _one(self, sound: Samples) -> Vectors:
        # One stretch at a time: what stands beside a sound in a batch would change its padding.
        cuts = range(0, max(len(sound), 1), self.longest)
        stretches = [sound[at : at + self.longest] for at in cuts]
        kept = [one for one in stretches if len(one) >= self.rate // 10] or stretches[:1]
        return np.asarray(np.mean([self._stretch(one) for one in kept], axis=0), np.float32)

    def _stretch(self, sound: Samples) -> Vectors:
        least = np.pad(sound, (0, max(0, self.rate // 10 - len(sound))))
        inputs = self.extractor(least, sampling_rate=self.rate, return_tensors="pt")
        found = self.model.get_audio_features(**inputs).pooler_output if self.shared else self._pooled(inputs)
        return np.asarray(found[0].numpy(), np.float32)

    def _pooled(self, inputs: Any) -> torch.Tensor:
        states: torch.Tensor = self.model(**inputs).last_hidden_state  # (1, places, dim)
        return states.mean(dim=1)


def _words(model: Any, tokenizer: Any) -> Any:
    longest = min(MAX_TOKENS, int(model.config.text_config.max_position_embeddings) - 2)

    @torch.inference_mode()
    def encode(texts: list[str]) -> Vectors:
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        tokens = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        return np.asarray(model.get_text_features(**tokens).pooler_output.numpy(), np.float32)

    return encode


def _nothing(dim: int) -> Vectors:
    return np.zeros((0, dim), np.float32)
