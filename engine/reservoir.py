"""Old lists that the fusion learned from, drawn evenly from all there ever were, to learn from again beside new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.candidates.base import Tensors, group, grouped
from engine.cases import Case
from engine.listwise import Sample

FAR = -1e4
"""Log odds that stand for none at all where numbers are kept in 16 bits."""


@dataclass(frozen=True)
class Reservoir:
    """Lists by kind (engine/cases.py), over the signals of the fusion, of scores that had not seen the answers."""

    names: tuple[str, ...] = ()
    """Of the signals; those of parts that were not used are kept too, for an update may find use of them."""
    samples: Mapping[str, Sample] = field(default_factory=dict)
    met: Mapping[str, int] = field(default_factory=dict)
    """Lists of each kind that there ever were."""

    def after(self, made: Sequence[Case], most: int, rng: np.random.Generator) -> "Reservoir":
        """With these lists too, at most `most` of a kind, over the signals that all of them have."""
        if not made:
            return self
        names = tuple(name for name in made[0].names if name in self.names) if self.names else made[0].names
        fresh = {one.kind: one.sample.only([one.names.index(name) for name in names]) for one in made}
        return self.only(names).with_samples(fresh, most, rng)

    def only(self, names: tuple[str, ...]) -> "Reservoir":
        """The same lists over some of the signals; none where they lack one."""
        if not set(names) <= set(self.names):
            return Reservoir(names)
        columns = [self.names.index(name) for name in names]
        return Reservoir(names, {kind: one.only(columns) for kind, one in self.samples.items()}, self.met)

    def without(self, kind: str) -> "Reservoir":
        """The same lists but those of a kind."""
        return replace(self, samples={name: one for name, one in self.samples.items() if name != kind})

    def with_samples(self, fresh: Mapping[str, Sample], most: int, rng: np.random.Generator) -> "Reservoir":
        """With these lists too: each as likely to be among the `most` of its kind as any other (Vitter 1985)."""
        samples, met = dict(self.samples), dict(self.met)
        for kind, one in fresh.items():
            new, old = len(one.trust), met.get(kind, 0)
            there = samples.get(kind, some(one, np.zeros(0, np.int64)))
            room = min(most, len(there.trust) + new)
            taken = max(int(rng.hypergeometric(new, old, room)), room - len(there.trust))
            left = rng.permutation(len(there.trust))[: room - taken]
            samples[kind] = joined([some(there, left), some(one, rng.permutation(new)[:taken])])
            met[kind] = old + new
        return Reservoir(self.names, samples, met)

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name; signals in 16 bits, for they are most of it."""
        names = np.frombuffer("\n".join(self.names).encode(), np.uint8)
        found: dict[str, NDArray[np.generic]] = {"names": names} if self.names else {}
        for kind, one in self.samples.items():
            arrays: dict[str, NDArray[np.generic]] = {
                "signals": one.signals.numpy().astype(np.float16),
                "new": one.new.numpy() > 0,
                "chosen": one.chosen.numpy() > 0,
                "log_odds": one.log_odds.numpy().clip(FAR).astype(np.float16),
                "trust": one.trust.numpy(),
                "met": np.array(self.met[kind]),
            }
            found |= grouped(kind, arrays)
        return found


def restored(tensors: Tensors) -> Reservoir:
    samples, met = {}, {}
    names = tensors["names"].astype(np.uint8).tobytes().decode().split("\n") if "names" in tensors else []
    for kind in sorted({name.split(".")[0] for name in tensors} - {"names"}):
        kept = group(kind, tensors)
        met[kind] = int(kept.pop("met"))
        parts = {name: torch.from_numpy(array.astype(np.float32)) for name, array in kept.items()}
        parts["log_odds"][parts["log_odds"] <= FAR] = -torch.inf
        samples[kind] = Sample(**parts)
    return Reservoir(tuple(names), samples, met)


def some(sample: Sample, rows: NDArray[np.int64]) -> Sample:
    """Some of the lists."""
    at = torch.from_numpy(np.sort(rows))
    return Sample(*(getattr(sample, name)[at] for name in ("signals", "new", "chosen", "log_odds", "trust")))


def joined(samples: Sequence[Sample]) -> Sample:
    """The lists of all, padded to the widest."""
    width = max(one.new.shape[1] for one in samples)

    def wide(name: str, value: float) -> torch.Tensor:
        each = (getattr(one, name) for one in samples)
        return torch.cat([functional.pad(array, (0, width - array.shape[1]), value=value) for array in each])

    signals = torch.cat([functional.pad(one.signals, (0, 0, 0, width - one.signals.shape[1])) for one in samples])
    trust = torch.cat([one.trust for one in samples])
    return Sample(signals, wide("new", 0), wide("chosen", 0), wide("log_odds", -torch.inf), trust)
