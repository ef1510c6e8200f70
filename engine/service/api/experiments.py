"""Experiments over HTTP: which run, and what they tell."""

from typing import Annotated, Self

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from engine.errors import UnknownIdError
from engine.evaluation.experiment import Arm as ArmResult
from engine.evaluation.offpolicy import Estimate
from engine.service.experiments import Experiment
from engine.service.outcomes import Results
from engine.service.running import Running

Name = Annotated[str, InPath(max_length=80, description="The name of an experiment.", examples=["varied"])]


class Interval(BaseModel):
    """A 95% interval."""

    low: float
    high: float

    @classmethod
    def of(cls, found: Estimate | None) -> Self | None:
        return None if found is None else cls(low=found.low, high=found.high)


class ArmTold(BaseModel):
    """What one arm earned."""

    name: str
    exposed: int = Field(description="Users who were shown something.")
    users: int = Field(description="Those of them who count: whose days are over.")
    mean: float | None = Field(description="Reward a user.")
    difference: float | None = Field(description="To the first arm; null for that one.")
    fixed: Interval | None = Field(
        description="Of the difference, for one look at a time that was set beforehand; null while there are few users."
    )
    anytime: Interval | None = Field(description="Of the difference, for looking whenever and stopping whenever.")


class ResultsTold(BaseModel):
    """What an experiment tells now."""

    experiment: str
    reward: str
    arms: list[ArmTold]
    waiting: int = Field(description="Users whose days are not over.")
    moved: int = Field(description="Users who were shown lists of two arms; they count for their first.")
    sample_ratio: float = Field(description="Chance that users are shared out so unevenly (chi-squared).")
    mismatch: bool = Field(description="That chance is below .001: believe nothing here before the reason is found.")


class ExperimentList(BaseModel):
    """Experiments as the file has them."""

    experiments: list[Experiment]


def experiments(running: Running) -> APIRouter:
    """Experiments that run."""
    router = APIRouter(prefix="/v1/experiments", tags=["experiments"])

    @router.get("")
    def listed() -> ExperimentList:
        """The experiments that run, as their file has them."""
        return ExperimentList(experiments=list(running.experiments.experiment))

    @router.get("/{name}/results")
    def results(name: Name) -> ResultsTold:
        """What each arm earned a user, and two intervals for its difference to the first arm."""
        one = running.experiments.named(name)
        if one is None:
            raise UnknownIdError(f"no experiment {name!r} runs here")
        return told(one, running.results(one))

    return router


def told(one: Experiment, found: Results) -> ResultsTold:
    """Results in the shape of the interface."""
    base = found.compared.arms[0]
    return ResultsTold(
        experiment=one.name,
        reward=one.reward,
        arms=[_arm(arm, base, found.exposed[arm.name]) for arm in found.compared.arms],
        waiting=found.waiting,
        moved=found.moved,
        sample_ratio=found.ratio,
        mismatch=found.mismatch,
    )


def _arm(arm: ArmResult, base: ArmResult, exposed: int) -> ArmTold:
    compared = arm is not base and arm.users and base.users
    return ArmTold(
        name=arm.name,
        exposed=exposed,
        users=arm.users,
        mean=arm.mean if arm.users else None,
        difference=arm.mean - base.mean if compared else None,
        fixed=Interval.of(arm.fixed),
        anytime=Interval.of(arm.anytime),
    )
