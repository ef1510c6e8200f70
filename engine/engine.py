"""The engine: build it from tables, ask it, teach it new items and events, save it, load it."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from engine import asking, changing, describe, forget, growth, persist, searching
from engine.asking import Mode, Recommendation, Wanted
from engine.candidates import Tensors
from engine.config import Config, Diversity, Exploration
from engine.explain import Explanation
from engine.gate import Gate
from engine.growth import Edges, Pictures, Said
from engine.ranker import Ranker
from engine.rules import rulefile, whom
from engine.rules.book import Book
from engine.rules.feedback import Reaction
from engine.search.look import Picture
from engine.search.query import PERSONAL
from engine.search.results import Results
from engine.searching import Manner
from engine.state import EVERYTHING, OF_ITEMS, OF_TABLES, State
from engine.tables.catalogue import Catalogue
from engine.tables.readers import TableLike
from engine.tracking import open_tracker, record
from graph.build import GraphTables
from graph.rules import Rules

if TYPE_CHECKING:
    from engine.evaluation.report import Report
    from engine.search.answer import Answer
    from engine.search.facets import Facet
    from engine.search.intent import Intent, Language
    from engine.search.spelling import Correction
    from engine.search.suggest import Suggestion
    from engine.trial import Trial
    from engine.update import Updated

__all__ = ["Diversity", "Engine", "Explanation", "Exploration", "Mode", "Recommendation"]

log = logging.getLogger(__name__)


@dataclass
class Engine:
    """Recommendations from words, pictures, relations and history. Make one with `build` or `load`.

    Many threads may ask it while one changes it: each answer is of the state before a change or of the one after it.
    """

    state: State
    """All that answers go by; a change puts another one in its place."""
    gates: list[Gate] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    encoded: dict[str, int] = field(default_factory=dict)
    """Contents encoded in this build and contents reused from the store."""
    old: Tensors = field(default_factory=dict)
    """Lists that the fusion learned from, for an update to learn from again (engine/reservoir.py)."""
    held: dict[str, Tensors] = field(default_factory=dict)
    """Of the generators that are slow to fit, twins that nobody's latest events were told to (engine/updating.py)."""
    quality: dict[str, float] = field(default_factory=dict)
    """NDCG by kind of list (engine/cases.py) that the build saw on lists which nothing had seen."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    """What was updated since the build, as `Updated.told`, oldest first."""
    fast: dict[str, str] = field(default_factory=dict)
    """The way in which texts and pictures were encoded, and how it agrees, where there were many."""
    _changing: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

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
        from engine import building  # what learns needs torch, and whoever opens an artefact does not

        return cls(**building.build(source, settings, stage, progress))

    @property
    def config(self) -> Config:
        return self.state.config

    @property
    def catalogue(self) -> Catalogue:
        return self.state.catalogue

    @property
    def ranker(self) -> Ranker:
        return self.state.ranker

    @property
    def graph(self) -> GraphTables:
        return self.state.graph

    @property
    def rules(self) -> Rules:
        """Rules that lists are made by; `use_rules` replaces them."""
        return self.state.rules

    @property
    def book(self) -> Book:
        """The rules over this catalogue."""
        return self.state.book

    # Asking

    def recommend(
        self,
        user: str | None = None,
        history: Sequence[str] | None = None,
        n: int = 10,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        rules: bool = True,
        mode: Mode = "fused",
        diversity: Diversity | float | None = None,
        explore: Exploration | int | None = None,
        context: Iterable[str] = (),
        sensitive: Collection[str] = (),
    ) -> list[Recommendation]:
        """The best `n` items for a user, or for a bare history of item ids, oldest first.

        Items of the history are left out. `context` are items that the user looks at now: for this list they count as
        the latest of the history. A user without history gets what is popular. `rules` says whether the
        engine's rules are kept; with them a list may end early. `sensitive` are topics that rules hide unless they are
        asked for. Mode `interest` goes by similarity to recent items,
        times how much of the history is of what an item is, and by nothing learned (engine/candidates/interest.py):
        nobody gets anything there without a history, and rules only hide. `diversity` is what likeness to the items
        above costs, in standard deviations of the user's scores (0 is nothing, 4 some, 16 much), or all that there
        is to say of it (docs/diversity.md); `explore` is how many of the last places are drawn by chance, each with its
        `propensity` (docs/exploration.md). None is what the configuration says, which is nothing unless set. Raises
        UnknownIdError for an item that is not in the catalogue, DataError for a `where` on a column that is not there.
        """
        wanted = Wanted(n, exclude, where, rules, diversity, explore, context, sensitive)
        return asking.recommend(self.state, user, history, wanted, mode)

    def recommend_batch(
        self,
        users: Sequence[str],
        n: int = 10,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        rules: bool = True,
        diversity: Diversity | float | None = None,
        explore: Exploration | int | None = None,
        sensitive: Collection[str] = (),
    ) -> list[list[Recommendation]]:
        """The same for many users: one list each, in the order given."""
        state, wanted = self.state, Wanted(n, exclude, where, rules, diversity, explore, topics=sensitive)
        histories = state.lookup.histories(users)
        return asking.lists(state, users, histories, wanted) if len(users) else []

    def propensity(
        self,
        item: str,
        shown: Sequence[str],
        user: str | None = None,
        history: Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        rules: bool = True,
        explore: Exploration | None = None,
        context: Iterable[str] = (),
    ) -> float:
        """The chance that a drawn place is given to an item, below those `shown` above it.

        For a log that another engine or other settings wrote: its `target` (docs/exploration.md). All else is as of
        `recommend`, of which `explore` says how places are drawn; name the `history` of then where the user has
        chosen something since. 0 for an item that cannot be drawn there.
        """
        wanted = Wanted(1, exclude, where, rules, explore=explore, context=context)
        return asking.propensity(self.state, user, history, shown, item, wanted)

    def search(
        self,
        query: str | None = None,
        n: int = 10,
        user: str | None = None,
        history: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        exclude: Iterable[str] = (),
        personal: float = PERSONAL,
        rules: bool = True,
        literal: bool = False,
        explain: bool = False,
        image: Picture | None = None,
        sensitive: Collection[str] = (),
    ) -> Results[Recommendation]:
        """The `n` items that fit a query best, in any language that their words, graph or encoders know.

        With an `image` (a path, the bytes of a file, or a Pillow image) those that look like it, alone or beside a
        query; that adds a contribution `looks`, and items without a picture have words only.
        What the query limits and refuses is obeyed, and what it wants to be like, to go with or to compare
        (docs/search.md); `understood` of the list says what was made of it, and which condition was dropped because
        nothing was left. `literal` takes limits for wishes and the query for what is looked for. Contributions are
        those of words, graph, named, meaning, picture and taste; taste adds up to `personal` times the rest for a user
        or a history of item ids, oldest first, and nothing without one. Items of the history are not left out. Unknown
        words find nothing: the list may be shorter than `n`, or empty. Rules hide what they hide from a recommendation,
        but add nothing and leave the order to the query. With `explain`, `reasons` of the list has what was met in each
        item and why it is there. Raises DataError for a query without a letter or digit or of more than 2,000
        characters, for an image that cannot be used or compared, and for what `recommend` raises it.
        """
        wanted = Wanted(n, exclude, where, rules, topics=sensitive)
        return searching.search(self.state, query, user, history, wanted, Manner(personal, literal, explain, image))

    def intent(self, query: str, language: "Language | None" = None) -> "Intent":
        """What a query names, what it limits, and what it wants: docs/search.md.

        Raises DataError for a query without a letter or digit or of more than 512 characters.
        """
        from engine.search.intent import parse

        return parse(query, language, self.state.searcher.vocabulary)

    def suggest(self, prefix: str, n: int = 8) -> "list[Suggestion]":
        """The `n` best completions of what somebody types, in English, Chinese or pinyin: docs/search.md.

        Fewer where nothing else begins so, also with one typing error; none for a prefix without a letter or digit.
        """
        return self.state.suggester.suggest(prefix, n)

    def did_you_mean(self, query: str) -> "Correction | None":
        """The query with the words that the catalogue does not know replaced by the nearest that it knows.

        None where every word is known or nothing is near. `search` does not look at it.
        """
        return self.state.helps.correct(query)

    def facets(
        self,
        query: str | None = None,
        where: Mapping[str, Any] | None = None,
        n: int = 20,
        rules: bool = True,
        sensitive: Collection[str] = (),
    ) -> "list[Facet]":
        """By column, how many items of the search (of the catalogue, without a query) each of `n` values would leave.

        A column's own filter is not applied to its counts. Raises DataError for what `search` raises it.
        """
        return searching.facets(self.state, query, where, n, Wanted(n, (), None, rules, topics=sensitive))

    def relax(
        self,
        query: str,
        where: Mapping[str, Any] | None,
        user: str | None = None,
        history: Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        rules: bool = True,
        sensitive: Collection[str] = (),
    ) -> list[str]:
        """The columns whose conditions must go for a search that finds nothing to find something.

        In the order in which they go, what costs least first (engine/search/relax.py). Empty where the search finds
        something, and where it would not without any condition. Search again without them for the items.
        """
        return searching.relax(
            self.state, query, where, user, history, Wanted(1, exclude, None, rules, topics=sensitive)
        )

    def answer(
        self, question: str, item: str | None = None, rules: bool = True, sensitive: Collection[str] = ()
    ) -> "Answer | None":
        """The sentence that answers a question best, from the text of one item or of those that a search finds.

        None where no sentence is good enough. Raises DataError for a question without a letter or digit or of more
        than 500 characters, UnknownIdError for an item that is not in the catalogue. Where no item is named, rules hide
        what they hide from somebody of whom nothing is known.
        """
        return searching.answer(self.state, question, item, Wanted(1, (), None, rules, topics=sensitive))

    def similar(
        self, item: str, n: int = 10, rules: bool = True, sensitive: Collection[str] = ()
    ) -> list[tuple[str, float]]:
        """The items most like one, by the mean cosine of their facts, words, texts and pictures.

        Rules hide what they hide from somebody of whom nothing is known.
        """
        return asking.similar(self.state, item, Wanted(n, (), None, rules, topics=sensitive))

    def explain(self, user: str | None, item: str, history: Sequence[str] | None = None) -> Explanation:
        """Exact contributions to the score of an item, the history behind them, paths through the graph, and rules."""
        return asking.explain(self.state, user, item, history)

    def use_rules(self, written: Rules | Path | str) -> None:
        """Make lists by these rules, or those of a TOML file, and by no others.

        Raises ConfigError or DataError, naming the rule, and leaves the old ones.
        """
        if not isinstance(written, Rules):
            written = rulefile.read(Path(written))
        with self._changing:
            made = self.state.after(OF_TABLES, rules=written)
            _ = made.book  # what does not fit is told now, and the old ones stay
            self.state = made

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

        made = assess(*self.state.present(), self.config, stage, self.timings)
        with closing(open_tracker(self.config.tracking, "evaluate", self.config.model_dump(mode="json"))) as tracker:
            record.report(tracker, made)
        return made

    # Learning what is new

    def add_items(self, rows: TableLike, edges: Edges | None = None, pictures: Pictures | None = None) -> list[str]:
        """Add items by their text, picture and attributes; they can be recommended at once, nothing is retrained.

        `edges` are triples with an item as their head, by its id: `{"p1": [("goes with", "p2")]}`; they take the place
        of those that it has, and an item that is not named there keeps its own. `pictures` are paths of files, by id,
        in the place of what the rows say; nothing checks where such a file is.
        Returns the ids added. Bad rows are left out and logged; an id that is there already is a bad row. One that was
        removed may come again, and its events with it.
        """
        with self._changing:
            self.state, added = changing.add(self.state, Said(rows, edges or {}, pictures or {}))
        return added

    def change_items(self, rows: TableLike, edges: Edges | None = None, pictures: Pictures | None = None) -> list[str]:
        """Describe items of the catalogue anew; what histories say of them stays, and nothing is retrained.

        A row says all that its item is now: what it does not say, the item has no more, its edges aside. Returns the
        ids changed. `edges` and `pictures` are those of `add_items`. Bad rows are left out and logged; an id that is
        not there is a bad row.
        """
        with self._changing:
            self.state, changed = changing.change(self.state, Said(rows, edges or {}, pictures or {}))
        return changed

    def picture_items(self, pictures: Pictures) -> None:
        """Give items other pictures, paths of files by id, or none.

        Raises UnknownIdError for an item that is not in the catalogue, and then nothing is changed.
        """
        with self._changing:
            self.state = changing.picture(self.state, pictures) if pictures else self.state

    def check_items(self, rows: TableLike, edges: Edges | None = None, new: bool = True) -> pl.DataFrame:
        """What `add_items`, or else `change_items`, would leave out of these rows, and nothing is changed.

        file, line (the number of the row; 1 is the first), field, reason, value. Where the field is the id the whole
        row is left out, else a cell or an edge.
        """
        state = self.state
        return growth.faults(state.catalogue, state.removed, Said(rows, edges or {}), state.config, new)

    def remove_items(self, ids: Sequence[str]) -> list[str]:
        """Take items out of the catalogue: no list, search or answer has them any more, nor does an artefact have what
        they were. Their events stay in the histories, where they still tell what people like.

        Returns the ids. Raises UnknownIdError for one that is not in the catalogue, and then nothing is removed.
        """
        with self._changing:
            rows = [self.state.lookup.shown(item) for item in ids]
            self.state = changing.remove(self.state, rows) if rows else self.state
        return list(ids)

    def add_events(self, rows: TableLike) -> int:
        """Append interactions, seen by the next recommendation; returns how many. Bad rows are logged."""
        with self._changing:
            fresh = growth.events(self.state.catalogue, rows, self.config)
            self.state = changing.with_events(self.state, fresh)
        return fresh.height

    def add_read_events(self, fresh: pl.DataFrame) -> None:
        """The same of interactions that are as `Catalogue.interactions` has them, and of items that are there."""
        with self._changing:
            self.state = changing.with_events(self.state, fresh)

    def update(
        self,
        events: TableLike | None = None,
        items: TableLike | None = None,
        force: bool = False,
        stage: Callable[[str], None] = log.info,
    ) -> "Updated":
        """Learn from new events and items without a full build: docs/updating.md.

        `items` that are there already are described anew, others are added. Events that `add_events` took in are
        learned from too. What would make lists of the newest events worse is refused, unless `force` says so: then
        nothing changes, and the answer says why. Bad rows are left out and logged.
        Raises DataError where there is nothing new.
        """
        from engine.update import update  # it trains, and torch is slow to import

        with self._changing:
            return update(self, events, items, force, stage)

    def add_feedback(self, said: Iterable[tuple[str, str, str]]) -> int:
        """Take in what users said against items (hide, dislike, undo) and what they were shown (seen): (user, item,
        kind) each. The next list obeys it; nothing is learned from it. Returns how many.

        Raises UnknownIdError for an item that is not in the catalogue, DataError for another kind; nothing is taken.
        """
        news = [Reaction(*one) for one in said]
        with self._changing:
            self.state.lookup.rows(one.item for one in news)
            self.state = self.state.after(EVERYTHING, feedback=self.state.feedback.after(news))
        return len(news)

    def forget(self, user: str) -> int:
        """Take what a user did and is out of tables and rules, and so of every later answer; returns how many events.

        Nothing that was learned is of one user. `engine.forget.forget_on_disk` does the same to an artefact.
        """
        with self._changing:
            state = self.state
            tables, left = forget.forget(state.catalogue, user), forget.forget_in_graph(state.graph, user)
            rules = whom.forget(state.rules, user)
            feedback = state.feedback.without(user)
            learned = forget.learned_after(state.catalogue.interactions, state.learned, user)
            made = {"catalogue": tables, "graph": left, "rules": rules, "feedback": feedback, "learned": learned}
            self.state = state.after(OF_ITEMS, **made)
        return state.catalogue.interactions.height - tables.interactions.height

    # Keeping

    def save(self, path: Path | str) -> None:
        """Write the artefact: one directory, replaced in one step."""
        persist.save(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Open an artefact. Raises ArtifactError when a file, hash, version or dimension is not what was written."""
        return cls(**persist.load(Path(path)))
