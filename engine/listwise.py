"""Learning the weights of the fusion, by a listwise softmax on scores of generators that had not seen the answers.

What the lists are is in cases.py. It is learned first over whole lists, then over the best candidates by those first
weights: what tells an answer from the bulk of a catalogue is not what tells it from the twenty items beside it, and
only the latter is ever shown. This needs torch; what it gives does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from engine.fusion import LONG, Fusion, even
from engine.lists import Lists


@dataclass(frozen=True)
class Sample:
    """Lists cut down to some candidates, padded. Shapes: (users, candidates[, signals])."""

    signals: torch.Tensor
    new: torch.Tensor
    """1 where the candidate is an item without history."""
    chosen: torch.Tensor
    log_odds: torch.Tensor
    """Correction of a candidate's score: log(1 / chance of being drawn), -inf where padded."""
    trust: torch.Tensor

    def only(self, columns: Sequence[int]) -> "Sample":
        """The same lists with some of the signals."""
        return replace(self, signals=self.signals[..., list(columns)])


def sample(lists: Lists) -> Sample:
    """Every answer and what was drawn beside them, of users who have an answer."""
    lists = lists.of(np.flatnonzero(lists.chosen.any(axis=1)))
    taken = lists.chosen | lists.drawn
    width = int(taken.sum(1).max(initial=1))
    items = np.argsort(~taken, axis=1, kind="stable")[:, :width]
    users = np.arange(len(items))[:, None]
    log_odds = np.where(
        lists.chosen, 0, np.where(lists.drawn, -np.log(np.maximum(lists.share, 1e-9))[:, None], -np.inf)
    )
    return _sample(lists, users, items, log_odds[users, items])


def pool(lists: Lists, scores: NDArray[np.float32], depth: int) -> Sample:
    """The `depth` best allowed candidates by (users, items) scores, of users who have an answer among them."""
    masked = np.where(lists.allowed, scores, -np.inf)
    depth = min(depth, masked.shape[1])
    items = np.argpartition(-masked, depth - 1, axis=1)[:, :depth]
    useful = np.take_along_axis(lists.chosen, items, 1).any(axis=1)
    items, users = items[useful], np.flatnonzero(useful)[:, None]
    return _sample(lists, users, items, np.where(lists.allowed[users, items], 0, -np.inf))


def _sample(lists: Lists, users: NDArray[np.int64], items: NDArray[np.int64], log_odds: NDArray[np.floating]) -> Sample:
    at = (users, items)
    arrays = (lists.signals[at], ~lists.known[at], lists.chosen[at], log_odds, lists.trust[users[:, 0]])
    return Sample(*(torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in arrays))


STEPS, STEPS_ON, MORE_STEPS = 40, 20, 8
"""Of L-BFGS: from nothing, from weights of before on, and from weights that were learned with more or other signals."""
SMOOTH_L2 = 10.0
"""The ridge penalty of the smooth NDCG, times that of the softmax: it is not convex, and follows chance more easily."""
Loss = Callable[[torch.Tensor, torch.Tensor, Sample], torch.Tensor]


def fit(
    samples: Sequence[Sample],
    names: tuple[str, ...],
    on: NDArray[np.bool_],
    l2: float,
    start: Fusion | None = None,
    smooth: bool = False,
    shares: Sequence[float] | None = None,
    distance: float = 0.0,
    steps: int = STEPS,
) -> Fusion:
    """Weights of the signals that are on, by L-BFGS on the mean listwise softmax loss (ListNet, Cao et al. 2007).

    With `smooth`, from there on by a smooth NDCG (ApproxNDCG, Qin et al. 2010). `on` (2, signals) says which are used
    for known items and which for new ones; `start` has all the names. `shares` is what each of `samples` weighs,
    however many users it has; the same if None. `distance` is what it costs to move away from `start`, times the square
    of the way: what was learned is not forgotten for the sake of a few lists. `steps` of L-BFGS are made at most.
    """
    share = torch.tensor([1.0] * len(samples) if shares is None else list(shares))
    begin = even(names) if start is None else start.only(names)
    if start is None:
        begin = replace(begin, weight=np.zeros_like(begin.weight))
    if not smooth or start is None:
        begin = _descend(_softmax, samples, share, begin, on, l2, steps, distance)
    return _descend(_smooth_ndcg, samples, share, begin, on, SMOOTH_L2 * l2, steps, distance) if smooth else begin


def _descend(
    loss_of: Loss,
    samples: Sequence[Sample],
    share: torch.Tensor,
    start: Fusion,
    on: NDArray[np.bool_],
    l2: float,
    steps: int,
    distance: float,
) -> Fusion:
    """The fusion after some steps of L-BFGS, over weight and slope in one."""
    weight = torch.tensor(np.stack([start.weight, start.slope]), requires_grad=True)
    offset = torch.tensor(start.offset[1:], requires_grad=True)
    home = (weight.detach().clone(), offset.detach().clone())
    mask = torch.from_numpy(on.astype(np.float32))
    optimiser = torch.optim.LBFGS([weight, offset], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        losses = torch.stack([loss_of(weight * mask, offset, one) for one in samples])
        total = (losses * share).sum() / share.sum()
        total = total + l2 * (weight.square().sum() + offset.square().sum())
        if distance:
            total = total + distance * ((weight - home[0]).square().sum() + (offset - home[1]).square().sum())
        total.backward()  # type: ignore[no-untyped-call]
        return total

    if samples:
        optimiser.step(loss)  # type: ignore[no-untyped-call]
    learned = (weight * mask).detach().numpy()
    return Fusion(start.names, learned[0], learned[1], np.array([0.0, offset.item()], np.float32))


def _scores(weight: torch.Tensor, offset: torch.Tensor, one: Sample) -> torch.Tensor:
    """(users, candidates), corrected by how they were drawn."""
    long = (one.trust > LONG).long()
    gates = weight[0, long] + weight[1, long] * one.trust[:, None, None]  # (users, 2, signals)
    known, new = (one.signals @ gates.transpose(1, 2)).unbind(2)
    return known + one.new * (new + offset - known) + one.log_odds


def _softmax(weight: torch.Tensor, offset: torch.Tensor, one: Sample) -> torch.Tensor:
    log_share = torch.log_softmax(_scores(weight, offset, one), dim=1)
    return -(log_share.masked_fill(one.chosen == 0, 0).sum(1) / one.chosen.sum(1)).mean()


def _smooth_ndcg(weight: torch.Tensor, offset: torch.Tensor, one: Sample) -> torch.Tensor:
    """1 less NDCG, with the rank of an answer the sum of how surely others are above it."""
    scores = _scores(weight, offset, one).clamp(min=-1e6)
    user, answer = one.chosen.nonzero(as_tuple=True)
    above = torch.sigmoid(scores[user] - scores[user, answer][:, None])
    rank = above.sum(1) + 0.5  # an answer is half above itself
    discount = 1 / torch.log2(torch.arange(2, one.chosen.shape[1] + 2))
    ideal = discount.cumsum(0)[one.chosen.sum(1).long() - 1]
    return 1 - (1 / torch.log2(1 + rank) / ideal[user]).sum() / len(scores)
