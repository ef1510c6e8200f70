"""Does a part help? The fusion is learned with it and without, and the same users are asked; what adds nothing is off.

A paired bootstrap over users says how sure a gain is. `fusion.surely` keeps only what helps beyond chance; by default
a part stays if it helps on average. Among a thousand users chance is larger than what most parts add, and eight parts
that are each too small to be sure of are worth more together than the best of them.
A part is used, or not, for known items and for new ones apart: what follows what says nothing of an item that nobody
has met, and what an item is says little of one that many have.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine import listwise, rerank
from engine.cases import Case, odd
from engine.config import Config
from engine.evaluation import bootstrap
from engine.fusion import Fusion
from engine.gate import Gate
from engine.lists import Lists

KNOWN, NEW = 0, 1
ASKED = (("warm", "short"), ("cold",))
"""The lists that tell what a part is worth for known and for new items."""
SHARES = {"warm": 1.0, "short": 0.5, "mixed": 0.25, "cold": 1.0}
"""What the kinds of lists weigh in the fusion: most who are asked for have their history, and meet known items."""
Use = tuple[str, int]
"""A part, used for KNOWN or for NEW items."""


def compare(part: str, kind: str, full: NDArray[np.float64], less: NDArray[np.float64], config: Config) -> Gate:
    """The gain of having `part`: per-user quality with it against without it, the same users in the same order."""
    low, high = bootstrap.interval(full - less, config.evaluation.resamples, config.seed)
    return Gate(part, kind, float((full - less).mean()), low, high, kept=True)


def ndcg(
    sizes: NDArray[np.int64],
    scores: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    relevant: NDArray[np.int64],
    k: int,
) -> NDArray[np.float64]:
    """(users,) NDCG@k of flat candidate lists: `sizes` (users,) rows each, `scores` and `chosen` (rows,).

    `relevant` (users,) counts all answers, also those that are no candidate.
    """
    user = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-scores, user))
    place = np.arange(len(user)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    gain = np.where(place < k, chosen[order] / np.log2(place + 2), 0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))[np.minimum(relevant, k) - 1]
    return np.asarray(np.bincount(user, gain, minlength=len(sizes)) / ideal)


def gate_smooth(
    learn: Sequence[Case], judge: Sequence[Case], owners: Sequence[str], config: Config
) -> tuple[bool, list[Gate]]:
    """Whether to learn the fusion by a smooth NDCG too: it makes better heads of lists, or follows chance."""
    uses = {(part, side) for part in owners for side in (KNOWN, NEW)}
    soft = fuse(learn, uses, config)
    full, less = (judged(judge, model, config.evaluation.k) for model in (fuse(learn, uses, config, None, True), soft))
    gates = [compare("smooth-ndcg", kind, full[kind], less[kind], config) for kind in full]
    # The same weights learned in one of two ways cost the same: the better is taken, even if by little.
    keep = sum(float((full[kind] - less[kind]).sum()) for kind in full) > 0
    return keep, [replace(gate, kept=keep) for gate in gates]


def missed(gates: Sequence[Gate], surely: bool) -> bool:
    """Whether a part with these gains stays in the fusion."""
    return any(gate.low > 0 for gate in gates) if surely else mean_gain(gates) > 0


def mean_gain(gates: Sequence[Gate]) -> float:
    """Over the kinds of lists, each by its share."""
    return sum(SHARES[gate.kind] * gate.gain for gate in gates) / sum(SHARES[gate.kind] for gate in gates)


def helps(gates: Sequence[Gate]) -> bool:
    """Whether something is gained on some lists, and nothing lost on any, beyond chance."""
    return any(gate.low > 0 for gate in gates) and not any(gate.high < 0 for gate in gates)


def gate_parts(
    learn: Sequence[Case],
    judge: Sequence[Case],
    owners: Sequence[str],
    config: Config,
    content: bool,
    smooth: bool = False,
) -> tuple[set[Use], list[Gate]]:
    """What each part is used for, and the evidence; no part says anything of new items without `content`."""
    uses, gates = set[Use](), list[Gate]()
    for side, kinds in enumerate(ASKED):
        asked = [one for one in judge if one.kind in kinds]
        taught = [one for one in learn if one.kind in kinds]
        kept, found = list(owners) if side == KNOWN or content else [], list[Gate]()
        if asked and taught:
            kept, found = eliminate(taught, asked, owners, side, config, smooth)
        uses |= {(part, side) for part in kept}
        gates += found
    return uses, gates


def eliminate(
    learn: Sequence[Case], judge: Sequence[Case], owners: Sequence[str], side: int, config: Config, smooth: bool
) -> tuple[list[str], list[Gate]]:
    """Take away, one at a time, the part that is missed least, until every part left is missed by somebody.

    Weights are learned from one half of the lists and judged on the other, both ways, so that each user speaks twice.
    Popularity always stays for known items: it is the answer to somebody without a history, whom no list stands for.
    """
    ways = ((learn, judge), (judge, learn))

    def model(kept: Sequence[str], start: Sequence[Fusion | None]) -> list[Fusion]:
        uses = {(part, side) for part in kept}
        return [fuse(taught, uses, config, one, smooth) for (taught, _), one in zip(ways, start, strict=True)]

    def quality(models: Sequence[Fusion]) -> list[dict[str, NDArray[np.float64]]]:
        return [judged(asked, one, config.evaluation.k) for (_, asked), one in zip(ways, models, strict=True)]

    silent = [part for part in owners if mute(judge, part, side) and (part, side) != ("popularity", KNOWN)]
    kept = [part for part in owners if part not in silent]
    gates = [Gate(part, one.kind, 0, 0, 0, kept=False) for part in silent for one in judge]
    whole = model(kept, [None, None])
    while True:
        full, trials = quality(whole), dict[str, list[Gate]]()
        for part in kept if len(kept) > 1 else []:
            less = quality(model([other for other in kept if other != part], whole))
            trials[part] = [
                compare(part, kind, by_user(ways, full, kind), by_user(ways, less, kind), config) for kind in full[0]
            ]
        useless = {
            part: mean_gain(found)
            for part, found in trials.items()
            if (part, side) != ("popularity", KNOWN) and not missed(found, config.fusion.surely)
        }
        if not useless or not config.fusion.gate:
            return kept, [gate for found in trials.values() for gate in found] + gates
        worst = min(useless, key=lambda part: useless[part])
        gates = [replace(gate, kept=False) for gate in trials[worst]] + gates
        kept.remove(worst)
        whole = model(kept, whole)


def by_user(
    ways: Sequence[tuple[Sequence[Case], Sequence[Case]]],
    quality: Sequence[dict[str, NDArray[np.float64]]],
    kind: str,
) -> NDArray[np.float64]:
    """(users,) mean quality on the lists of a kind of each user who has any, in order of user."""
    users = np.concatenate([one.users for _, asked in ways for one in asked if one.kind == kind])
    values = np.concatenate([found[kind] for found in quality if kind in found])
    _, at = np.unique(users, return_inverse=True)
    return np.asarray(np.bincount(at, values) / np.bincount(at))


def mute(judge: Sequence[Case], part: str, side: int) -> bool:
    """Whether a part says the same of all the items on one side, and so nothing."""
    for one in judge:
        there = one.lists.known if side == KNOWN else ~one.lists.known
        for at in (at for at, name in enumerate(one.names) if part_of(name) == part):
            signal = one.lists.signals[..., at]
            if (np.where(there, signal, -np.inf).max(axis=1) > np.where(there, signal, np.inf).min(axis=1)).any():
                return False
    return True


def gate_reranker(
    learn: Sequence[Case], judge: Sequence[Case], uses: Collection[Use], config: Config, smooth: bool = False
) -> tuple[int, dict[str, list[float]], list[Gate]]:
    """How many rounds to boost the reranker for, 0 where lists are as good without it; its curves; the evidence.

    It learns from one half of the cases. Every other user of the other half says when to stop, and those between them
    whether it helps, then the other way round: whoever chose the round would be too pleased with it.
    """
    taught, asked = of_known(learn), of_known(judge)
    if not config.fusion.rerank or not taught or not asked:
        return 0, {}, []
    model = fuse(learn, uses, config, None, smooth)
    rows_of = dict(zip((one.kind for one in judge), tables(judge, model, config), strict=True))
    halves = [[rerank.of_lists(rows_of[one.kind], odd(one.users) == which) for one in asked] for which in (0, 1)]
    if not all(sum(len(rows.chosen) for rows in half) for half in halves):
        return 0, {}, []  # a single user
    rows = tables(taught, model, config)
    rerankers, curves = zip(*(rerank.fit(rows, half, config.fusion, config.seed) for half in halves), strict=True)
    gates = []
    for one in judge:
        found, k = rows_of[one.kind], config.evaluation.k
        even, other = (reranker.correct(found.features) for reranker in rerankers)
        corrected = config.fusion.share * found.fused + np.where(np.repeat(odd(one.users), found.sizes), even, other)
        relevant = one.lists.chosen.sum(1)
        plain, better = (ndcg(found.sizes, scores, found.chosen, relevant, k) for scores in (found.fused, corrected))
        gates.append(compare("reranker", one.kind, better, plain, config))
    keep = not config.fusion.gate or (helps(gates) and mean_gain(gates) > 0)
    rounds = sum(reranker.rounds for reranker in rerankers) // len(rerankers)
    return rounds if keep else 0, curves[0], [replace(gate, kept=keep) for gate in gates]


def fuse(
    made: Sequence[Case],
    uses: Collection[Use],
    config: Config,
    start: Fusion | None = None,
    smooth: bool = False,
) -> Fusion:
    """The fusion learned from these cases, over the signals of the parts that are used; quicker with a `start`."""
    used = {part for part, _ in uses}
    names = tuple(name for name in made[0].names if part_of(name) in used)
    columns = [made[0].names.index(name) for name in names]
    on = np.array([[(part_of(name), side) in uses for name in names] for side in (KNOWN, NEW)])
    samples, shares = [one.sample.only(columns) for one in made], [SHARES[one.kind] for one in made]
    steps = listwise.STEPS if start is None else listwise.MORE_STEPS
    return listwise.fit(samples, names, on, config.fusion.l2, start, smooth, shares, steps=steps)


def pooled(case: Case, model: Fusion, depth: int) -> Case:
    """The case with a sample of the best candidates by this fusion; as it is where no answer is among them."""
    lists = case.lists
    best = listwise.pool(lists, model.score(lists.signals, lists.trust, lists.known), depth)
    return replace(case, sample=best) if len(best.trust) else case


def part_of(signal: str) -> str:
    """The part that a signal belongs to: `ease` of `ease.10`."""
    return signal.split(".")[0]


def judged(made: Sequence[Case], model: Fusion, k: int) -> dict[str, NDArray[np.float64]]:
    """(users,) NDCG@k of the fused ranking for each kind of list."""
    quality = {}
    for one in made:
        lists = one.lists
        scores = model.over(one.names).score(lists.signals, lists.trust, lists.known)
        best = rerank.best(scores, lists.allowed, k)
        at = (best.user, best.item)
        quality[one.kind] = ndcg(best.sizes, scores[at], lists.chosen[at], lists.chosen.sum(1), k)
    return quality


def of_known(made: Sequence[Case]) -> list[Case]:
    """Those whose lists are of known items: the reranker learns from no others."""
    return [one for one in made if one.kind in ASKED[KNOWN]]


def tables(made: Sequence[Case], model: Fusion, config: Config) -> list[rerank.Table]:
    """The reranker's rows of each case, with the signals of the fusion only."""
    return [rerank.table(narrowed(one, model), model, config.fusion.depth) for one in made]


def narrowed(case: Case, model: Fusion) -> Lists:
    """The lists of a case with the signals of the fusion only."""
    return case.lists.only([case.names.index(name) for name in model.names])
