"""A full report with figures as they come, for the tests of the page."""

from engine.evaluation.reliability import Reliability
from engine.evaluation.report import Fit, Gate, Metric, Ranker, Report, Segment, Slice


def metric(mean, half=0.012):
    return Metric(mean=mean, low=mean - half, high=mean + half)


def ranker(name, recall, ndcg, group=""):
    return Ranker(
        name=name,
        group=group,
        metrics={
            "recall@20": metric(recall),
            "ndcg@20": metric(ndcg),
            "hit@20": metric(min(1, recall * 2.6), 0.03),
            "mrr@20": metric(ndcg * 1.4, 0.02),
            "map@20": metric(ndcg * 0.5, 0.008),
            "auc": metric(0.93, 0.003),
            "coverage": Metric(mean=0.413),
            "novelty": Metric(mean=2.871),
        },
    )


def slices(*rows):
    return [
        Slice(label=label, users=users, mean=mean, low=mean - half, high=mean + half)
        for label, users, mean, half in rows
    ]


ZERO = "the interval includes zero"

FULL = Report(
    title="movielens-100k",
    subtitle="Time split, last tenth of each user's events, seed 0. 943 users, 1,682 films, every film ranked.",
    metric="recall@20",
    gate_metric="ndcg@20",
    data={"users": 943, "items": 1682, "interactions": 100_000, "entities": 5_912, "facts": 24_817},
    rejects={"unknown item": 3, "rating is not a number": 1},
    rankers=[
        ranker("Weft", 0.2931, 0.2377, "Known items"),
        ranker("EASE, recency and transitions", 0.2768, 0.2238, "Known items"),
        ranker("EASE", 0.2077, 0.1591, "Known items"),
        ranker("popularity", 0.0961, 0.0836, "Known items"),
        ranker("Weft", 0.3291, 0.3764, "New items"),
        ranker("random", 0.061, 0.073, "New items"),
    ],
    gates=[
        Gate(part="transitions", kind="warm", gain=0.0486, low=0.039, high=0.058, kept=True, why="helps"),
        Gate(part="ease", kind="warm", gain=0.0312, low=0.022, high=0.041, kept=True, why="helps"),
        Gate(part="graph facts", kind="cold", gain=0.1114, low=0.094, high=0.129, kept=True, why="helps"),
        Gate(part="text", kind="cold", gain=0.0171, low=0.009, high=0.026, kept=True, why="helps"),
        Gate(part="pictures", kind="cold", gain=0.0042, low=-0.001, high=0.009, kept=False, why=ZERO),
        Gate(part="gnn", kind="warm", gain=-0.0009, low=-0.004, high=0.002, kept=False, why=ZERO),
    ],
    by_history=slices(
        ("10–19", 104, 0.38, 0.06), ("20–49", 279, 0.335, 0.035), ("50–99", 205, 0.289, 0.03),
        ("100–199", 191, 0.25, 0.025), ("200+", 164, 0.2, 0.02)
    ),
    by_popularity=slices(*((str(n + 1), 30 + 80 * n, 0.02 + 0.035 * n, 0.03 / (1 + n / 3)) for n in range(10))),
    rival="EASE, recency and transitions",
    segments=[
        Segment(
            by=by, label=label, users=users, metric="ndcg@20", mean=0.24 + gain, rival=0.24, gain=gain,
            low=gain - 0.008, high=gain + 0.008, harmed=gain < -0.008,
        )
        for by, label, users, gain in (
            ("events in the history", "10–19", 104, 0.021), ("events in the history", "200+", 164, -0.0123),
            ("language of the text", "zh", 88, 0.003),
        )
    ],
    fits=[
        Fit(part="train", users=943, metrics={"recall@20": 0.61, "ndcg@20": 0.55, "ROC-AUC": 0.97}),
        Fit(part="validation", users=943, metrics={"recall@20": 0.31, "ndcg@20": 0.27, "ROC-AUC": None}),
        Fit(part="test", users=943, metrics={"recall@20": 0.2931, "ndcg@20": 0.2377, "ROC-AUC": 0.9312}),
    ],
    reliability=Reliability(
        shown=18_860, ece=0.0187, brier=0.1011, brier_of_mean=0.1068, expected=[0.01, 0.1, 0.4],
        observed=[0.02, 0.1, 0.43],
    ),
    contributions={
        "transitions": 0.411, "ease": 0.327, "facts": 0.122, "popularity": 0.081, "text": 0.043, "image": 0.016,
    },
    curves={
        "graph network, loss": [1.2 / (1 + n / 8) + 0.2 for n in range(60)],
        "reranker, ndcg@20 on validation": [0.21 + 0.03 * (1 - 0.97**n) for n in range(180)],
    },
    timings={"read the tables": 0.9, "encode pictures": 20.3, "learn the fusion": 48.7, "whole build": 112.4},
    environment={"weft": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "torch": "2.15.0", "processor": "2 cores"},
)  # fmt: skip
