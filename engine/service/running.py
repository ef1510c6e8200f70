"""The experiments that a service runs: whose answer is by which arm, and what it showed."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from engine.engine import Recommendation
from engine.service.eventlog import EventLog
from engine.service.experiments import Assigned, Experiment, Experiments, Surface
from engine.service.exposures import Exposure, Exposures
from engine.service.outcomes import Results, results


class Running:
    """The experiments of one file over one log; without any it does nothing."""

    def __init__(self, experiments: Experiments, log: EventLog) -> None:
        self.experiments = experiments
        self._log = log
        self._exposures = Exposures(log.path) if experiments.experiment else None

    def assigned(self, on: Surface, user: str | None) -> Assigned | None:
        """The arm that an answer to this user is to be given by, if any."""
        return None if user is None else self.experiments.assigned(on, user)

    def shown(
        self,
        assigned: Assigned | None,
        user: str | None,
        found: Sequence[Recommendation],
        asked: Mapping[str, Any],
        skipped: int = 0,
    ) -> dict[str, str]:
        """Note what a user is shown of a list, and say by which arm, as an answer does; {} outside of experiments."""
        if assigned is None or user is None or self._exposures is None:
            return {}
        experiment, arm = assigned
        chances = [one.propensity for one in found if one.propensity is not None]
        self._exposures.add(
            Exposure(
                int(time.time()),
                self._log.last.event,
                user,
                experiment.name,
                arm.name,
                [one.item_id for one in found],
                skipped,
                chances if found and len(chances) == len(found) else None,
                {key: value for key, value in asked.items() if value not in (None, "")},
            )
        )
        return {"experiment": experiment.name, "arm": arm.name}

    def results(self, one: Experiment) -> Results:
        """What an experiment tells now. Costs all of the log: a second for 200,000 lists."""
        if self._exposures is not None:
            self._exposures.flush()
        return results(one, self._log, time.time())

    def close(self) -> None:
        if self._exposures is not None:
            self._exposures.close()
