"""From texts to the nodes they name: matches, candidates, evidence, a score, and what a person should look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from graph.build import GraphTables
from graph.errors import GraphError
from graph.link.aliases import Form, Forms, forms
from graph.link.context import Context, Describer, Encode
from graph.link.fuzzy import Speller, count_words
from graph.link.known import Known
from graph.link.match import Match, Matcher
from graph.link.normal import Normal, normalise
from graph.link.review import ACCEPT, REJECT, Decisions
from graph.link.score import Candidate, prior, weigh
from graph.link.surround import WINDOW, ordinary_shares, surroundings, window
from graph.schema import ITEM

EVIDENCE = pl.Struct(
    {
        "kind": pl.String,
        "similarity": pl.Float64,
        "own": pl.Boolean,
        "agreement": pl.Float64,
        "coherence": pl.Float64,
        "cosine": pl.Float64,
        "above": pl.Float64,
        "word": pl.Float64,
        "rivals": pl.List(pl.Struct({"node": pl.String, "score": pl.Float64})),
    }
)
LINKS: dict[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.String,
    "node": pl.String,
    "label": pl.String,
    "surface": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "score": pl.Float64,
    "method": pl.String,
    "evidence": EVIDENCE,
}
"""The columns of a table of links. `start` and `end` count characters of the text; `method` is exact, fuzzy, or decided
where a person said so."""
UNSURE = {**LINKS, "around": pl.String}

CLEAR = 0.97
"""A candidate that is surer than this, or than that of nothing, is not looked at in context."""
RIVALS = 4


@dataclass(frozen=True)
class Settings:
    """What is looked for, and how sure a link must be."""

    accept: float = 0.7
    """Score from which a link stands."""
    review: float = 0.3
    """Score from which a link that does not stand is worth a look."""
    fuzzy: bool = True
    """Whether misspelt names are looked for."""
    titles: bool = False
    """Whether texts name other items by their titles."""


@dataclass(frozen=True)
class Links:
    """What was found, sorted by item and place."""

    links: pl.DataFrame
    """The columns of LINKS; those that stand"""
    unsure: pl.DataFrame
    """The columns of UNSURE: those that a person should decide"""


@dataclass
class _Span:
    """A place in a text that may name something."""

    row: int
    item: str
    match: Match
    start: int
    end: int
    candidates: list[Candidate]
    method: str = "exact"


@dataclass
class _Text:
    item: str
    text: str
    normal: Normal
    matches: list[Match] = field(default_factory=list)


class Linker:
    """Links texts to the nodes of one graph.

    `encode` turns texts into unit vectors; without it context is not looked at. `decisions` are what a person said of
    earlier links.
    """

    def __init__(
        self,
        tables: GraphTables,
        encode: Encode | None = None,
        settings: Settings | None = None,
        decisions: Decisions | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.forms: Forms = forms(tables)
        if not self.settings.titles:
            self.forms = _without_titles(self.forms)
        self._matcher = Matcher(self.forms.by_key, self.forms.blocked)
        self._context = None if encode is None else Context(Describer(tables, self.forms), self.forms, encode)
        items = tables.nodes.filter(pl.col("label") == ITEM)["id"].str.strip_prefix("item:")
        self._known = Known(tables, items.to_list())
        self._decisions = decisions or Decisions({})

    def link(self, texts: Sequence[str | None], items: Sequence[str] | None = None) -> Links:
        """The links of texts, each of the item of that id; without `items` texts are of no item, named `0`, `1`, ....

        All texts together say how often a word is a name, so give those of a catalogue at once. The same texts give
        the same links. Raises GraphError where there are not as many items as texts.
        """
        if items is not None and len(items) != len(texts):
            raise GraphError(f"{len(texts)} texts of {len(items)} items; give one item id a text")
        names = [str(row) for row in range(len(texts))] if items is None else list(items)
        read = [_Text(item, text or "", normalise(text or "")) for item, text in zip(names, texts, strict=True)]
        for each in read:
            each.matches = self._matcher.find(each.normal)
        spans = self._spans(read, items is not None)
        self._weigh(spans, read, items is not None)
        self._look_around(spans, read)
        return self._judge(spans, read)

    def _spans(self, read: list[_Text], of_items: bool) -> list[_Span]:
        spans = [
            self._span(row, each, match, self.forms.by_key[match.form], of_items)
            for row, each in enumerate(read)
            for found in each.matches
            for match in self._with_owner(found)
        ]
        if self.settings.fuzzy:
            spans += self._misspelt(read, of_items)
        spans = [span for span in spans if span.candidates]
        return sorted(spans, key=lambda span: (span.row, span.start))

    def _with_owner(self, match: Match) -> list[Match]:
        """A match, and that of the owner whose name it begins with."""
        owner = self.forms.within.get(match.form)
        return [match] if owner is None else [match, Match(owner, match.start, match.start + len(owner))]

    def _span(self, row: int, each: _Text, match: Match, meant: list[Form], of_items: bool) -> _Span:
        start, end = each.normal.span(match.start, match.end)
        surface = each.text[start:end]
        candidates: dict[str, Candidate] = {}
        for form in meant:
            if (form.capitals and not surface.isupper()) or form.node == f"item:{each.item}":
                continue
            known = bool(form.owner) and of_items and self._known.has(each.item, form.owner)
            new = Candidate(form.node, self.forms.labels[form.node], form.kind, form.owner, owner_known=known)
            new.own = of_items and self._known.has(each.item, form.node)
            new.single = " " not in match.form
            candidates.setdefault(form.node, new)
        return _Span(row, each.item, match, start, end, list(candidates.values()))

    def _misspelt(self, read: list[_Text], of_items: bool) -> list[_Span]:
        speller = Speller(self.forms.by_key, count_words(each.normal.text for each in read))
        spans = []
        for row, each in enumerate(read):
            for near in speller.find(each.normal.text, each.matches):
                span = self._span(row, each, near.match, self.forms.by_key[near.match.form], of_items)
                span.method = "fuzzy"
                for candidate in span.candidates:
                    candidate.edits, candidate.similarity = near.edits, near.similarity
                spans.append(span)
        return spans

    def _weigh(self, spans: list[_Span], read: list[_Text], of_items: bool) -> None:
        """The evidence of each candidate that is in the text itself and in the tables."""
        exact = [span for span in spans if span.method == "exact"]
        ordinary = ordinary_shares((span.match.form, read[span.row].text, span.start, span.end) for span in exact)
        facts = exact if of_items else []
        agreement = self._known.agreement(
            (span.item, span.match.form, c.node) for span in facts for c in span.candidates
        )
        said: dict[int, set[str]] = {}
        for span in spans:
            said.setdefault(span.row, set()).update(c.node for c in span.candidates if not c.owner)
        asked = [(span.item if of_items else "", c.node) for span in spans for c in span.candidates if not c.own]
        coherent = iter(self._known.coherence(asked))
        for span in spans:
            each = read[span.row]
            at = surroundings(each.text, each.normal, span.match, ordinary.get(span.match.form, 0.0))
            for candidate in span.candidates:
                candidate.owner_known |= candidate.owner in said[span.row]
                candidate.agreement = agreement.get((span.match.form, candidate.node))
                candidate.coherence = 0.0 if candidate.own else float(next(coherent))
                candidate.prior = prior(candidate, at, span.candidates)

    def _look_around(self, spans: list[_Span], read: list[_Text]) -> None:
        """Context for the spans that are not clear without it."""
        if self._context is None:
            return
        unclear = []
        for span in spans:
            shares = weigh(span.candidates)
            if sum(shares) > 1 - CLEAR and max(shares) < CLEAR:
                unclear.append(span)
        asked = [(row, c.node, span.match.form) for row, span in enumerate(unclear) for c in span.candidates]
        windows = [window(read[span.row].text, span.start, span.end) for span in unclear]
        found = iter(self._context.fit(windows, asked))
        for span in unclear:
            for candidate in span.candidates:
                candidate.fit = next(found)

    def _judge(self, spans: list[_Span], read: list[_Text]) -> Links:
        links: list[dict[str, Any]] = []
        unsure: list[dict[str, Any]] = []
        for span in spans:
            row = _row(span, read[span.row])
            decided = self._decisions.find(span.item, row["surface"])
            if decided == REJECT:
                continue
            if decided is not None:
                node = row["node"] if decided == ACCEPT else decided
                label = self.forms.labels.get(node)
                if label is not None:
                    links.append(row | {"node": node, "label": label, "score": 1.0, "method": "decided"})
            elif row["score"] >= self.settings.accept:
                links.append(row)
            elif row["score"] >= self.settings.review:
                around = read[span.row].text[max(0, span.start - WINDOW) : span.end + WINDOW]
                unsure.append(row | {"around": " ".join(around.split())})
        return Links(pl.DataFrame(links, schema=LINKS), pl.DataFrame(unsure, schema=UNSURE))


def _row(span: _Span, each: _Text) -> dict[str, Any]:
    """A row of LINKS for the best candidate."""
    shares = weigh(span.candidates)
    order = sorted(range(len(shares)), key=lambda place: (-shares[place], span.candidates[place].node))
    best = span.candidates[order[0]]
    rivals = [{"node": span.candidates[place].node, "score": shares[place]} for place in order[1 : 1 + RIVALS]]
    return {
        "item_id": span.item,
        "node": best.node,
        "label": best.label,
        "surface": each.text[span.start : span.end],
        "start": span.start,
        "end": span.end,
        "score": shares[order[0]],
        "method": span.method,
        "evidence": {
            "kind": best.kind,
            "similarity": best.similarity,
            "own": best.own,
            "agreement": best.agreement,
            "coherence": best.coherence,
            "cosine": best.fit and best.fit.cosine,
            "above": best.fit and best.fit.above,
            "word": best.fit and best.fit.word,
            "rivals": rivals,
        },
    }


def _without_titles(found: Forms) -> Forms:
    kept: dict[str, list[Form]] = {}
    for form, several in found.by_key.items():
        if others := [each for each in several if found.labels[each.node] != ITEM]:
            kept[form] = others
    return Forms(kept, found.labels, found.names, found.blocked, found.within)
