"""What a part was found to be worth; gating.py finds it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """The paired gain of one part in NDCG@k on validation, with its 95% interval."""

    part: str
    kind: str
    """The lists it was measured on: warm, short, mixed or cold (see cases.py)."""
    gain: float
    low: float
    high: float
    kept: bool
