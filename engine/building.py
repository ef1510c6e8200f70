"""An engine's parts from its tables: read, described, learned."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from engine import config, describe, history
from engine.cases import met
from engine.clock import Clock
from engine.config import Config
from engine.errors import DataError
from engine.ranker import Ranker
from engine.rules import rulefile
from engine.rules.book import bind
from engine.state import State
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue
from engine.tracking import open_tracker, record
from engine.training import train
from graph.rules import Rules

log = logging.getLogger(__name__)


def build(
    source: Config | Path | str | Catalogue,
    settings: Config | None = None,
    stage: Callable[[str], None] = log.info,
    progress: describe.Progress | None = None,
) -> dict[str, Any]:
    """The fields of an engine, by name; as `Engine.build`."""
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
    clock("graph facts, words, and vectors of texts, pictures and further modalities")
    described = describe.describe(tables, settings, progress=progress)
    bind(written, tables, described.graph)  # what does not fit is told before the work
    tables = catalogue.reject_cells(tables, described.rejects, settings)
    index = {item: row for row, item in enumerate(tables.items["item_id"])}
    users = tables.interactions["user_id"].unique(maintain_order=True).to_list()
    histories = history.from_frame(tables.interactions, users, index)
    facts = settings.model_dump(mode="json")
    with closing(open_tracker(settings.tracking, "build", facts)) as tracker:
        trained = train(histories, described.features, settings, clock)
        record.trained(tracker, trained, tables.items["title"].to_list())
    clock("indices of search")
    ranker = Ranker(
        trained.generators,
        trained.fusion,
        trained.reranker,
        described.features,
        met(histories),
        trained.calibration,
        settings.batch_mib,
    )
    encoded = {
        f"{kind} {what}": getattr(found, what)
        for kind, found in described.encoded.items()
        for what in ("encoded", "reused")
    }
    state = State(settings, tables, ranker, described.vocabulary, described.graph, written)
    state.searcher.indices()
    clock("")
    fast = {kind: found.how for kind, found in described.encoded.items() if found.how}
    learned = {
        "gates": trained.gates,
        "curves": trained.curves,
        "timings": clock.seconds,
        "held": {one.name: one.tensors() for one in trained.held},
        "old": trained.old.tensors(),
        "quality": trained.quality,
    }
    return {"state": state, **learned, "encoded": encoded, "fast": fast}
