"""The configuration: one typed tree, read from one TOML file. Unknown keys are errors that name the key and the file."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of the TOML file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where the tables are (paths relative to the configuration file) and which column means what."""

    items: Path | None = None
    interactions: Path | None = None
    triples: Path | None = None
    users: Path | None = None
    image_root: Path = Path(".")
    item: str = "item_id"
    user: str = "user_id"
    value: str | None = "value"
    """Rating or weight of an interaction; without the column every interaction weighs 1."""
    time: str | None = "time"
    """Unix seconds or a date; without the column the order of the file is the order of events."""
    title: str = "title"
    text: tuple[str, ...] = ("title",)
    """Columns joined, in this order, into the text of an item."""
    image: str | None = "image"
    attributes: tuple[str, ...] = ()
    """Columns (a value or a list of values) that become nodes of the graph: HAS_GENRE for a column `genre`."""
    brand: str | None = None
    category: str | None = None
    """A path such as `Shoes > Sport shoes`, which becomes a tree of category nodes."""
    numeric: tuple[str, ...] = ()
    """Columns of numbers, kept for `where` filters (price, runtime)."""
    user_attributes: tuple[str, ...] = ()


class Encoders(Section):
    """Which encoders, by name, local directory or hub id; an empty string switches one off."""

    text: str = "multilingual"
    image: str = "efficientnet-lite0"
    clip: str = ""
    """An open_clip model for text-to-image search, for instance `weft-small`."""
    cache: Path = Path(".weft/embeddings")


class Graph(Section):
    """Where the knowledge graph is kept."""

    store: Literal["ladybug", "none"] = "ladybug"


class Ease(Section):
    """EASE (Steck 2019) on a history weighted by recency."""

    enabled: bool = True
    l2: Positive = 200.0
    half_life: Positive = 10.0
    """After so many later events a past event weighs half."""


class Transitions(Section):
    """Item-to-item transitions with decay, divided by the root of both popularities."""

    enabled: bool = True
    window: Count = 10
    decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    half_life: Positive = 2.0


class Popularity(Section):
    """How often an item was chosen, recent choices weighing more when `half_life_days` is set."""

    enabled: bool = True
    half_life_days: Positive | None = None


class Content(Section):
    """Kernel ridge from what an item is (words, pictures, graph facts) to who chose it."""

    enabled: bool = True
    facts: float = 1.0
    text: float = 0.6
    words: float = 0.3
    image: float = 0.15
    l2: Positive = 1.0
    rank: Count = 20
    half_life: Positive = 1000.0
    prior: bool = True


class Gnn(Section):
    """Relational graph network over the knowledge graph, carrying the modality vectors."""

    enabled: bool = True
    dim: Count = 64
    layers: Count = 2
    epochs: Count = 60
    learning_rate: Positive = 0.01
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class Candidates(Section):
    ease: Ease = Ease()
    transitions: Transitions = Transitions()
    popularity: Popularity = Popularity()
    content: Content = Content()
    gnn: Gnn = Gnn()


class Fusion(Section):
    """The learned fusion over the generators' scores."""

    epochs: Count = 200
    learning_rate: Positive = 0.02
    l2: Annotated[float, Field(ge=0)] = 1e-4
    folds: Count = 5
    """Cold folds: each hides a part of the items from the generators, so that the fusion learns what new items are worth."""
    gate: bool = True
    """Switch off each part whose paired gain on validation includes zero."""


class Evaluation(Section):
    split: Literal["time", "leave-one-out", "random", "cold-item", "cold-user"] = "time"
    k: Count = 20
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    valid_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    resamples: Count = 1000


class Config(Section):
    """Everything a build depends on besides the tables."""

    seed: int = 0
    threads: Count = 2
    data: Data = Data()
    encoders: Encoders = Encoders()
    graph: Graph = Graph()
    candidates: Candidates = Candidates()
    fusion: Fusion = Fusion()
    evaluation: Evaluation = Evaluation()


def load(path: Path) -> Config:
    """Read a TOML file; relative paths in it are resolved against its folder.

    Raises ConfigError naming the file, the line or key, and what to do about it.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `weft init` writes a commented one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; the file must be UTF-8 TOML") from None
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, problem) for problem in error.errors())) from None
    return resolve(config, path.parent)


def resolve(config: Config, folder: Path) -> Config:
    """The same configuration with every relative path of it taken from `folder`."""
    tables = {
        name: folder / value
        for name in ("items", "interactions", "triples", "users", "image_root")
        if (value := getattr(config.data, name)) is not None
    }
    data = config.data.model_copy(update=tables)
    encoders = config.encoders.model_copy(update={"cache": folder / config.encoders.cache})
    return config.model_copy(update={"data": data, "encoders": encoders})


def _explain(path: Path, problem: object) -> str:
    assert isinstance(problem, dict)
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key `{key}`; remove it or see `weft init` for the keys there are"
    return f"{path}: `{key}`: {problem['msg']} (got {problem['input']!r})"
