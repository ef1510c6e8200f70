"""Metrics against hand-worked values, the judge, ir-measures, slow references, and their own laws."""

import math
from collections import defaultdict
from types import SimpleNamespace

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import roc_auc_score

from engine.evaluation import bootstrap, metrics, runs, splits
from tests.engine.outside import MOVIELENS, judge, movielens


def cells(rows, n_items):
    matrix = np.zeros((len(rows), n_items), bool)
    for row, items in enumerate(rows):
        matrix[row, list(items)] = True
    return sparse.csr_array(matrix)


# --- values worked by hand


def test_list_metrics_by_hand():
    # Relevant 1, 3, 5 and 7; the list hits at places 1 and 3.
    got = metrics.list_metrics(np.array([[3, 0, 7, 2]]), cells([{1, 3, 5, 7}], 8), 4)
    half = 1 / math.log2(4)
    worked = {
        "recall@4": 2 / 4,
        "precision@4": 2 / 4,
        "hit@4": 1,
        "ndcg@4": (1 + half) / (1 + 1 / math.log2(3) + half + 1 / math.log2(5)),
        "mrr@4": 1,
        "map@4": (1 / 1 + 2 / 3) / 4,
    }
    assert got.keys() == worked.keys()
    for name, value in worked.items():
        assert got[name] == pytest.approx([value]), name


def test_first_hit_at_second_place_and_more_relevant_than_k():
    got = metrics.list_metrics(np.array([[4, 2]]), cells([{0, 1, 2}], 5), 2)
    assert got["recall@2"] == pytest.approx([1 / 3])
    assert got["mrr@2"] == pytest.approx([1 / 2])
    assert got["map@2"] == pytest.approx([(1 / 2) / 2])
    assert got["ndcg@2"] == pytest.approx([(1 / math.log2(3)) / (1 + 1 / math.log2(3))])


@pytest.mark.parametrize("ranked", [[[-1, -1, -1]], [[0, 1, -1]], np.zeros((1, 0), int)])
def test_no_hit_is_zero(ranked):
    got = metrics.list_metrics(np.array(ranked), cells([{2}], 3), 3)
    assert {float(value[0]) for value in got.values()} == {0.0}


def test_perfect_list_is_one_and_short_lists_count_missing_places_as_misses():
    relevant = cells([{0, 1}], 5)
    got = metrics.list_metrics(np.array([[1, 0, -1, -1]]), relevant, 4)
    assert {name: float(value[0]) for name, value in got.items()} == {
        "recall@4": 1, "precision@4": 0.5, "hit@4": 1, "ndcg@4": 1, "mrr@4": 1, "map@4": 1,
    }  # fmt: skip
    narrow = metrics.list_metrics(np.array([[1, 0]]), relevant, 4)
    assert all(narrow[name] == got[name] for name in got)


def test_only_the_first_k_places_count():
    got = metrics.list_metrics(np.array([[0, 1, 2]]), cells([{2}], 3), 2)
    assert got["hit@2"] == 0


def test_stored_false_cells_are_not_relevant():
    relevant = sparse.csr_array((np.array([True, False]), (np.array([0, 0]), np.array([0, 1]))), shape=(1, 2))
    assert metrics.list_metrics(np.array([[1, 0]]), relevant, 1)["hit@1"] == 0
    assert relevant.nnz == 2, "the argument is left as it is"


@pytest.mark.parametrize(
    ("ranked", "relevant", "says"),
    [
        ([[0]], [set()], "row 0 has no relevant item"),
        ([[1, 1]], [{0}], "twice"),
        ([[3]], [{0}], "outside"),
        ([[-2]], [{0}], "outside"),
        ([[0], [1]], [{0}], "users differ"),
    ],
)
def test_refusals(ranked, relevant, says):
    with pytest.raises(ValueError, match=says):
        metrics.list_metrics(np.array(ranked), cells(relevant, 3), 1)


def test_auc_by_hand():
    scores = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 2.0, 3.0]])
    relevant = cells([{0, 2}, {1}, {1}], 4)
    # First user: of the 4 pairs 3 are right. Third: above 0, ties with 2, below 3.
    assert_allclose(metrics.auc(scores, relevant), [3 / 4, 1 / 2, 1.5 / 3])


def test_auc_leaves_out_what_is_not_shown():
    scores = np.array([[9.0, 5.0, 1.0, 0.0]])
    relevant = cells([{1}], 4)
    assert metrics.auc(scores, relevant, exclude=cells([{0}], 4)) == pytest.approx([1])
    assert metrics.auc(scores, relevant, candidates=np.array([True, True, False, False])) == pytest.approx([0])
    nothing_else = metrics.auc(scores, relevant, candidates=np.array([False, True, False, False]))
    not_shown = metrics.auc(scores, relevant, exclude=relevant)
    assert np.isnan([nothing_else[0], not_shown[0]]).all()


def test_coverage_and_novelty_by_hand():
    ranked = np.array([[0, 1], [1, -1]])
    assert metrics.coverage(ranked, 4) == 2 / 4
    # Of 7 users 3 know item 0 and none item 1: shares 4/8 and 1/8, so 1 bit and twice 3 bits.
    assert metrics.novelty(ranked, np.array([3, 0, 7, 7]), 7) == pytest.approx((1 + 3 + 3) / 3)
    assert math.isnan(metrics.novelty(np.full((2, 2), -1), np.zeros(4, int), 7))


# --- ranking


def test_rank_hides_seen_items_and_pads():
    scores = np.array([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]], np.float32)
    seen = sparse.csr_array((np.zeros(4, np.float32), ([0, 1, 1, 1], [1, 0, 1, 2])), shape=(2, 4))  # faded to zero
    ranked, values = metrics.rank(scores, 3, exclude=seen, candidates=np.array([True, True, True, False]))
    assert_array_equal(ranked, [[2, 0, -1], [-1, -1, -1]])
    assert_array_equal(values, np.array([[0.5, 0.1, -np.inf], [-np.inf] * 3], np.float32))
    assert values.dtype == np.float32
    assert scores[0, 1] == np.float32(0.9), "the scores are left as they are"


def test_rank_asked_for_more_than_there_is():
    ranked, _ = metrics.rank(np.array([[1.0, 2.0]]), 4)
    assert_array_equal(ranked, [[1, 0, -1, -1]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rank_and_auc_refuse_scores_that_are_not_finite(bad):
    scores = np.array([[0.0, bad]])
    with pytest.raises(ValueError, match="of item 1: scores must be finite"):
        metrics.rank(scores, 1)
    with pytest.raises(ValueError, match="finite"):
        metrics.auc(scores, cells([{0}], 2))


tables = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(0, 2**32 - 1), st.integers(1, 4))


def draw(users, items, seed, levels):
    """Scores with many ties, what is seen, and candidates."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (users, items)).astype(np.float32)
    return rng, scores, sparse.csr_array(rng.random((users, items)) < 0.3), rng.random(items) < 0.8


@given(tables, st.integers(1, 15))
def test_rank_equals_a_full_sort(table, k):
    _, scores, seen, candidates = draw(*table)
    ranked, values = metrics.rank(scores, k, seen, candidates)
    hidden = seen.toarray() | ~candidates
    for row in range(len(scores)):
        best = sorted(np.flatnonzero(~hidden[row]), key=lambda item: (-scores[row, item], item))[:k]
        assert ranked[row].tolist() == best + [-1] * (k - len(best))
        assert values[row, : len(best)].tolist() == scores[row, best].tolist()


def test_blocks_change_nothing(monkeypatch):
    rng, scores, seen, candidates = draw(50, 40, 1, 5)
    relevant = sparse.csr_array(rng.random(scores.shape) < 0.2)
    whole = (*metrics.rank(scores, 10, seen, candidates), metrics.auc(scores, relevant, seen, candidates))
    values = rng.random(30)
    means = bootstrap.resampled_means(values, 100, 3)
    monkeypatch.setattr(metrics, "_BLOCK", 100)
    monkeypatch.setattr(bootstrap, "_BLOCK", 100)
    cut = (*metrics.rank(scores, 10, seen, candidates), metrics.auc(scores, relevant, seen, candidates))
    for one, other in zip(whole, cut, strict=True):
        assert_array_equal(one, other)
    assert_array_equal(bootstrap.resampled_means(values, 100, 3), means)


@given(tables)
def test_auc_equals_sklearn(table):
    rng, scores, seen, candidates = draw(*table)
    relevant = rng.random(scores.shape) < 0.4
    areas = metrics.auc(scores, sparse.csr_array(relevant), seen, candidates)
    for row, area in enumerate(areas):
        shown = ~seen.toarray()[row] & candidates
        if len(set(relevant[row, shown])) == 2:
            assert area == pytest.approx(roc_auc_score(relevant[row, shown], scores[row, shown]))
        else:
            assert math.isnan(area)


# --- laws


@st.composite
def lists(draw_from):
    """Ranked lists with holes at their end and what is relevant, at least one item a user."""
    users, items, k = draw_from(st.integers(1, 5)), draw_from(st.integers(2, 10)), draw_from(st.integers(1, 12))
    rng = np.random.default_rng(draw_from(st.integers(0, 2**32 - 1)))
    width = min(k, items)
    ranked = np.argsort(rng.random((users, items)), axis=1)[:, :width]
    ranked[np.arange(width) >= rng.integers(0, width + 1, users)[:, None]] = -1
    relevant = rng.random((users, items)) < 0.4
    relevant[np.arange(users), rng.integers(0, items, users)] = True
    return ranked, sparse.csr_array(relevant), k


@given(lists())
def test_bounds_and_how_metrics_relate(case):
    ranked, relevant, k = case
    got = metrics.list_metrics(ranked, relevant, k)
    for value in got.values():
        assert (value >= 0).all() and (value <= 1 + 1e-12).all()
    hit = got[f"hit@{k}"]
    for name in ("recall", "precision", "ndcg", "mrr", "map"):
        assert ((got[f"{name}@{k}"] > 0) == (hit > 0)).all()
    assert (got[f"mrr@{k}"] <= hit).all()
    assert_allclose(got[f"recall@{k}"] * np.diff(relevant.indptr), got[f"precision@{k}"] * k)


@given(lists(), st.randoms(use_true_random=False))
def test_users_do_not_depend_on_each_other(case, random):
    ranked, relevant, k = case
    order = list(range(len(ranked)))
    random.shuffle(order)
    got = metrics.list_metrics(ranked, relevant, k)
    shuffled = metrics.list_metrics(ranked[order], relevant[order], k)
    for name, value in got.items():
        assert_array_equal(shuffled[name], value[order])


@given(lists())
def test_item_numbers_are_only_names(case):
    ranked, relevant, k = case
    mirror = relevant.shape[1] - 1 - ranked
    mirror[ranked < 0] = -1
    flipped = metrics.list_metrics(mirror, relevant[:, ::-1].tocsr(), k)
    for name, value in metrics.list_metrics(ranked, relevant, k).items():
        assert_array_equal(flipped[name], value)


@given(lists())
def test_no_metric_falls_when_a_hit_moves_up(case):
    ranked, relevant, k = case
    hits = metrics.hit_table(ranked, relevant)
    before = metrics.list_metrics(ranked, relevant, k)
    for row, place in np.argwhere(hits[:, 1:] & ~hits[:, :-1]):
        better = ranked.copy()
        better[row, [place, place + 1]] = better[row, [place + 1, place]]
        after = metrics.list_metrics(better, relevant, k)
        for name, value in after.items():
            assert value[row] >= before[name][row] - 1e-12
        assert after[f"ndcg@{k}"][row] > before[f"ndcg@{k}"][row]
        assert after[f"map@{k}"][row] > before[f"map@{k}"][row]


@given(lists())
def test_recall_and_hit_grow_with_k(case):
    ranked, relevant, k = case
    longer, shorter = metrics.list_metrics(ranked, relevant, k + 1), metrics.list_metrics(ranked, relevant, k)
    for name in ("recall", "hit", "mrr"):
        assert (longer[f"{name}@{k + 1}"] >= shorter[f"{name}@{k}"]).all()


# --- other programs


def random_lists(seed, users=60, items=80, width=30):
    rng = np.random.default_rng(seed)
    ranked = np.argsort(rng.random((users, items)), axis=1)[:, :width]
    ranked[np.arange(width) >= rng.integers(0, width + 1, users)[:, None]] = -1
    relevant = rng.random((users, items)) < rng.choice([0.02, 0.2, 0.6], (users, 1))
    relevant[np.arange(users), rng.integers(0, items, users)] = True
    return ranked, sparse.csr_array(relevant)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_ir_measures(seed):
    ranked, relevant = random_lists(seed)
    k = 10
    qrels = {str(u): {str(i): 1 for i in relevant[[u]].indices} for u in range(len(ranked))}
    run = {str(u): {str(i): float(-p) for p, i in enumerate(row) if i >= 0} for u, row in enumerate(ranked)}
    asked = {
        ir_measures.R @ k: "recall", ir_measures.P @ k: "precision", ir_measures.Success @ k: "hit",
        ir_measures.nDCG @ k: "ndcg", ir_measures.RR @ k: "mrr", ir_measures.AP @ k: "map",
    }  # fmt: skip
    theirs = defaultdict(lambda: np.zeros(len(ranked)))
    for one in ir_measures.iter_calc(list(asked), qrels, run):
        theirs[asked[one.measure]][int(one.query_id)] = one.value
    counts = np.diff(relevant.indptr)
    theirs["map"] *= counts / np.minimum(counts, k)  # theirs divides by every relevant item
    for name, value in metrics.list_metrics(ranked, relevant, k).items():
        assert_allclose(value, theirs[name.split("@")[0]], atol=1e-6, err_msg=name)


def judged(ranked, relevant):
    """The judge's (users, 4) values of lists that are given as arrays."""
    asked = SimpleNamespace(test={user: set(relevant[[user]].indices.tolist()) for user in range(len(ranked))})
    return judge().per_user({user: row[row >= 0].tolist() for user, row in enumerate(ranked)}, asked)


def assert_judge_agrees(ours, theirs):
    for column, name in enumerate(("recall", "ndcg", "mrr", "hit")):
        assert_allclose(ours[f"{name}@20"], theirs[:, column], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_judge_on_random_lists(seed):
    ranked, relevant = random_lists(seed)
    assert_judge_agrees(metrics.list_metrics(ranked, relevant, 20), judged(ranked, relevant))


@given(st.integers(0, 2**32 - 1))
def test_intervals_equal_the_judges(seed):
    values = np.random.default_rng(seed).random(37)
    assert_allclose(bootstrap.interval(values), judge().interval(values), rtol=1e-12)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """The judge's warm split of real ratings, as a folder."""
    movielens()
    folder = tmp_path_factory.mktemp("warm")
    judge().make_split(MOVIELENS, "warm", folder)
    return folder


def matrix(pairs, users, items):
    rows, columns = (
        np.array([ids[name] for name in pairs[column]]) for ids, column in ((users, "user_id"), (items, "item_id"))
    )
    return sparse.csr_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(users), len(items)))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the judge leaves its files open
def test_popularity_on_real_ratings_as_the_judge_scores_it(warm, tmp_path):
    split = splits.read_folder(warm, movielens())
    names = sorted(split.test["user_id"].unique(), key=int)
    users = {name: row for row, name in enumerate(names)}
    items = {name: row for row, name in enumerate(split.candidates)}
    known = matrix(split.train, users, items) + matrix(split.valid, users, items)
    relevant = matrix(split.test, users, items)
    popularity = np.asarray(known.sum(axis=0), np.float32)
    ranked, scores = metrics.rank(np.tile(popularity, (len(users), 1)), 100, exclude=known)
    ours = metrics.list_metrics(ranked, relevant, 20)
    # The known figure of this ranker on this split, whatever the order of ties.
    assert ours["recall@20"].mean() == pytest.approx(0.0961, abs=5e-4)
    assert ours["ndcg@20"].mean() == pytest.approx(0.0836, abs=5e-4)
    runs.write(tmp_path / "popularity.tsv", names, split.candidates, ranked, scores)
    asked = judge().Split(warm)
    theirs = judge().per_user(judge().read_run(tmp_path / "popularity.tsv", asked), asked)
    assert_judge_agrees(ours, theirs)
    assert_allclose(bootstrap.interval(ours["ndcg@20"]), judge().interval(theirs)[:, 1], atol=1e-6)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_the_judges_own_run_scores_the_same_here(warm, tmp_path):
    asked = judge().Split(warm)
    judge().fit(asked, "ease", 200, tmp_path / "ease.tsv")
    theirs = judge().per_user(judge().read_run(tmp_path / "ease.tsv", asked), asked)
    split = splits.read(warm)
    users = {name: row for row, name in enumerate(sorted(split.test["user_id"].unique(), key=int))}
    items = {name: row for row, name in enumerate(split.candidates)}
    run = runs.read(tmp_path / "ease.tsv").to_dicts()
    ranked = np.array([items[line["item_id"]] for line in run]).reshape(len(users), 100)
    assert_judge_agrees(metrics.list_metrics(ranked, matrix(split.test, users, items), 20), theirs)


# --- bootstrap


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        low, high = bootstrap.interval(rng.exponential(size=80), 400, seed)
        covered += low <= 1 <= high
    assert 180 <= covered <= 198


def test_gain_is_paired():
    rng = np.random.default_rng(0)
    base = rng.random(100)
    gain = bootstrap.gain(base + 0.01, base)
    assert gain.mean == pytest.approx(0.01)
    assert gain.low == pytest.approx(0.01) and gain.high == pytest.approx(0.01)
    none = bootstrap.gain(base, base)
    assert (none.mean, none.low, none.high) == (0, 0, 0)


@pytest.mark.parametrize("values", [np.zeros(0), np.array([1.0, np.nan]), np.zeros((2, 2))])
def test_interval_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError, match="finite"):
        bootstrap.interval(values)


def test_gain_refuses_other_users():
    with pytest.raises(ValueError, match="users differ"):
        bootstrap.gain(np.zeros(3), np.zeros(4))
