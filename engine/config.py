"""The configuration: one typed tree, read from one TOML file. An unknown key is an error that names it and the file."""

import re
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from encoders.modality import KINDS
from engine import toml
from engine.errors import ConfigError
from graph import schema
from graph.errors import GraphError

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Column = Annotated[str | None, AfterValidator(lambda name: name or None)]
"""The name of a column; "" is none."""


class Section(BaseModel):
    """A table of the TOML file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings")


class Data(Section):
    """Where the tables are (paths relative to the configuration file) and which column means what."""

    items: Path | None = None
    """Needed: csv, tsv, parquet, jsonl or ndjson. In csv and tsv a `|` separates the values of an attribute."""
    interactions: Path | None = None
    """A row for each time that a user chose or rated an item; without it the engine can search, but not learn."""
    triples: Path | None = None
    """Facts of your own: a table with head, relation and tail (item ids or free ids), or nt, ttl, kg or KGAT's txt."""
    users: Path | None = None
    """What is known of users beside their history."""
    image_root: Path = Path()
    """The folder that paths of pictures start from; a picture outside it is refused."""
    item: str = "item_id"
    """The column of item ids, in items and interactions."""
    user: str = "user_id"
    """The column of user ids, in interactions and users."""
    value: str | None = "value"
    """Rating or weight of an interaction; without the column (or with "") every interaction weighs 1."""
    time: str | None = "time"
    """Unix seconds or a date; without the column (or with "") the order of the file is the order of events."""
    title: str = "title"
    """What lists show; without the column the id is shown."""
    text: tuple[str, ...] = ("title",)
    """Columns joined, in this order, into the text of an item."""
    image: str | None = "image"
    """The column of paths of pictures."""
    attributes: tuple[str, ...] = ()
    """Columns (a value or a list of values) that become nodes of the graph: HAS_GENRE for a column `genre`."""
    brand: Column = None
    """The column of the maker, which becomes a brand node."""
    category: Column = None
    """A path such as `Shoes > Sport shoes`, which becomes a tree of category nodes."""
    numeric: tuple[str, ...] = ()
    """Columns of numbers, kept for `where` filters (price, runtime)."""
    currency: Annotated[str, Field(pattern="[A-Z]{3}")] | None = None
    """Of the prices, as ISO 4217 has it (CNY); a query with a limit in another one is told so, and not compared."""
    user_attributes: tuple[str, ...] = ()
    """Columns of users (a value or a list of values) that become nodes of the graph."""


def _known_kind(encoder: str) -> str:
    kind, _, spec = encoder.partition(":")
    if kind not in KINDS or not spec:
        raise ValueError(f"an encoder is named KIND:SPEC, where KIND is {', '.join(KINDS)}")
    return encoder


class Encoders(Section):
    """Which encoders, by name, local directory or hub id; an empty string switches one off."""

    text: str = "multilingual"
    """`multilingual` (zh, en and 14 more), `minilm` (English), a directory or a hub id."""
    passages: bool = False
    """Read the whole of long texts, passage by passage; without it all but `multilingual` stop after 256 tokens."""
    image: str = "efficientnet-lite0"
    """`efficientnet-lite0`, a directory (of an encoder tuned on pictures of your own, say) or a hub id."""
    clip: str = ""
    """Finds pictures of `efficientnet-lite0` by English words: `weft-small`, or a directory of heads of your own."""
    queries: str = ""
    """Moves queries that `multilingual` reads to what they ask for: `weft-queries`, or a directory of your own."""
    cache: Path = Path(".weft/embeddings")
    """Where vectors are kept, so that nothing is encoded twice."""
    half: bool = False
    """Keep new vectors there in 16 bits a number: half the disk."""
    fast: bool = True
    """Encode 2,000 things or more in the way that a trial on some of them finds quickest, where it agrees."""
    agreement: Annotated[float, Field(ge=0, le=1)] = 0.99
    """Share of the ten nearest of each thing of the trial that a way must leave as they are."""


class Modality(Section):
    """What an item has beside text and picture: docs/modalities.md."""

    encoder: Annotated[str, AfterValidator(_known_kind)]
    """KIND:SPEC: `audio:log-mel`, `video:weft-small`, `image:NAME`, `text:NAME`, `table:FILE` of made vectors."""
    column: Column = None
    """Of items: a path from data.image_root, a text or, for a table, its key; by default named as the modality."""
    search: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Weight in a search, where the encoder puts words into the same space; 0 leaves it out."""


def _without_secrets(uri: str) -> str:
    if "@" in uri:
        raise ValueError("no name or password in an address; set NEO4J_USERNAME and NEO4J_PASSWORD")
    return uri


def _declarable(relations: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    try:
        schema.Declared(relations)
    except GraphError as error:
        raise ValueError(str(error)) from None
    return relations


class Graph(Section):
    """Where the knowledge graph is kept."""

    store: Literal["ladybug", "neo4j", "none"] = "ladybug"
    """`ladybug` keeps it in the artefact, for Cypher; `neo4j` in a server; with `none` it is in memory only."""
    uri: Annotated[str, AfterValidator(_without_secrets)] = "bolt://localhost:7687"
    """Of the Neo4j; who asks is NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE in the environment."""
    relations: Annotated[dict[str, tuple[str, str]], AfterValidator(_declarable)] = {}
    """What relations of your triples go from and to, as labels: ends get them, and what is against it is rejected."""
    strict: bool = False
    """Reject triples of every relation that is not declared in `relations`."""
    link: bool = False
    """Join items to what their texts name too (entity linking): a fact that the table lacks, or else a mention."""
    review: Path | None = None
    """The file in which you decided on links that were unsure; `weft graph link` writes it."""

    def declared(self) -> schema.Declared:
        return schema.Declared(self.relations, self.strict)


class Rules(Section):
    """Rules of a merchandiser over the graph and the tables: docs/rules.md."""

    file: Path | None = None
    """The TOML file of rules; its content is kept in the artefact."""


HalfLives = Annotated[tuple[Positive, ...], Field(min_length=1)]
"""In events: after so many later events a past one weighs half; `inf` never fades. Each gives a signal of its own."""


class Ease(Section):
    """EASE (Steck 2019): closed-form item-item weights, read from histories that fade."""

    enabled: bool = True
    """Whether this generator is built."""
    l2: Positive = 500.0
    """Ridge penalty; more items or fewer events want more."""
    half_lives: HalfLives = (3.0, 10.0, 30.0, inf)
    """In events: after so many a past event weighs half; `inf` never fades. Each gives a signal of its own."""
    power: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Of popularity, that choices are divided by before; scores get half of it back. It wants a smaller `l2`."""
    max_items: Count = 25_000
    """Of more items than this each gets weights from its nearest only; up to it memory is 4 bytes times the square."""
    near: Count = 100
    """Items that say most of an item, whose weights are kept then; time is cubic in it."""


class Als(Section):
    """iALS (Hu 2008; Rendle 2022): taste as a point among factors, where a history is folded in exactly."""

    enabled: bool = True
    """Whether this generator is built."""
    dim: Count = 64
    """Factors."""
    rest: Positive = 0.01
    """Weight of every pair that is not a choice."""
    l2: Positive = 0.003
    """Ridge penalty, for each choice and, `rest` times, for each that was possible."""
    rounds: Count = 8
    """Passes over users and items."""
    half_lives: HalfLives = (10.0, inf)
    """As of EASE."""


class Neighbours(Section):
    """What else those chose who chose this, with popular items and long histories saying less."""

    enabled: bool = True
    """Whether this generator is built."""
    length: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Of the length of a history, that what it says is divided by."""
    history: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Of the popularity of an item of the history."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Of the popularity of the candidate."""
    keep: Count = 500
    """Neighbours of an item that are kept."""
    half_lives: HalfLives = (10.0, inf)
    """As of EASE."""


class Transitions(Section):
    """Item-to-item transitions with decay, divided by a power of both popularities."""

    enabled: bool = True
    """Whether this generator is built."""
    window: Count = 20
    """Events after an event that count as following it."""
    decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Weight of a pair falls by this with each event between."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Of both popularities; 0 leaves the counts as they are, 1 divides them by the full product."""
    half_lives: HalfLives = (0.7, 1.5, 4.0)
    """As of EASE."""


class Later(Transitions):
    """The same over a long window: what is chosen at all after what."""

    window: Count = 200
    """As of transitions."""
    decay: Annotated[float, Field(gt=0, le=1)] = 0.995
    """As of transitions."""
    half_lives: HalfLives = (4.0, 10.0, 30.0)
    """As of EASE."""


class Attention(Section):
    """What comes next, by attention over the history: ids, text, picture and facts of items in one space."""

    enabled: bool = True
    """Whether this generator is built."""
    dim: Count = 64
    """Size of the space; `heads` divides it."""
    heads: Count = 4
    """Ways of looking back, from the latest events alone to the whole history."""
    length: Count = 100
    """Latest events that are looked at."""
    epochs: Count = 8
    """Passes over the histories."""
    events: Count = 400_000
    """Most events a pass; pieces of histories are drawn where there are more."""
    learning_rate: Positive = 0.004
    """The highest, of AdamW: it rises along a line, then falls along a cosine."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of values hidden in training."""
    hidden_ids: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of items that a step of training treats as new."""
    hidden_modalities: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of texts, pictures and facts that a step of training does without."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.2
    """Of AdamW."""
    max_items: Count = 100_000
    """It is not built for a larger catalogue: each step of its training moves every item."""

    @model_validator(mode="after")
    def _divided(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"`heads` ({self.heads}) must divide `dim` ({self.dim})")
        return self


class Popularity(Section):
    """How often an item was chosen; predicted from content for an item nobody has met."""

    enabled: bool = True
    """Whether this generator is built."""


class Content(Section):
    """Kernel ridge from what an item is (graph facts, words, text, picture) to who chose it. Zero drops a kernel."""

    enabled: bool = True
    """Whether this generator is built."""
    facts: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the graph's facts."""
    words: Annotated[float, Field(ge=0)] = 0.3
    """Weight of the words (TF-IDF)."""
    text: Annotated[float, Field(ge=0)] = 0.6
    """Weight of the text encoder."""
    image: Annotated[float, Field(ge=0)] = 0.15
    """Weight of the image encoder."""
    more: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Weights of further modalities, by name; of one that is not named .15."""
    l2: Positive = 6.0
    """Ridge penalty."""
    rank: Count = 20
    """Of the smoothed targets: taste is learned in this many dimensions."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Of popularity, that choices are divided by: the higher, the less taste follows what is popular."""
    half_lives: HalfLives = (3.0, inf)
    """As of EASE."""
    max_items: Count = 20_000
    """Only the most chosen items are learned from; time is cubic in it."""


class Gnn(Section):
    """Relational graph network over the knowledge graph, carrying the modality vectors."""

    enabled: bool = True
    """Whether this generator is built."""
    kind: Literal["relational", "propagation", "attention"] = "relational"
    """How nodes speak: by a matrix for each relation (R-GCN), plain sums (LightGCN), or attention (GATv2)."""
    dim: Count = 64
    """Size of a node's vector."""
    epochs: Count = 80
    """Passes over the whole graph, at most."""
    contrast: Annotated[float, Field(ge=0)] = 0.2
    """Weight of the contrastive loss (be nearer to your own place than to those of others); 0 leaves it out."""
    temperature: Positive = 0.2
    """Of the contrastive loss."""
    link: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the link loss (tell true edges from made-up ones); 0 leaves it out."""
    calm: Annotated[float, Field(ge=0)] = 3e-3
    """Penalty on relations of few edges, so that rare ones do not shout."""
    held: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the items with history held cold to find the best number of epochs; doubles the time."""
    learning_rate: Positive = 0.01
    """The highest, of AdamW: it rises along a line, then falls along a cosine."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Share of values hidden in training."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    """Of AdamW."""
    rank: Count = 20
    """As of content."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.25
    """As of content."""
    half_lives: HalfLives = (10.0, inf)
    """As of EASE."""
    max_items: Count = 100_000
    """Only the most chosen items are learned from."""


class Interest(Section):
    """Interest-weighted similarity: how like recent items, times how much of a history is of what an item is."""

    enabled: bool = False
    """Whether this generator is built; `weft recommend --mode interest` works without it."""
    half_lives: HalfLives = (3.0, inf)
    """Of the items that a candidate is compared with, in events; the mode goes by the first."""
    memory: Positive = 200.0
    """Half-life, in events, of the history that interests are read from."""
    smoothing: Positive = 30.0
    """Events of a person whose interests are those of the catalogue, that a history is added to."""


class Prior(Section):
    """Popularity predicted from what an item is, by boosted trees, for items that nobody has met."""

    enabled: bool = True
    """Whether this generator is built."""
    rounds: Count = 250
    """Trees."""
    max_items: Count = 5_000
    """At most so many items are learned from, evenly over their popularity; time is cubic in it."""


class Candidates(Section):
    ease: Ease = Ease()
    als: Als = Als()
    neighbours: Neighbours = Neighbours()
    transitions: Transitions = Transitions()
    later: Later = Later()
    attention: Attention = Attention()
    popularity: Popularity = Popularity()
    content: Content = Content()
    gnn: Gnn = Gnn()
    interest: Interest = Interest()
    prior: Prior = Prior()


class Fusion(Section):
    """The learned fusion over the generators' signals, and the reranker on top of it."""

    l2: Annotated[float, Field(ge=0)] = 1e-4
    """Ridge penalty of the signals' weights."""
    users: Count = 1000
    """Users whose lists the fusion learns from, at most."""
    hidden_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of the items hidden from the generators, so that the fusion learns what new items are worth."""
    gate: bool = True
    """Switch off each part that adds nothing to the ranking of validation."""
    surely: bool = False
    """Switch off each part whose gain there is not beyond chance, too: fewer parts, a little less quality."""
    rerank: bool = True
    """Reorder the top of each list by a boosted model."""
    depth: Count = 120
    """Candidates a user that the reranker sees."""
    rounds: Count = 400
    """Most boosting rounds; validation stops earlier."""
    share: Positive = 0.5
    """Weight of the fused score that the reranker starts from."""


class Search(Section):
    """What a search does of its own accord: docs/search.md."""

    spelling: bool = False
    """Read a word that no item has as the nearest that one has, and say so; without it that is only proposed."""


class Defence(Section):
    """What is left out of learning because it looks like an attack: docs/robustness.md."""

    fakes: bool = False
    """Users with histories that look made up to push one item; they get lists all the same."""
    copies: bool = False
    """What is said of a new item that says nearly the same as a known one; a search finds it all the same."""


class Diversity(Section):
    """How unlike one another the items of a list are: docs/diversity.md. Nothing of it counts in `weft evaluate`."""

    weight: Annotated[float, Field(ge=0, le=100)] = 0.0
    """In standard deviations of the user's scores, as of a rule: what likeness to the items above costs; 0 is off."""
    by: Literal["dpp", "mmr", "calibrated"] = "dpp"
    """`dpp`: unlike all above; `mmr`: unlike the nearest above; `calibrated`: kinds in the shares of the history."""
    column: Column = None
    """Of items, the kinds of `calibrated`: the category, or else the first attribute, if not given."""
    shortlist: Annotated[int, Field(ge=1, le=1000)] = 100
    """So many of the best are looked at; what a longer list has beyond them follows by score."""


class Exploration(Section):
    """Places of a list that are drawn, so that it is learned what people think of what they are not shown."""

    places: Annotated[int, Field(ge=0, le=1000)] = 0
    """So many, the last ones of each list; 0 is off."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 0.5
    """In standard deviations of the user's scores: what is so much higher is e times as likely."""
    even: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the chances that all of the shortlist have alike, so that none is next to nothing."""
    shortlist: Annotated[int, Field(ge=1, le=1000)] = 100
    """So many of the best may be drawn."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """With one the same question gets the same draw; without it each is drawn anew."""


class Evaluation(Section):
    split: Literal["time", "leave-one-out", "random", "cold-item", "cold-user"] = "time"
    """What is held out: the latest events, one event a user, any events, all events of some items or of some users."""
    k: Count = 20
    """Length of the lists that are scored."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share held out for the figures."""
    valid_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share held out for gates and choices."""
    resamples: Count = 1000
    """Bootstrap samples of users behind each interval."""


class Update(Section):
    """How `weft update` learns from what is new: docs/updating.md."""

    newest: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the new events, the latest, that an update is judged by before it is made."""
    rounds: Count = 2
    """Passes of iALS, from the factors that are there."""
    epochs: Count = 3
    """Passes of the attention over the histories that grew, from the weights that are there."""
    rate: Positive = 0.5
    """Of its learning rate."""
    replay: Annotated[float, Field(ge=0)] = 1.0
    """Events of others that it goes over beside them, times those."""
    anew: Count = 5_000
    """Items with history up to which the kernel ridge of `content` is solved anew; beyond, its places stay."""
    cases: Count = 300
    """Old lists of each kind that an artefact keeps, drawn evenly from all that the fusion ever learned from."""
    memory: Annotated[float, Field(ge=0)] = 0.1
    """What an old list weighs beside a new one."""
    distance: Annotated[float, Field(ge=0)] = 1e-4
    """What it costs the weights of the fusion to move away from where they are: L2."""
    everyone: bool = True
    """Whether the fusion learns to tell everybody's latest events, or, quicker, theirs alone who have new ones."""


class Tracking(Section):
    """Where the course of a training is written: docs/benching.md."""

    to: Literal["", "tensorboard", "wandb", "mlflow"] = "tensorboard"
    """`tensorboard`; `wandb` or `mlflow` where they are installed; an empty string writes nothing."""
    folder: Path = Path(".weft/tracking")
    """A folder in it for each run; `tensorboard --logdir` shows them side by side."""


TAKEN = frozenset(
    ("facts", "words", "text", "image", "picture", "graph", "named", "meaning", "taste", "looks", "kind", "like")
)
"""Names of modalities and signals that there are anyway."""


def _nameable(modalities: dict[str, Modality]) -> dict[str, Modality]:
    for name in modalities:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name in TAKEN:
            raise ValueError(f"{name!r} cannot name a modality: small letters, digits and _, and no name that is taken")
    return dict(sorted(modalities.items()))


class Config(Section):
    """Everything a build depends on besides the tables."""

    seed: int = 0
    """Every random draw starts from it: the same seed and tables give the same engine."""
    threads: Count = 2
    """Threads of the learning parts; more than there are free cores makes it many times slower."""
    batch_mib: Count = 64
    """Most MiB of scores that making many lists holds at once; who asks for more users has them ranked in batches."""
    data: Data = Data()
    encoders: Encoders = Encoders()
    modalities: Annotated[dict[str, Modality], AfterValidator(_nameable)] = {}
    """What items have beside text and picture, a table [modalities.NAME] each: docs/modalities.md."""
    graph: Graph = Graph()
    rules: Rules = Rules()
    candidates: Candidates = Candidates()
    fusion: Fusion = Fusion()
    search: Search = Search()
    defence: Defence = Defence()
    diversity: Diversity = Diversity()
    exploration: Exploration = Exploration()
    evaluation: Evaluation = Evaluation()
    update: Update = Update()
    tracking: Tracking = Tracking()

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        strangers = set(self.candidates.content.more) - set(self.modalities)
        if strangers:
            raise ValueError(
                f"candidates.content.more weighs {', '.join(sorted(strangers))}, named in no [modalities.NAME]"
            )
        return self


def load(path: Path) -> Config:
    """Read a TOML file; relative paths in it become absolute ones, from its folder.

    So an artefact finds its pictures from wherever it is opened. Raises ConfigError as `read` does.
    """
    return resolve(read(path), path.absolute().parent)


def read(path: Path) -> Config:
    """Read a TOML file as it stands.

    Raises ConfigError naming the file, the line or key, and what to do about it.
    """
    text, tree = toml.read(path, "`weft init` writes a commented one")
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, problem) for problem in error.errors())) from None


def resolve(config: Config, folder: Path) -> Config:
    """The same configuration with every relative path of it taken from `folder`."""
    tables = {
        name: folder / value
        for name in ("items", "interactions", "triples", "users", "image_root")
        if (value := getattr(config.data, name)) is not None
    }
    data = config.data.model_copy(update=tables)
    named = {name: getattr(config.encoders, name) for name in ("text", "image", "clip", "queries")}
    local = {name: str(folder / spec) for name, spec in named.items() if spec and (folder / spec).is_dir()}
    encoders = config.encoders.model_copy(update={"cache": folder / config.encoders.cache, **local})
    modalities = {name: _placed(one, folder) for name, one in config.modalities.items()}
    tracking = config.tracking.model_copy(update={"folder": folder / config.tracking.folder})
    file, review = config.rules.file, config.graph.review
    rules = config.rules.model_copy(update={"file": None if file is None else folder / file})
    graph = config.graph.model_copy(update={"review": None if review is None else folder / review})
    changes = {"data": data, "encoders": encoders, "graph": graph, "rules": rules, "tracking": tracking}
    return config.model_copy(update=changes | {"modalities": modalities})


def _placed(modality: Modality, folder: Path) -> Modality:
    """The modality with the path of its encoder, if it is one, taken from `folder`."""
    kind, _, spec = modality.encoder.partition(":")
    local = kind == "table" or (folder / spec).is_dir()
    return modality.model_copy(update={"encoder": f"{kind}:{folder / spec}"}) if local else modality


def _explain(path: Path, text: str, problem: ErrorDetails) -> str:
    """One line: file, line, key, what is wrong with it, and the remedy."""
    keys = [part for part in problem["loc"] if isinstance(part, str)]
    if not keys:
        return f"{path}: {problem['msg']}; correct one of them"
    line = _line(text, keys)
    place = f"{path}: line {line}: " if line else f"{path}: "
    key = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        close = _closest(keys)
        hint = f" (did you mean `{close}`?)" if close else ""
        return f"{place}unknown key `{key}`{hint}; remove it, or see `weft init` for the keys there are"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{place}`{key}` is a table: write [{key}] and its keys below"
    wrong = "a path in quotes is wanted" if problem["type"].startswith("path") else problem["msg"]
    return f"{place}`{key}`: {wrong} (got {repr(problem['input'])[:100]}); {_remedy(keys)}"


def _line(text: str, keys: list[str]) -> int | None:
    """The line (1 is the first) where a key, or the table it would be in, is set in TOML written the usual way."""
    table = ""
    name = ".".join(keys)
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w.\-]+)\s*\]", line)
        assigned = re.match(r"\s*([\w.\-]+)\s*=", line)
        if header:
            table = header[1]
        found = table if header else f"{table}.{assigned[1]}".lstrip(".") if assigned else ""
        if found == name or (header and found.startswith(f"{name}.")):
            return number
    return None


def _closest(keys: list[str]) -> str | None:
    """The key that an unknown one was likely meant to be: a similar one beside it, or one of its name elsewhere."""
    known = _known(Config)
    table, name = keys[:-1], keys[-1]
    beside = [path[-1] for path in known if path[:-1] == table] + [
        path[len(table)] for path in known if path[: len(table)] == table and len(path) > len(table) + 1
    ]
    close = get_close_matches(name, beside, n=1)
    if close:
        return ".".join([*table, close[0]])
    return next((".".join(path) for path in known if path[-1] == name), None)


def _known(model: type[BaseModel]) -> list[list[str]]:
    """The path of every key of the tree."""
    paths = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        inner = _known(kind) if isinstance(kind, type) and issubclass(kind, Section) else [[]]
        paths += [[name, *path] for path in inner]
    return paths


def _remedy(keys: list[str]) -> str:
    if keys[0] == "modalities":
        return 'correct it; docs/modalities.md has examples, as [modalities.sound] with encoder = "audio:log-mel"'
    model: Any = Config
    for name in keys[:-1]:
        model = model.model_fields[name].annotation
        if model is None or not hasattr(model, "model_fields"):  # a table of names that a person chooses
            return 'write it as name = ["Item", "Person"]'
    default = model.model_fields[keys[-1]].default
    return "correct it, or leave it out" + (f" for the default, {default!r}" if default not in (None, {}) else "")
