"""The engine: build it from tables, ask it, teach it new items and events, save it, load it."""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

import graph
from engine import artifact, catalogue, config, describe, history, where
from engine.candidates import Features, restore
from engine.candidates.base import Tensors, dense
from engine.candidates.content import CSR, csr_from, csr_parts
from engine.catalogue import Catalogue
from engine.config import Config
from engine.describe import Vocabulary
from engine.errors import DataError, UnknownIdError
from engine.fusion import Fusion, trust
from engine.gating import Gate
from engine.history import Histories
from engine.ranker import Ranker
from engine.readers import TableLike
from engine.rerank import Reranker
from engine.training import train
from graph.build import GraphTables
from graph.facts import Facts, facts
from graph.paths import Path as GraphPath
from graph.paths import paths

if TYPE_CHECKING:
    from engine.evaluation.report import Report

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recommendation:
    """One item of a list, its score, and what each part added to it; the contributions sum to the score."""

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """Why an item is where it is for a user."""

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]
    paths: list[GraphPath]
    """What the graph says it shares with the history, the most telling first."""
    neighbours: list[tuple[str, float]]
    """Items of the history that speak for it, with their share of the generators' credit."""


@dataclass
class Engine:
    """Recommendations from words, pictures, relations and history. Make one with `build` or `load`."""

    config: Config
    catalogue: Catalogue
    ranker: Ranker
    vocabulary: Vocabulary
    graph: GraphTables
    gates: list[Gate] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    encoded: dict[str, int] = field(default_factory=dict)
    """Contents encoded in this build and contents reused from the store."""

    @classmethod
    def build(
        cls,
        source: Config | Path | str | Catalogue,
        settings: Config | None = None,
        stage: Callable[[str], None] = log.info,
        progress: describe.Progress | None = None,
    ) -> Self:
        """Build from a configuration, the path of one, or a catalogue of tables in memory with its `settings`.

        Raises ConfigError or DataError, saying what to mend.
        """
        clock = _Clock(stage)
        if isinstance(source, (str, Path)):
            source = config.load(Path(source))
        settings = settings or (source if isinstance(source, Config) else Config())
        clock("tables")
        tables = catalogue.read(source) if isinstance(source, Config) else source
        if not tables.interactions.height:
            raise DataError("no interactions to learn from: name their table in data.interactions")
        clock("graph facts, words, text and picture vectors")
        described = describe.describe(tables, settings, progress=progress)
        rejects = [
            {"file": "images", "line": row, "field": "image", "reason": reason, "value": tables.items["image"][row]}
            for row, reason in described.image.rejects
        ]
        if rejects:
            tables = replace(tables, rejects=pl.concat([tables.rejects, pl.DataFrame(rejects, tables.rejects.schema)]))
        index = {item: row for row, item in enumerate(tables.items["item_id"])}
        users = tables.interactions["user_id"].unique(maintain_order=True).to_list()
        histories = history.from_frame(tables.interactions, users, index)
        trained = train(histories, described.features, settings, clock)
        clock("")
        known = np.bincount(histories.items, minlength=len(index)) > 0
        ranker = Ranker(trained.generators, trained.fusion, trained.reranker, described.features, known)
        encoded = {
            f"{kind} {what}": getattr(getattr(described, kind), what)
            for kind in ("text", "image")
            for what in ("encoded", "reused")
        }
        return cls(
            settings, tables, ranker, described.vocabulary, described.graph, trained.gates, trained.curves,
            clock.seconds, encoded,
        )  # fmt: skip

    # Asking

    @cached_property
    def _index(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.catalogue.items["item_id"])}

    @cached_property
    def _users(self) -> dict[str, int]:
        known = self.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()
        return {user: row for row, user in enumerate(known)}

    @cached_property
    def _histories(self) -> Histories:
        return history.from_frame(self.catalogue.interactions, list(self._users), self._index)

    @cached_property
    def _facts(self) -> Facts:
        return facts(self.graph, self.catalogue.items["item_id"].to_list(), self.vocabulary.entities)

    @cached_property
    def _titles(self) -> list[str]:
        return self.catalogue.items["title"].to_list()

    @cached_property
    def _ids(self) -> list[str]:
        return self.catalogue.items["item_id"].to_list()

    def recommend(
        self,
        user: str | None = None,
        history: Sequence[str] | None = None,
        n: int = 10,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
    ) -> list[Recommendation]:
        """The best `n` items for a user, or for a bare history of item ids, oldest first.

        Items of the history are left out. A user without history gets what is popular. Raises UnknownIdError for an
        item that is not in the catalogue, DataError for a `where` on a column that is not there.
        """
        return self._lists(self._history(user, history), n, exclude, where)[0]

    def recommend_batch(
        self, users: Sequence[str], n: int = 10, exclude: Iterable[str] = (), where: Mapping[str, Any] | None = None
    ) -> list[list[Recommendation]]:
        """The same for many users: one list each, in the order given."""
        rows = np.array([self._users.get(user, -1) for user in users], np.int64)
        if not len(rows):
            return []
        return self._lists(_take(self._histories, rows), n, exclude, where)

    def _history(self, user: str | None, items: Sequence[str] | None) -> Histories:
        if (user is None) == (items is None):
            raise DataError("name either a user or a history")
        if items is not None:
            return history.single(self._rows(items), len(self._ids))
        return _take(self._histories, np.array([self._users.get(user or "", -1)]))

    def _rows(self, items: Iterable[str]) -> list[int]:
        rows = []
        for item in items:
            if item not in self._index:
                raise UnknownIdError(f"item {item!r} is not in the catalogue")
            rows.append(self._index[item])
        return rows

    def _lists(
        self, histories: Histories, n: int, exclude: Iterable[str], conditions: Mapping[str, Any] | None
    ) -> list[list[Recommendation]]:
        if n < 1:
            raise DataError(f"n must be at least 1, not {n}")
        allowed = np.ones(len(self._ids), bool) if not conditions else where.mask(self.catalogue.items, conditions)
        allowed = allowed.copy()
        allowed[self._rows(exclude)] = False
        lists: list[list[Recommendation]] = []
        for batch in self.ranker.batches(histories):
            some = histories.take(batch)
            open_to = np.broadcast_to(allowed, (len(some), len(allowed))).copy()
            open_to[some.rows, some.items] = False
            ranked = self.ranker.rank(some, open_to, n)
            at = 0
            for size in ranked.candidates.sizes:
                rows = range(at, at + size)
                lists.append(
                    [self._one(int(ranked.candidates.item[r]), ranked.scores[r], ranked.parts[r]) for r in rows]
                )
                at += size
        return lists

    def _one(self, item: int, score: np.float32, parts: NDArray[np.float32]) -> Recommendation:
        contributions = dict(zip(self.ranker.parts, parts.tolist(), strict=True))
        return Recommendation(self._ids[item], self._titles[item], float(score), contributions)

    def similar(self, item: str, n: int = 10) -> list[tuple[str, float]]:
        """The items most like one, by the mean cosine of their facts, words, texts and pictures."""
        row = self._rows([item])[0]
        features = self.ranker.features
        total = np.zeros(len(self._ids), np.float32)
        for matrix in (features.facts, features.words, features.text, features.image):
            total += dense(matrix @ matrix[[row]].T).ravel() / 4
        total[row] = -np.inf
        best = np.argsort(-total, kind="stable")[: min(n, len(total) - 1)]
        return [(self._ids[i], float(total[i])) for i in best]

    def explain(self, user: str | None, item: str, history: Sequence[str] | None = None) -> Explanation:
        """Exact contributions to the score of an item, the history behind them, and paths through the graph."""
        past = self._history(user, history)
        row = self._rows([item])[0]
        allowed = np.zeros((1, len(self._ids)), bool)
        allowed[0, row] = True
        ranked = self.ranker.rank(past, allowed, 1)
        one = self._one(row, ranked.scores[0], ranked.parts[0])
        liked = list(dict.fromkeys(past.items[::-1].tolist()))[:50]
        return Explanation(
            one.item_id,
            one.title,
            one.score,
            one.contributions,
            paths(self._facts, liked, row, 5),
            self._credit(past, row),
        )

    def _credit(self, past: Histories, item: int, n: int = 5) -> list[tuple[str, float]]:
        """Items of the history by their share of what the generators' signals owe to the history."""
        if not len(past.items):
            return []
        new = int(not self.ranker.known[item])
        gates = self.ranker.fusion.gates(trust(past))[new, 0]
        total, at = np.zeros(len(past.items)), 0
        for generator in self.ranker.generators:
            credit = generator.credit(past, item)
            scale = np.abs(credit).sum(axis=1, keepdims=True)
            total += (
                gates[at : at + len(credit), None]
                * np.divide(credit, scale, where=scale > 0, out=np.zeros_like(credit))
            ).sum(0)
            at += len(credit)
        share = total / max(np.abs(total).sum(), 1e-12)
        order = np.argsort(-share, kind="stable")[:n]
        return [(self._ids[past.items[i]], float(share[i])) for i in order if share[i] > 0]

    def evaluate(self, stage: Callable[[str], None] = log.info) -> "Report":
        """Train anew on the past of these tables and rank their future beside the rivals; see config `[evaluation]`.

        The report goes to disk by `engine.evaluation.report.write(report, folder)`.
        """
        from engine.assess import assess  # it draws, and matplotlib is slow to import

        return assess(self.catalogue, self.ranker.features, self.config, stage, self.timings)

    # Learning what is new

    def add_items(self, rows: TableLike) -> list[str]:
        """Add items by their text, picture and attributes; they can be recommended at once, nothing is retrained.

        Returns the ids added. Bad rows are left out and logged; an id that is there already is a bad row.
        """
        items, rejects = catalogue.read_items(rows, self.config)
        items = items.filter(~pl.col("item_id").is_in(self._ids))
        if rejects.height:
            log.warning(
                "add_items: %d rows or cells rejected: %s", rejects.height, rejects["reason"].unique().to_list()
            )
        if not items.height:
            return []
        whole = pl.concat([self.catalogue.items, items], how="diagonal_relaxed").select(self.catalogue.items.columns)
        tables = replace(self.catalogue, items=whole)
        described = describe.describe(
            replace(self.catalogue, items=whole.tail(items.height)), self.config, self.vocabulary
        )
        fresh = described.features
        grown = replace(
            self.ranker,
            generators=[generator.grow(fresh) for generator in self.ranker.generators],
            features=self.ranker.features.stack(fresh),
            known=np.pad(self.ranker.known, (0, items.height)),
        )
        self._become(replace(tables), grown, describe.graph_of(tables, self.config.data))
        return items["item_id"].to_list()

    def add_events(self, rows: TableLike) -> int:
        """Append interactions, seen by the next recommendation; returns how many. Bad rows are logged."""
        events, rejects = catalogue.read_events(rows, self.config, self.catalogue.items["item_id"])
        if rejects.height:
            log.warning("add_events: %d rejected: %s", rejects.height, rejects["reason"].unique().to_list())
        whole = pl.concat([self.catalogue.interactions, events])
        self._become(replace(self.catalogue, interactions=whole), self.ranker, self.graph)
        return events.height

    def _become(self, tables: Catalogue, ranker: Ranker, knowledge: GraphTables) -> None:
        self.catalogue, self.ranker, self.graph = tables, ranker, knowledge
        for name in ("_index", "_users", "_histories", "_facts", "_titles", "_ids"):
            self.__dict__.pop(name, None)

    # Keeping

    def save(self, path: Path | str) -> None:
        """Write the artefact: one directory, replaced in one step."""
        ranker, features = self.ranker, self.ranker.features
        sparse_parts = {
            f"{part}.{key}": array
            for part in ("facts", "words")
            for key, array in csr_parts(getattr(features, part)).items()
        }
        dense_parts = {"text": features.text, "image": features.image, "known": ranker.known}
        fused = {"weight": ranker.fusion.weight, "slope": ranker.fusion.slope, "offset": ranker.fusion.offset}
        idf = {"facts": self.vocabulary.facts_idf, "words": self.vocabulary.words_idf}
        tensors: dict[str, Tensors] = {f"generator.{g.name}": dict(g.tensors()) for g in ranker.generators}
        tensors |= {"features": {**sparse_parts, **dense_parts}, "fusion": fused, "idf": idf}
        tables = {
            name: getattr(self.catalogue, name) for name in ("items", "interactions", "triples", "users", "rejects")
        }
        tables |= {
            "entities": self.vocabulary.entities,
            "words": pl.DataFrame({"word": self.vocabulary.words}, schema={"word": pl.String}),
            "graph_nodes": self.graph.nodes,
            "graph_edges": self.graph.edges,
        }
        noted = {
            "config": json.loads(self.config.model_dump_json()),
            "data": catalogue.fingerprint(self.catalogue),
            "generators": [generator.name for generator in ranker.generators],
            "signals": list(ranker.fusion.names),
            "gates": [vars(gate) for gate in self.gates],
            "curves": self.curves,
            "timings": self.timings,
            "encoded": self.encoded,
        }
        with tempfile.TemporaryDirectory() as aside:
            trees = {}
            if self.config.graph.store == "ladybug":
                with graph.open(Path(aside) / "graph") as store:
                    store.load(self.graph)
                trees["graph"] = Path(aside) / "graph"
            if ranker.reranker is not None:
                trees["reranker.txt"] = Path(aside) / "reranker.txt"
                trees["reranker.txt"].write_text(
                    ranker.reranker.booster.model_to_string(num_iteration=ranker.reranker.rounds)
                )
                noted["reranker"] = {name: getattr(ranker.reranker, name) for name in ("share", "depth", "rounds")}
            artifact.write(Path(path), tensors=tensors, tables=tables, facts=noted, trees=trees)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Open an artefact. Raises ArtifactError when a file, hash, version or dimension is not what was written."""
        kept = artifact.read(Path(path))
        settings = Config.model_validate(kept.facts["config"])
        groups = {name: kept.tensors(f"generator.{name}") for name in kept.facts["generators"]}
        raw = kept.tensors("features")
        csr = {p: csr_from({k: raw[f"{p}.{k}"] for k in CSR}) for p in ("facts", "words")}
        features = Features(csr["facts"], csr["words"], raw["text"], raw["image"])
        fused = kept.tensors("fusion")
        fusion = Fusion(tuple(kept.facts["signals"]), fused["weight"], fused["slope"], fused["offset"])
        reranker = None
        if "reranker" in kept.facts:
            booster = lightgbm.Booster(model_str=kept.tree("reranker.txt").read_text())
            reranker = Reranker(booster, **kept.facts["reranker"])
        idf = kept.tensors("idf")
        words = tuple(kept.table("words")["word"].to_list())
        tables = {name: kept.table(name) for name in ("items", "interactions", "triples", "users", "rejects")}
        return cls(
            settings,
            Catalogue(**tables),
            Ranker(restore(groups), fusion, reranker, features, np.asarray(raw["known"], bool)),
            Vocabulary(kept.table("entities"), idf["facts"], words, idf["words"]),
            GraphTables(kept.table("graph_nodes"), kept.table("graph_edges")),
            [Gate(**gate) for gate in kept.facts["gates"]],
            kept.facts["curves"],
            kept.facts["timings"],
            kept.facts["encoded"],
        )


def _take(histories: Histories, rows: NDArray[np.int64]) -> Histories:
    """The histories of these rows; an empty one for -1."""
    taken = histories.take(np.maximum(rows, 0)) if len(histories) else None
    if taken is None:
        empty = history.single([], histories.n_items)
        return replace(empty, indptr=np.zeros(len(rows) + 1, np.int64))
    return taken.select(np.repeat(rows >= 0, taken.lengths))


class _Clock:
    """Tells each stage as it starts and keeps its seconds."""

    def __init__(self, stage: Callable[[str], None]) -> None:
        self._stage, self._name, self._start = stage, "", time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = now - self._start
        self._name, self._start = name, now
        if name:
            self._stage(name)
