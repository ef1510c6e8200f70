"""An engine as an artefact: which of its parts become tensors, tables, facts and trees, and back."""

import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import ValidationError

import graph
from engine import artifact
from engine.artifact import Artifact
from engine.calibration import Calibration
from engine.candidates import Features, restore
from engine.candidates.base import Tensors
from engine.config import Config
from engine.config import Graph as GraphSettings
from engine.describe import Vocabulary
from engine.errors import ArtifactError
from engine.fusion import Fusion
from engine.gate import Gate
from engine.ranker import Ranker
from engine.rerank import Reranker
from engine.rules.feedback import Feedback, restored
from engine.search import kept as search
from engine.search import nearest
from engine.search.intent import kept as vocabulary
from engine.search.kept import Kept
from engine.state import State
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue
from graph import version
from graph.build import GraphTables
from graph.errors import GraphError
from graph.rules import Rules

if TYPE_CHECKING:
    from engine.engine import Engine

log = logging.getLogger(__name__)

CATALOGUE = ("items", "interactions", "triples", "users", "rejects")


def save(engine: "Engine", path: Path) -> None:
    """Write the artefact: one directory, replaced in one step. Then the graph goes to the server, if one is configured.

    Raises GraphError if the server does not take it; the artefact is written all the same.
    """
    noted = _facts(engine)
    with tempfile.TemporaryDirectory() as aside:
        trees = {}
        if engine.config.graph.store == "ladybug":
            trees["graph"] = Path(aside) / "graph"
            with graph.open(trees["graph"]) as store:
                store.load(engine.graph)
        reranker = engine.ranker.reranker
        if reranker is not None:
            trees["reranker.txt"] = Path(aside) / "reranker.txt"
            trees["reranker.txt"].write_text(reranker.booster.model_to_string(num_iteration=reranker.rounds))
            noted["reranker"] = {name: getattr(reranker, name) for name in ("share", "depth", "rounds")}
        indices = engine.state.searcher.indices()
        for signal, index in indices.items():
            trees[f"{signal}.index"] = Path(aside) / f"{signal}.index"
            index.save(trees[f"{signal}.index"])
        noted["indices"] = list(indices)
        made = *engine.state.searcher.anew(), engine.state.helps.completer
        tensors = _tensors(engine) | {search.ARRAYS: search.arrays(*made)}
        tables = _tables(engine) | search.tables(*made)
        artifact.write(path, tensors=tensors, tables=tables, facts=noted, trees=trees)
    if engine.config.graph.store == "neo4j":
        _send(engine.graph, engine.config.graph.uri, path)


def load(path: Path) -> dict[str, Any]:
    """The fields of the engine in an artefact, by name.

    Raises ArtifactError when a file, hash, version or dimension is not what was written, and when the graph in it is
    another than the engine's.
    """
    kept = artifact.read(path)
    try:
        parts = _parts(kept)
        _compare(kept, parts["state"].config.graph)
        return parts
    except (ValidationError, KeyError, TypeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ArtifactError(f"{path}: it does not fit this version of Weft ({reason}); build it again") from error


def _send(tables: GraphTables, uri: str, path: Path) -> None:
    try:
        with graph.open(uri) as store:
            store.load(tables)
    except GraphError as error:
        remedy = f"the artefact is written; then put its graph there: weft graph load {path} {uri}"
        raise GraphError(f"{error}; {remedy}") from error


def _compare(kept: Artifact, settings: GraphSettings) -> None:
    """Hold the version of the graph in its store against the engine's.

    The artefact's own graph must be the engine's. A server has others who change it, and the engine reads its own
    tables: so there a difference, or no answer, is a warning.
    """
    wanted = kept.facts.get("graph_version")
    if wanted is None or settings.store == "none":
        return
    place = kept.tree("graph") if settings.store == "ladybug" else settings.uri
    try:
        with graph.open(place, read_only=True) as store:
            found = store.version()
        reason = None if found == wanted else f"{place}: the graph there is not the one that the engine learned from"
    except GraphError as error:
        reason = str(error)
    if reason and settings.store == "ladybug":
        raise ArtifactError(f"{kept.folder}: {reason}; build the artefact again")
    if reason:
        log.warning("%s; to put it there: weft graph load %s %s", reason, kept.folder, place)


def _parts(kept: Artifact) -> dict[str, Any]:
    idf = kept.tensors("idf")
    words = tuple(kept.table("words")["word"].to_list())
    settings = Config.model_validate(kept.facts["config"])
    state = State(
        settings,
        Catalogue(**{name: kept.table(name) for name in CATALOGUE}),
        _ranker(kept, settings),
        Vocabulary(kept.table("entities"), idf["facts"], words, idf["words"]),
        GraphTables(kept.table("graph_nodes"), kept.table("graph_edges")),
        Rules.model_validate(kept.facts.get("rules", {})),
        np.asarray(kept.tensors("features").get("removed", []), bool),  # in artefacts of before, nothing was
        restored(kept.table("feedback")) if kept.has("feedback.parquet") else Feedback(),
        {signal: nearest.opened(kept.tree(f"{signal}.index")) for signal in kept.facts.get("indices", [])},
        Kept(  # not in those of before
            {name: kept.table(name) for name in (*vocabulary.TABLES, *search.TABLES) if kept.has(f"{name}.parquet")},
            kept.tensors(search.ARRAYS) if kept.has(f"{search.ARRAYS}.safetensors") else {},
        ),
        kept.facts.get("learned", -1),
    )
    return {
        "state": state,
        "gates": [Gate(**gate) for gate in kept.facts["gates"]],
        "curves": kept.facts["curves"],
        "timings": kept.facts["timings"],
        "encoded": kept.facts["encoded"],
        # In artefacts of before, none of these.
        "old": kept.tensors("cases") if kept.has("cases.safetensors") else {},
        "held": {name: kept.tensors(f"held.{name}") for name in kept.facts.get("held", [])},
        "quality": kept.facts.get("quality", {}),
        "updates": kept.facts.get("updates", []),
        "fast": kept.facts.get("fast", {}),
    }


def _tensors(engine: "Engine") -> dict[str, Tensors]:
    ranker, features = engine.ranker, engine.ranker.features
    return {
        **{f"generator.{generator.name}": dict(generator.tensors()) for generator in ranker.generators},
        **{f"held.{name}": dict(tensors) for name, tensors in engine.held.items()},
        "features": {**features.tensors(), "known": ranker.known, "removed": engine.state.removed},
        "cases": engine.old,
        "fusion": {name: getattr(ranker.fusion, name) for name in ("weight", "slope", "offset")},
        "idf": {"facts": engine.state.vocabulary.facts_idf, "words": engine.state.vocabulary.words_idf},
    }


def _tables(engine: "Engine") -> dict[str, pl.DataFrame]:
    return {
        **{name: getattr(engine.catalogue, name) for name in CATALOGUE},
        "entities": engine.state.vocabulary.entities,
        "feedback": engine.state.feedback.table(),
        "words": pl.DataFrame({"word": engine.state.vocabulary.words}, schema={"word": pl.String}),
        "graph_nodes": engine.graph.nodes,
        "graph_edges": engine.graph.edges,
        **vocabulary.tables(engine.state.searcher.vocabulary),
    }


def _facts(engine: "Engine") -> dict[str, Any]:
    return {
        "config": json.loads(engine.config.model_dump_json()),
        "data": catalogue.fingerprint(engine.catalogue),
        "graph_version": version.of(engine.graph),
        "generators": [generator.name for generator in engine.ranker.generators],
        "signals": list(engine.ranker.fusion.names),
        "held": list(engine.held),
        "gates": [vars(gate) for gate in engine.gates],
        "curves": engine.curves,
        "timings": engine.timings,
        "encoded": engine.encoded,
        "fast": engine.fast,
        "rules": engine.rules.plain(),
        "learned": engine.state.learned,
        "quality": engine.quality,
        "updates": engine.updates,
        "calibration": None if engine.ranker.calibration is None else vars(engine.ranker.calibration),
    }


def _ranker(kept: Artifact, settings: Config) -> Ranker:
    raw, fused = kept.tensors("features"), kept.tensors("fusion")
    reranker = None
    if "reranker" in kept.facts:
        import lightgbm

        booster = lightgbm.Booster(model_str=kept.tree("reranker.txt").read_text())
        reranker = Reranker(booster, **kept.facts["reranker"])
    return Ranker(
        restore({name: kept.tensors(f"generator.{name}") for name in kept.facts["generators"]}),
        Fusion(tuple(kept.facts["signals"]), fused["weight"], fused["slope"], fused["offset"]),
        reranker,
        Features.from_tensors(raw),
        np.asarray(raw["known"], bool),
        None if kept.facts.get("calibration") is None else Calibration(**kept.facts["calibration"]),
        settings.batch_mib,
    )
