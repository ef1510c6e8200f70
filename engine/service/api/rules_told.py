"""Rules, what they would change, and who changed them, in the shape of the interface."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from engine.rules import rulefile
from engine.rules.conflicts import Conflict
from engine.service.api import models
from engine.service.api.telling import shown
from engine.service.changes import Change
from engine.service.shelf import Shelf
from engine.trial import Trial
from graph.rules import Rules

Plain = dict[str, Any]


class Clash(BaseModel):
    """What is wrong with a rule, or between two or more; they are in force all the same."""

    rules: list[str] = Field(examples=[["more Nike", "no sport shoes"]])
    words: str = Field(examples=["the first boosts 12 items that the second hides, of 40"])


class RulesTold(BaseModel):
    """The rules that lists are made by."""

    rules: Plain = Field(
        description="As PUT takes them.", examples=[{"rule": [{"name": "in stock", "kind": "require"}]}]
    )
    toml: str = Field(description="The same as a TOML file.")
    in_force: list[str] = Field(description="Names of those that are in force now.", examples=[["in stock"]])
    conflicts: list[Clash] = Field([], description="After a change: rules that contradict one another or do nothing.")


class Effect(BaseModel):
    """What a rule, or all of them, would change."""

    name: str = Field(examples=["in stock"])
    lists: int = Field(description="How many lists are not as they were.")
    added: int = Field(description="Items that come in, over all lists.")
    removed: int
    moved: int = Field(description="Items that stay at another place.")
    mean_places: float = Field(description="How many places those move on average.")
    short: int = Field(description="Lists that have fewer items than before.")


class Example(BaseModel):
    """The list of a user before and after."""

    user: str
    before: list[models.Item]
    after: list[models.Item]


class TrialTold(BaseModel):
    """What rules would change. Nothing was switched on."""

    dry_run: bool = True
    users: int = Field(description="Whose lists were made.")
    n: int
    at: datetime
    each: list[Effect] = Field(description="Each rule alone, as if it were in force, against lists without any.")
    all: Effect = Field(description="All that are in force now together, against the lists of now.")
    examples: list[Example]
    conflicts: list[Clash]


class Entry(BaseModel):
    """One change of the rules."""

    number: int = Field(description="In the log of changes.")
    who: str = Field(description="The name of the API key, or local.", examples=["local"])
    time: datetime
    what: str = Field(examples=["added 'in stock'"])
    before: list[Plain] = Field(description="The rules that are gone or were otherwise.")
    after: list[Plain] = Field(description="The rules that are new or are otherwise now.")


class Audit(BaseModel):
    """Changes of the rules, the latest one first."""

    changes: list[Entry]


def told(rules: Rules, moment: datetime, found: Sequence[Conflict]) -> RulesTold:
    return RulesTold(
        rules=rules.plain(),
        toml=rulefile.written(rules),
        in_force=[rule.name for rule in rules.at(moment).rule],
        conflicts=_clashes(found),
    )


def tried(trial: Trial, shelf: Shelf, found: Sequence[Conflict]) -> TrialTold:
    def items(ids: Sequence[str]) -> list[models.Item]:
        return [models.Item(**shown(shelf, item)) for item in ids]

    return TrialTold(
        users=trial.users,
        n=trial.n,
        at=trial.moment,
        each=[Effect(**vars(one)) for one in trial.each],
        all=Effect(**vars(trial.all)),
        examples=[Example(user=one.user, before=items(one.before), after=items(one.after)) for one in trial.examples],
        conflicts=_clashes(found),
    )


def audit(changes: Sequence[tuple[int, Change]]) -> Audit:
    return Audit(changes=[_entry(number, change) for number, change in changes])


def _entry(number: int, change: Change) -> Entry:
    before, after = (change.content[key].get("rule", []) for key in ("before", "after"))
    return Entry(
        number=number,
        who=change.who,
        time=datetime.fromtimestamp(change.time, UTC),
        what=change.content["what"],
        before=[rule for rule in before if rule not in after],
        after=[rule for rule in after if rule not in before],
    )


def _clashes(found: Sequence[Conflict]) -> list[Clash]:
    return [Clash(rules=list(one.rules), words=one.words) for one in found]
