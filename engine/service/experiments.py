"""Experiments of the service: the file that says them, who is in which arm, and what an arm changes in an answer.

Nobody keeps who is in which arm: it follows from the SHA-256 of the experiment's salt and the user id, so every process
says the same, also after a restart. Two experiments with salts of their own share users out independently.
"""

import hashlib
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from engine import toml
from engine.engine import Mode
from engine.errors import ConfigError
from engine.evaluation.experiment import PLANNED

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,80}$")]
Surface = Literal["recommend", "search"]
Reward = Literal["chosen", "count"]


class Part(BaseModel):
    """A table of the file: a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ArmSettings(Part):
    """What an arm changes; what is not said is as in every other answer."""

    diversity: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    """Of recommendations, as the parameter of that name."""
    explore: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Of recommendations: so many of the last places are drawn, and their chances are logged."""
    mode: Mode | None = None
    """Of recommendations, as the parameter of that name."""
    personal: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    """Of searches: how much the taste of the user counts."""
    rules: bool | None = None
    """Whether the engine's rules are kept."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.mode == "interest" and (self.diversity or self.explore):
            raise ValueError("mode interest has no diversity and no exploration")
        return self

    def said(self) -> dict[str, Any]:
        """Arguments of `Engine.recommend` or `Engine.search`."""
        return self.model_dump(exclude_none=True)


class Arm(Part):
    """What some of the users get."""

    name: Name
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Users are shared out over the arms in proportion to it."""
    settings: ArmSettings = ArmSettings()


class Experiment(Part):
    """Arms that users are shared out over; the first is what the others are compared with."""

    name: Name
    salt: Annotated[str, Field(max_length=200)] = ""
    """What users are shared out by; the name if not given. The same salt shares them out the same again."""
    on: Surface = "recommend"
    """Which answers it changes."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of all users, so many are in it."""
    arms: Annotated[tuple[Arm, ...], Field(max_length=20)]
    reward: Reward = "chosen"
    """Of a user: `chosen` is 1 if anything that was shown was chosen, `count` how many different items were."""
    days: Annotated[float, Field(gt=0, le=365)] = 7.0
    """From the first exposure on, in which choices count; only then does a user count."""
    planned: Annotated[int, Field(ge=1, le=10**9)] = PLANNED
    """Users of two arms together at which the interval for all looks is narrowest."""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if len(self.arms) < 2:
            raise ValueError("fewer than two arms; there is nothing to compare")
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError("two arms have the same name; the results could not tell them apart")
        other = ("personal",) if self.on == "recommend" else ("diversity", "explore", "mode")
        wrong = [key for arm in self.arms for key in arm.settings.said() if key in other]
        if wrong:
            raise ValueError(f"`{wrong[0]}` is nothing that an experiment on {self.on} can change")
        return self

    @property
    def weights(self) -> dict[str, float]:
        return {arm.name: arm.weight for arm in self.arms}

    def arm_of(self, user: str) -> Arm | None:
        """The arm of a user; None for one who is not in the experiment."""
        takes_part, which = _uniform(self.salt or self.name, user)
        if takes_part >= self.share:
            return None
        sums = list(accumulate(arm.weight for arm in self.arms))
        return next((arm for arm, upto in zip(self.arms, sums, strict=True) if which * sums[-1] < upto), self.arms[-1])


class Assigned(NamedTuple):
    """The arm that an answer is given by."""

    experiment: Experiment
    arm: Arm


class Experiments(Part):
    """All that run. Of those on the same answers a user is in one at most: the first of the file that takes them."""

    experiment: Annotated[tuple[Experiment, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        seen: set[str] = set()
        full: dict[str, str] = {}
        for one in self.experiment:
            for said in {one.name, one.salt or one.name}:
                if said in seen:
                    raise ValueError(f"two experiments have the name or salt {said!r}; users need another for each")
                seen.add(said)
            if one.on in full:
                raise ValueError(f"nobody is left for {one.name!r}: all users are in {full[one.on]!r}; give it a share")
            if one.share == 1:
                full[one.on] = one.name
        return self

    def assigned(self, on: Surface, user: str) -> Assigned | None:
        for one in self.experiment:
            arm = one.arm_of(user) if one.on == on else None
            if arm is not None:
                return Assigned(one, arm)
        return None

    def named(self, name: str) -> Experiment | None:
        return next((one for one in self.experiment if one.name == name), None)


def _uniform(salt: str, user: str) -> tuple[float, float]:
    """Two independent numbers from 0 to below 1: 53 bits each of the hash of salt and user."""
    salted = f"{len(salt)} {salt}{user}".encode(errors="surrogatepass")
    digest = hashlib.sha256(salted).digest()
    one, other = (int.from_bytes(digest[at : at + 8]) >> 11 for at in (0, 8))
    return one / 2**53, other / 2**53


def read(path: Path) -> Experiments:
    """The experiments of a TOML file. Raises ConfigError, a line for each mistake."""
    _, tree = toml.read(path, "write one as docs/experiments.md shows")
    try:
        return Experiments.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {_explain(tree, problem)}" for problem in error.errors())) from None


def _explain(tree: dict[str, Any], problem: ErrorDetails) -> str:
    """Experiment, key, what is wrong with it, and the remedy."""
    at, wrong = problem["loc"], problem["msg"].removeprefix("Value error, ")
    where = ""
    if len(at) > 1 and isinstance(at[1], int):
        given = tree["experiment"][at[1]]
        name = given.get("name") if isinstance(given, dict) else None
        where = f"experiment {at[1] + 1}{f' {name[:80]!r}' if isinstance(name, str) else ''}: "
    keys = [str(part + 1 if isinstance(part, int) else part) for part in at[2:]] if where else list(map(str, at))
    key = f"`{'.'.join(keys)}`: " if keys else ""
    if problem["type"] == "extra_forbidden":
        known = _known(at)
        close = get_close_matches(keys[-1], known, n=1)
        hint = f" (did you mean `{close[0]}`?)" if close else ""
        return f"{where}{key}unknown key{hint}; there are {', '.join(known)}"
    if problem["type"] in ("missing", "value_error"):
        return f"{where}{key}{wrong}; see docs/experiments.md"
    return f"{where}{key}{wrong} (got {repr(problem['input'])[:100]}); see docs/experiments.md"


def _known(at: Sequence[int | str]) -> list[str]:
    """The keys that may stand where an unknown one does."""
    table = next(
        (
            model
            for key, model in (("settings", ArmSettings), ("arms", Arm), ("experiment", Experiment))
            if key in at[:-1]
        ),
        Experiments,
    )
    return list(table.model_fields)
