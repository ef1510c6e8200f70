"""How sure a link is: the evidence for a candidate as log odds, against the rivals and against linking nothing.

The weights were chosen on 50 labelled film overviews and the generated shop of seed 0; scripts/bench/linking.py
measures them on others.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from graph.link.aliases import INFLECTED, NAME, PART, PEOPLE, SHORT
from graph.link.context import Fit
from graph.link.normal import is_han
from graph.link.surround import Surroundings
from graph.schema import ATTRIBUTE, CATEGORY, COLLECTION, ITEM, PERSON, PLACE

BASE = {NAME: 2.5, SHORT: 0.5, INFLECTED: 2.0, PEOPLE: 2.5, PART: 1.0}
"""Log odds of each kind of form before any other evidence."""
OWN, OWN_COMMON = 1.5, 0.5
"""The item is known to have the fact. A common word (a genre, a colour) may still mean itself."""
OWNER, NO_OWNER = 1.5, -4.0
"""For a name without its owner's: whether the owner is in the text or known."""
SMALL, SMALL_LONG = -3.0, -1.5
"""A proper name in small letters; one of several words."""
ORDINARY = -3.0
"""Times the share of small letters among the places where the form stands: Heat is mostly heat."""
NEIGHBOUR = -1.5
"""A capitalised word beside a proper name: part of a longer name."""
COMPOUND = -4.0
"""A demonym joined by a hyphen: Italian-American."""
TITLE = {1: -4.0, 2: -1.5}
"""A title of so many words, which may be just words; of more, nothing."""
QUOTED = 2.5
CAPITAL = -2.0
"""A common word in a capital within a sentence, where a proper name is written alike."""
AGREEMENT, DOUBT = 8.0, 0.75
"""Times how much more often than this the tables agree with the form."""
COHERENCE = 0.7
CONTEXT, FITTING = 1.5, 0.8
"""Times how many deviations the text fits the node better than this many above its like."""
MOST_CONTEXT = 2.5
PLAIN, PLAIN_FROM = 0.5, 0.5
"""Times how many deviations, from so many on, the text is near to a proper name taken as a plain word: less fitting."""
SETTING, ELSEWHERE = (PLACE, PERSON), 0.15
"""Labels of what any text may mention, whatever else it is about: coherence is nothing to them. Context is to them, to
full names of several words, and to common words that the tables have told of already, no more than this share."""
MISSPELT, EDIT = -2.0, -1.0
"""One edit, and each further one."""
SPOKEN = 3.0
"""A word for a people and its language, by whether the text speaks of speaking."""

_SPEAKING = re.compile(
    r"\b(?:speak\w*|spoke\w*|learn\w*|stud(?:y|ies|ied)|teach\w*(?: of)?|taught|into|subtitled in|dubbed in) $"
)
_LANGUAGE = re.compile(r"^ (?:language|dialect|subtitles|lessons?|grammar|version|dub)\b|^-(?:language|speaking)\b")
_IN = re.compile(r"\bin $")
_CLAUSE_END = re.compile(r"^ *(?:$|[.,;:!?)]| and | or )")


@dataclass
class Candidate:
    """A node that a span may mean, and the evidence."""

    node: str
    label: str
    kind: str
    owner: str
    edits: int = 0
    similarity: float = 1.0
    own: bool = False
    owner_known: bool = False
    agreement: float | None = None
    coherence: float = 0.0
    fit: Fit | None = None
    single: bool = True
    """One word, which may be a plain one"""
    prior: float = 0.0
    """Log odds of what does not depend on other candidates."""

    @property
    def common(self) -> bool:
        """Whether it is named by an ordinary word, which means itself as often as not."""
        return self.label in (ATTRIBUTE, CATEGORY)

    @property
    def odds(self) -> float:
        """Log odds against linking nothing."""
        if self.fit is None or self.fit.above is None or self.fit.word is None:
            return self.prior
        fits = self.fit.above - FITTING
        if self.single and not self.common and self.label not in SETTING:
            fits -= PLAIN * max(0.0, self.fit.word - PLAIN_FROM)
        sure = self.label in SETTING or (self.kind == NAME and not self.single)
        sure |= self.common and self.agreement is not None
        weight = CONTEXT * (ELSEWHERE if sure else 1.0)
        return self.prior + weight * max(-MOST_CONTEXT, min(MOST_CONTEXT, fits))


def prior(candidate: Candidate, at: Surroundings, rivals: Sequence[Candidate]) -> float:
    """Log odds of a candidate, who is among the `rivals` for a span, from all but the context."""
    odds = BASE[candidate.kind]
    if not candidate.common:
        odds += _spelling(candidate, at)
    elif at.capital and not at.shouted and not all(rival.common for rival in rivals):
        odds += CAPITAL
    spoken_too = _spoken_too(rivals)
    if candidate.own:
        odds += OWN_COMMON if candidate.common else OWN
    if candidate.kind == PART:
        odds += OWNER if candidate.owner_known else NO_OWNER
    if candidate.edits:
        odds += MISSPELT + EDIT * (candidate.edits - 1)
    if candidate.label == ITEM:
        odds += TITLE.get(_size(at.surface), 0.0) + (QUOTED if at.quoted else 0.0)
    if not spoken_too:
        odds += _agreed(candidate)
    if spoken_too and (candidate.label == ATTRIBUTE or _spoken(at)):
        odds += SPOKEN if candidate.label == ATTRIBUTE and _spoken(at) else -SPOKEN
    if candidate.own or candidate.label in SETTING:
        return odds
    return odds + COHERENCE * candidate.coherence


def _agreed(candidate: Candidate) -> float:
    """What it says that the tables agree with the form, or do not. A full name that they deny may be one all the same,
    and what is only mentioned, as places are, they need not know.
    """
    if candidate.agreement is None or candidate.kind == PART or candidate.label in SETTING:
        return 0.0
    said = AGREEMENT * (candidate.agreement - DOUBT)
    doubtful = candidate.common or candidate.kind == SHORT or candidate.label == COLLECTION
    return said if doubtful else max(0.0, said)


def _spelling(candidate: Candidate, at: Surroundings) -> float:
    """What capitals, neighbours and hyphens say of a proper name."""
    if is_han(at.surface[0]):
        return 0.0
    odds = ORDINARY * at.ordinary
    if at.surface.islower() and not at.shouted:
        odds += SMALL if len(at.surface.split()) == 1 else SMALL_LONG
    if at.neighbour and candidate.kind != PEOPLE and not at.shouted:
        odds += NEIGHBOUR
    if candidate.kind == PEOPLE and (at.before.endswith("-") or re.match(r"-[^\W\d_]", at.after)):
        odds += COMPOUND
    return odds


def _spoken(at: Surroundings) -> bool:
    """Whether a word that may be a language is one here."""
    return bool(
        _SPEAKING.search(at.before)
        or _LANGUAGE.match(at.after)
        or (_IN.search(at.before) and _CLAUSE_END.match(at.after))
    )


def _spoken_too(candidates: Sequence[Candidate]) -> bool:
    """Whether a form names both a people and a language."""
    peoples = any(candidate.label == PLACE and candidate.kind == PEOPLE for candidate in candidates)
    return peoples and any(candidate.node.startswith("language:") for candidate in candidates)


def _size(surface: str) -> int:
    """Words of a title; two Chinese characters count as one."""
    han = sum(map(is_han, surface))
    return max(1, len(surface.split()) - (1 if han else 0) + han // 2)


def weigh(candidates: Sequence[Candidate]) -> list[float]:
    """The share of each candidate, (len(candidates),); linking nothing, with odds of one, has the rest to 1."""
    top = max([0.0, *(candidate.odds for candidate in candidates)])
    weights = [math.exp(candidate.odds - top) for candidate in candidates]
    total = math.exp(-top) + sum(weights)
    return [weight / total for weight in weights]
