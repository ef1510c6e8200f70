"""The same encoders, faster, with how far they agree measured on what is to be encoded.

`onnx` and `openvino` compute the same numbers in other runtimes, up to the last bits. `bf16` and `openvino-bf16`
multiply matrices in bfloat16, which new processors have units for. `int8` multiplies them in whole numbers of 8 bits
(dynamic quantisation, weights by channel). `faster` tries all that are installed on a sample, and takes the quickest of
those whose nearest things are those of the plain encoder.
"""

import copy
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from torch import nn

from encoders import exported
from encoders.base import PICTURES, TEXTS, Encoder, Networked, Vectors
from encoders.exported import FORMAT, INT8, ONNX
from encoders.weights import aside, first_line

log = logging.getLogger(__name__)
Thing = TypeVar("Thing")
PLAIN, BF16 = "plain", "bf16"
OPENVINO = {"openvino": "f32", "openvino-bf16": "bf16"}
"""Ways of OpenVINO, and what they multiply in."""
EXACT = (ONNX, "openvino")
"""Ways whose vectors are the plain encoder's, but for the last bits."""
FILES = {INT8: INT8} | dict.fromkeys((ONNX, *OPENVINO), ONNX)
"""The exported file that a way runs."""
SAMPLE = {TEXTS: 128, PICTURES: 96}
"""Things of a trial."""
NEAREST = 10
"""Neighbours of each thing that are compared."""
SLICES = 4
"""The ways take turns, so that what else the machine does slows all of them."""
WORTH = 1.2
"""A way that is not so many times quicker than the plain encoder is not worth its file."""


@dataclass(frozen=True)
class Trial:
    """One way on a sample, beside the plain encoder."""

    way: str
    threads: int
    """Of ONNX Runtime; 0 where they are PyTorch's."""
    per_second: float
    times: float
    """As many times as quick as the plain encoder."""
    cosine: float
    """Of the vector that is furthest from its plain one."""
    agreement: float
    """Share of each thing's ten nearest that are its ten nearest by the plain encoder."""


@dataclass(frozen=True)
class Choice:
    """The way that was chosen, and what was measured of all."""

    way: str
    threads: int
    least: float
    """The agreement that was asked for."""
    trials: list[Trial]

    def __str__(self) -> str:
        found = next((trial for trial in self.trials if trial.way == self.way), None)
        if found is None:
            return "plain (no way is quicker and agrees)"
        return f"{self.way}, {found.times:.1f} times as quick, agreement {found.agreement:.3f}"


class FastEncoder(Generic[Thing]):
    """A networked encoder run in another way; what may give other vectors has another fingerprint."""

    def __init__(self, plain: Networked[Thing], way: str, run: Callable[[list[Thing]], Vectors]) -> None:
        """`run` gives (n, dim) for a few things."""
        self.name, self.dim = plain.name, plain.dim
        self.fingerprint = plain.fingerprint if way in EXACT else f"{plain.fingerprint}/{way}-{FORMAT}"
        self._plain, self._run = plain, run

    def encode(self, batch: Sequence[Thing]) -> Vectors:
        """(n, dim) unit rows; a blank text is a row of zeros."""
        return self._plain.batched(batch, self._run)


def faster(
    plain: Encoder[Thing],
    folder: Path,
    sample: Callable[[int], Sequence[Thing]],
    least: float = 0.99,
    threads: int = 1,
) -> tuple[Encoder[Thing], Choice | None]:
    """The quickest encoder that agrees with `plain`, and how it was chosen; `plain` and None where there is no choice.

    The choice is kept in `folder`, so that the same encoder is taken next time. `sample(n)` gives about n of the things
    that are to be encoded. `least` is the agreement wanted, from 0 to 1. It takes as long as about 500 things.
    """
    if not hasattr(plain, "network"):
        return plain, None
    networked = cast(Networked[Thing], plain)
    file = folder / f"{exported.key(networked)}.json"
    choice = _read(file, least)
    if choice is None:
        choice = choose(networked, folder, sample, least, threads)
        with aside(file) as partial:
            partial.write_text(json.dumps(asdict(choice), indent=1), encoding="utf-8")
    if choice.way == PLAIN:
        return plain, choice
    try:
        return open_fast(networked, choice.way, folder, choice.threads), choice
    except Exception as error:  # exporters and runtimes raise what they like; the plain encoder is there
        log.warning("%s cannot be run by %s (%s); it is run as it is", plain.name, choice.way, first_line(error))
        return plain, None


def open_fast(plain: Networked[Thing], way: str, folder: Path, threads: int = 1) -> FastEncoder[Thing]:
    """The encoder run in one of the ways; networks that were exported are kept in `folder`.

    Raises what exporters and runtimes raise, ImportError where a runtime is not installed.
    """
    if way == BF16:
        return FastEncoder(plain, way, _in_bf16(plain))
    path = exported.file(plain, FILES[way], folder)
    if way in OPENVINO:
        model = exported.compiled(path, threads, OPENVINO[way])
        return FastEncoder(
            plain,
            way,
            lambda things: np.array(model({name: one.numpy() for name, one in plain.inputs(things).items()})[0]),
        )
    session = exported.session(path, threads)

    def run(things: list[Thing]) -> Vectors:
        feeds = {name: tensor.numpy() for name, tensor in plain.inputs(things).items()}
        rows: Vectors = session.run(None, feeds)[0]
        return rows

    if way == INT8:  # its scales are those of a batch: one by one, a vector depends on nothing else, and as quickly
        return FastEncoder(plain, way, lambda things: np.concatenate([run([thing]) for thing in things]))
    return FastEncoder(plain, way, run)


def ways(plain: Networked[Any]) -> list[str]:
    """All that this encoder can be run in here."""
    openvino = list(OPENVINO) if find_spec("openvino") else []
    return [ONNX, BF16, *openvino, *([INT8] if plain.kind == TEXTS else [])]


def choose(
    plain: Networked[Thing], folder: Path, sample: Callable[[int], Sequence[Thing]], least: float, threads: int
) -> Choice:
    """Try every way on a sample, which is encoded once by each."""
    things = sample(SAMPLE[plain.kind])
    if len(things) <= NEAREST + 1:
        return Choice(PLAIN, 0, least, [])
    opened: dict[tuple[str, int], Encoder[Thing]] = {(PLAIN, 0): cast(Encoder[Thing], plain)}
    for way in ways(plain):
        for number in (0,) if way == BF16 else sorted({1, threads}):
            try:
                opened[way, number] = open_fast(plain, way, folder, number)
                opened[way, number].encode(things[:4])  # the first call is slower
            except Exception as error:  # as above
                log.warning("%s cannot be run by %s (%s)", plain.name, way, first_line(error))
    trials = _tried(opened, things)
    best = max((t for t in trials if t.agreement >= least and t.times >= WORTH), key=lambda t: t.times, default=None)
    for kind in {*FILES.values()} - ({FILES.get(best.way)} if best else set()):  # files that nothing will open
        for path in folder.glob(f"{exported.key(plain)}.{kind}.*.onnx"):
            path.unlink(missing_ok=True)
    return Choice(best.way if best else PLAIN, best.threads if best else 0, least, trials)


def _tried(opened: dict[tuple[str, int], Encoder[Thing]], things: Sequence[Thing]) -> list[Trial]:
    """Each way's time and vectors; the ways take turns."""
    seconds = dict.fromkeys(opened, 0.0)
    rows: dict[tuple[str, int], list[Vectors]] = {way: [] for way in opened}
    for start in range(SLICES):
        for way, encoder in opened.items():
            began = time.perf_counter()
            rows[way].append(encoder.encode(things[start::SLICES]))
            seconds[way] += time.perf_counter() - began
    exact, first = np.concatenate(rows[PLAIN, 0]), seconds[PLAIN, 0]
    return [
        Trial(
            way,
            number,
            len(things) / seconds[way, number],
            first / seconds[way, number],
            float((exact * made).sum(1).min()),
            agreement(exact, made),
        )
        for (way, number), made in ((key, np.concatenate(parts)) for key, parts in rows.items())
        if way != PLAIN
    ]


def agreement(exact: Vectors, made: Vectors, nearest: int = NEAREST) -> float:
    """Mean share of a row's nearest rows, by `exact`, that are its nearest by `made`; both (n, dim)."""
    pairs = zip(_nearest(exact, nearest), _nearest(made, nearest), strict=True)
    return float(np.mean([len(set(one) & set(other)) / len(one) for one, other in pairs]))


def _nearest(vectors: Vectors, nearest: int) -> list[list[int]]:
    likeness = vectors @ vectors.T  # (n, n)
    np.fill_diagonal(likeness, -2)
    found: list[list[int]] = np.argsort(-likeness, axis=1, kind="stable")[:, :nearest].tolist()
    return found


def _in_bf16(plain: Networked[Thing]) -> Callable[[list[Thing]], Vectors]:
    """Matrices in bfloat16; sums, norms and what is added up along the layers stay in 32 bits."""
    network = copy.deepcopy(plain.network)
    for part in network.modules():
        if isinstance(part, (nn.Linear, nn.Conv2d, nn.MultiheadAttention)):
            for weight in part.parameters(recurse=False):  # once, not in each batch
                weight.data = weight.data.bfloat16()

    @torch.inference_mode()
    def run(things: list[Thing]) -> Vectors:
        with torch.autocast("cpu", torch.bfloat16):
            return np.asarray(network(**plain.inputs(things)).float().numpy(), np.float32)

    return run


def _read(file: Path, least: float) -> Choice | None:
    """A choice of before; None where there is none, or another agreement was asked for then."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        trials = [Trial(**trial) for trial in facts.pop("trials")]
        choice = Choice(**facts, trials=trials)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return choice if choice.least == least else None
