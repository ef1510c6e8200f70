"""The engine: build it from tables, ask it, teach it new items and events, save it, load it."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from engine import config, describe, explain, growth, history, persist, transparent, where
from engine.candidates import interest
from engine.candidates.base import dense
from engine.clock import Clock
from engine.config import Config
from engine.describe import Vocabulary
from engine.errors import DataError
from engine.explain import Explanation
from engine.gating import Gate
from engine.history import Histories
from engine.lookup import Lookup
from engine.ranker import Ranker
from engine.rules import rulefile
from engine.rules.book import Book, bind
from engine.rules.lists import Placed, batched, explained
from engine.search.hybrid import DEPTH, Searcher, personalised
from engine.search.look import Picture, looks
from engine.search.vectors import QueryEncoders
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue
from engine.tables.readers import TableLike
from engine.tracking import open_tracker, record
from engine.training import train
from graph.build import GraphTables
from graph.facts import facts
from graph.paths import Pathfinder
from graph.rules import Rules

if TYPE_CHECKING:
    from engine.evaluation.report import Report
    from engine.search.answer import Answer
    from engine.search.facets import Facet
    from engine.search.helps import Helps
    from engine.search.intent import Intent, Language
    from engine.search.spelling import Correction
    from engine.search.suggest import Suggester, Suggestion
    from engine.trial import Trial

__all__ = ["Engine", "Explanation", "Mode", "Recommendation"]

log = logging.getLogger(__name__)

Mode = Literal["fused", "interest"]
"""What a list goes by: everything that was learned, or interest-weighted similarity alone."""


@dataclass(frozen=True)
class Recommendation:
    """One item of a list, its score, and what each part added to it; the contributions sum to the score.

    A rule that boosted or buried it is among them as `rule: NAME`; one that let others take its place adds 0.
    """

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]
    factors: dict[str, float] = field(default_factory=dict)
    """In mode `interest`: similarity and interest, whose product is the score."""
    probability: float | None = None
    """The chance that the user chooses the item among their next events (engine/calibration.py), in the order of the
    scores; rules change no chance. None where it was not learned: in other modes, in a search, from little history."""


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
    rules: Rules = field(default_factory=Rules)
    """Rules that lists are made by; `use_rules` replaces them."""

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
        clock = Clock(stage)
        if isinstance(source, (str, Path)):
            source = config.load(Path(source))
        settings = settings or (source if isinstance(source, Config) else Config())
        clock("tables")
        tables = catalogue.read(source) if isinstance(source, Config) else source
        if not tables.interactions.height:
            raise DataError("no interactions to learn from: name their table in data.interactions")
        catalogue.refuse_unfit(tables, settings.data)
        written = rulefile.read(settings.rules.file) if settings.rules.file else Rules()
        clock("graph facts, words, text and picture vectors")
        described = describe.describe(tables, settings, progress=progress)
        bind(written, tables, described.graph)  # what does not fit is told before the work
        tables = catalogue.reject_pictures(tables, described.image.rejects, settings.data)
        index = {item: row for row, item in enumerate(tables.items["item_id"])}
        users = tables.interactions["user_id"].unique(maintain_order=True).to_list()
        histories = history.from_frame(tables.interactions, users, index)
        facts = settings.model_dump(mode="json")
        with closing(open_tracker(settings.tracking, "build", facts)) as tracker:
            trained = train(histories, described.features, settings, clock)
            record.trained(tracker, trained, tables.items["title"].to_list())
        clock("")
        known = np.bincount(histories.items, minlength=len(index)) > 0
        ranker = Ranker(
            trained.generators,
            trained.fusion,
            trained.reranker,
            described.features,
            known,
            trained.calibration,
            settings.batch_mib,
        )
        encoded = {
            f"{kind} {what}": getattr(getattr(described, kind), what)
            for kind in ("text", "image")
            for what in ("encoded", "reused")
        }
        return cls(
            settings, tables, ranker, described.vocabulary, described.graph, trained.gates, trained.curves,
            clock.seconds, encoded, written,
        )  # fmt: skip

    # Asking

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.catalogue)

    @cached_property
    def _paths(self) -> Pathfinder:
        found = facts(self.graph, self._lookup.ids, self.vocabulary.entities)
        return Pathfinder(self.graph, found, self._lookup.ids)

    @cached_property
    def _queries(self) -> QueryEncoders:
        return QueryEncoders(self.config.encoders)

    @cached_property
    def _interest(self) -> interest.Interest:
        settings = self.config.candidates
        return interest.fit(self.ranker.features, settings.interest, settings.content)

    @cached_property
    def _searcher(self) -> Searcher:
        return Searcher(self.catalogue.items, self.graph, self.ranker.features, self._queries)

    @cached_property
    def _helps(self) -> "Helps":
        from engine.search.helps import Helps  # dictionaries of Chinese, for those who type

        return Helps(self._searcher, self.config.data)

    @cached_property
    def _suggester(self) -> "Suggester":
        from engine.search.suggest import suggester

        rows = {item: row for row, item in enumerate(self._lookup.ids)}
        events = self.catalogue.interactions["item_id"].value_counts()
        chosen = np.zeros(len(rows), np.int64)
        chosen[[rows[item] for item in events["item_id"]]] = events["count"].to_numpy()
        return suggester(self._helps.completer, chosen)

    def recommend(
        self,
        user: str | None = None,
        history: Sequence[str] | None = None,
        n: int = 10,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        rules: bool = True,
        mode: Mode = "fused",
    ) -> list[Recommendation]:
        """The best `n` items for a user, or for a bare history of item ids, oldest first.

        Items of the history are left out. A user without history gets what is popular. `rules` says whether the
        engine's rules are kept; with them a list may end early. Mode `interest` goes by similarity to recent items,
        times how much of the history is of what an item is, and by nothing learned (engine/candidates/interest.py):
        nobody gets anything there without a history, and rules only hide. Raises UnknownIdError for an item that is not
        in the catalogue, DataError for a `where` on a column that is not there.
        """
        past = self._lookup.history(user, history)
        if mode not in get_args(Mode):
            raise DataError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}")
        if mode == "interest":
            return self._by_interest(user, past, n, exclude, where, rules)
        return self._lists([user], past, n, exclude, where, rules)[0]

    def recommend_batch(
        self,
        users: Sequence[str],
        n: int = 10,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        rules: bool = True,
    ) -> list[list[Recommendation]]:
        """The same for many users: one list each, in the order given."""
        return self._lists(users, self._lookup.histories(users), n, exclude, where, rules) if len(users) else []

    def _lists(
        self,
        users: Sequence[str | None],
        histories: Histories,
        n: int,
        exclude: Iterable[str],
        conditions: Mapping[str, Any] | None,
        ruled: bool,
    ) -> list[list[Recommendation]]:
        if n < 1:
            raise DataError(f"n must be at least 1, not {n}")
        allowed = self._allowed(exclude, conditions)
        force = self.book.in_force(users, histories) if ruled else None
        lists = batched(self.ranker, histories, allowed, n, force)
        return [[self._one(placed) for placed in each] for each in lists]

    def _by_interest(
        self,
        user: str | None,
        past: Histories,
        n: int,
        exclude: Iterable[str],
        conditions: Mapping[str, Any] | None,
        ruled: bool,
    ) -> list[Recommendation]:
        if n < 1:
            raise DataError(f"n must be at least 1, not {n}")
        allowed = self._allowed(exclude, conditions)
        allowed[past.items] = False
        force = self.book.in_force([user], past) if ruled else None
        if force is not None:
            allowed = force.opened(allowed[None])[0]
        ids, titles = self._lookup.ids, self._lookup.titles
        found = transparent.rank(self._interest, self.vocabulary.entities, past, allowed, n)
        return [
            Recommendation(ids[one.item], titles[one.item], one.score, one.contributions, one.factors) for one in found
        ]

    def _allowed(self, exclude: Iterable[str], conditions: Mapping[str, Any] | None) -> NDArray[np.bool_]:
        """(items,) which may be shown."""
        allowed = where.mask(self.catalogue.items, conditions).copy()
        allowed[self._lookup.rows(exclude)] = False
        return allowed

    def _one(self, one: Placed) -> Recommendation:
        contributions = dict(zip(self.ranker.parts, one.parts.tolist(), strict=True)) | one.rules
        ids, titles = self._lookup.ids, self._lookup.titles
        return Recommendation(ids[one.item], titles[one.item], one.score, contributions, probability=one.chance)

    def search(
        self,
        query: str | None = None,
        n: int = 10,
        user: str | None = None,
        history: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        exclude: Iterable[str] = (),
        personal: float = 0.3,
        rules: bool = True,
        image: Picture | None = None,
    ) -> list[Recommendation]:
        """The `n` items that fit a query best, in any language that their words, graph or encoders know.

        With an `image` (a path, the bytes of a file, or a Pillow image) those that look like it, alone or beside a
        query (docs/search.md); that adds a contribution `looks`, and items without a picture have words only.
        Contributions are those of words, graph, named, meaning, picture and taste; taste adds up to `personal` times
        the rest for a user or a history of item ids, oldest first, and nothing without one. Items of the history are
        not left out. Unknown words find nothing: the list may be shorter than `n`, or empty. Rules hide what they hide
        from a recommendation, but add nothing and leave the order to the query. Raises DataError for a query without a
        letter or digit, for an image that cannot be used or compared, and for what `recommend` raises it.
        """
        if n < 1 or not 0 <= personal < np.inf:
            raise DataError(f"n must be at least 1 and personal a number from 0, not {n} and {personal}")
        if query is None and image is None:
            raise DataError("there is nothing to search for: give a query, an image, or both")
        past, allowed = self._searchable(user, history, exclude, where, rules)
        look = None if image is None else looks(image, self._queries, self.ranker.features.image)
        found = self._searcher.search(query, allowed, max(n, DEPTH), look)
        best = personalised(found, self.ranker, past, personal)[:n]
        ids, titles = self._lookup.ids, self._lookup.titles
        return [Recommendation(ids[one.item], titles[one.item], one.score, one.parts) for one in best]

    def _searchable(
        self,
        user: str | None,
        history: Sequence[str] | None,
        exclude: Iterable[str] = (),
        conditions: Mapping[str, Any] | None = None,
        ruled: bool = True,
    ) -> tuple[Histories, NDArray[np.bool_]]:
        """The history of who searches, empty for nobody, and (items,) what may be found."""
        asked = user is not None or history is not None
        past = self._lookup.history(user, history) if asked else self._lookup.history(None, [])
        allowed = self._allowed(exclude, conditions)
        force = self.book.in_force([user], past) if ruled else None
        return past, allowed if force is None else force.opened(allowed[None])[0]

    def intent(self, query: str, language: "Language | None" = None) -> "Intent":
        """What a query names, what it limits, and what it wants: docs/search.md.

        Raises DataError for a query without a letter or digit or of more than 512 characters.
        """
        from engine.search.intent import parse

        return parse(query, language, self._searcher.vocabulary)

    def suggest(self, prefix: str, n: int = 8) -> "list[Suggestion]":
        """The `n` best completions of what somebody types, in English, Chinese or pinyin: docs/search.md.

        Fewer where nothing else begins so, also with one typing error; none for a prefix without a letter or digit.
        """
        return self._suggester.suggest(prefix, n)

    def did_you_mean(self, query: str) -> "Correction | None":
        """The query with the words that the catalogue does not know replaced by the nearest that it knows.

        None where every word is known or nothing is near. `search` does not look at it.
        """
        return self._helps.correct(query)

    def facets(
        self, query: str | None = None, where: Mapping[str, Any] | None = None, n: int = 20, rules: bool = True
    ) -> "list[Facet]":
        """By column, how many items of the search (of the catalogue, without a query) each of `n` values would leave.

        A column's own filter is not applied to its counts. Raises DataError for what `search` raises it.
        """
        return self._helps.facets(query, self._searchable(None, None, ruled=rules)[1], where, n)

    def relax(
        self,
        query: str,
        where: Mapping[str, Any] | None,
        user: str | None = None,
        history: Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        rules: bool = True,
    ) -> list[str]:
        """The columns whose conditions must go for a search that finds nothing to find something.

        In the order in which they go, what costs least first (engine/search/relax.py). Empty where the search finds
        something, and where it would not without any condition. Search again without them for the items.
        """
        return self._helps.to_drop(query, self._searchable(user, history, exclude, ruled=rules)[1], where)

    def answer(self, question: str, item: str | None = None) -> "Answer | None":
        """The sentence that answers a question best, from the text of one item or of those that a search finds.

        None where no sentence is good enough. Raises DataError for a question without a letter or digit or of more
        than 500 characters, UnknownIdError for an item that is not in the catalogue.
        """
        return self._helps.answer(question, None if item is None else self._lookup.rows([item]))

    def similar(self, item: str, n: int = 10) -> list[tuple[str, float]]:
        """The items most like one, by the mean cosine of their facts, words, texts and pictures."""
        row = self._lookup.rows([item])[0]
        features = self.ranker.features
        total = np.zeros(len(self._lookup), np.float32)
        for matrix in (features.facts, features.words, features.text, features.image):
            total += dense(matrix @ matrix[[row]].T).ravel() / 4
        total[row] = -np.inf
        best = np.argsort(-total, kind="stable")[: min(n, len(total) - 1)]
        return [(self._lookup.ids[i], float(total[i])) for i in best]

    def explain(self, user: str | None, item: str, history: Sequence[str] | None = None) -> Explanation:
        """Exact contributions to the score of an item, the history behind them, paths through the graph, and rules."""
        past, row = self._lookup.history(user, history), self._lookup.rows([item])[0]
        found = explain.explain(self.ranker, self._lookup, self._paths, past, row)
        return explained(found, self.ranker, past, row, self.book.in_force([user], past))

    @property
    def book(self) -> Book:
        """The rules over this catalogue; made when they are first needed, and again after items were added."""
        kept: Book | None = self.__dict__.get("_book")
        if kept is None or not kept.fits(self.rules, self.catalogue, self.graph):
            kept = self.__dict__["_book"] = bind(self.rules, self.catalogue, self.graph)
        return kept

    def use_rules(self, written: Rules | Path | str) -> None:
        """Make lists by these rules, or those of a TOML file, and by no others.

        Raises ConfigError or DataError, naming the rule, and leaves the old ones.
        """
        if not isinstance(written, Rules):
            written = rulefile.read(Path(written))
        book = bind(written, self.catalogue, self.graph)
        self.rules, self.__dict__["_book"] = written, book

    def try_rules(self, written: Rules, users: Sequence[str] | None = None, n: int = 10) -> "Trial":
        """What rules would change in the lists of these users, or of 200 drawn from the seed; nothing is switched on.

        Raises DataError as `use_rules` does.
        """
        from engine.trial import try_rules

        return try_rules(self, written, users, n)

    def evaluate(self, stage: Callable[[str], None] = log.info) -> "Report":
        """Train anew on the past of these tables and rank their future beside the rivals; see config `[evaluation]`.

        The report goes to disk by `engine.evaluation.report.write(report, folder)`.
        """
        from engine.assess import assess  # it draws, and matplotlib is slow to import

        made = assess(self.catalogue, self.ranker.features, self.config, stage, self.timings)
        with closing(open_tracker(self.config.tracking, "evaluate", self.config.model_dump(mode="json"))) as tracker:
            record.report(tracker, made)
        return made

    # Learning what is new

    def add_items(self, rows: TableLike) -> list[str]:
        """Add items by their text, picture and attributes; they can be recommended at once, nothing is retrained.

        Returns the ids added. Bad rows are left out and logged; an id that is there already is a bad row.
        """
        before = len(self._lookup)
        tables = growth.with_items(self.catalogue, rows, self.config)
        if tables.items.height == before:
            return []
        described = growth.describe_new(tables, self.config, self.vocabulary, before)
        self._become(tables, growth.grown(self.ranker, described.features), described.graph)
        return tables.items["item_id"][before:].to_list()

    def add_events(self, rows: TableLike) -> int:
        """Append interactions, seen by the next recommendation; returns how many. Bad rows are logged."""
        tables = growth.with_events(self.catalogue, rows, self.config)
        added = tables.interactions.height - self.catalogue.interactions.height
        self._become(tables, self.ranker, self.graph)
        return added

    def _become(self, tables: Catalogue, ranker: Ranker, knowledge: GraphTables) -> None:
        same_items = ranker is self.ranker
        self.catalogue, self.ranker, self.graph = tables, ranker, knowledge
        # What only the items decide stays where events alone are new.
        for name in (
            "_lookup",
            "_paths",
            "_suggester",
            *(() if same_items else ("_searcher", "_interest", "_helps")),
        ):
            self.__dict__.pop(name, None)

    # Keeping

    def save(self, path: Path | str) -> None:
        """Write the artefact: one directory, replaced in one step."""
        persist.save(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Open an artefact. Raises ArtifactError when a file, hash, version or dimension is not what was written."""
        return cls(**persist.load(Path(path)))
