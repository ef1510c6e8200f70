"""RecBole: BPR, LightGCN, SASRec and KGAT. Run by the Python of its own environment.

RecBole's models, samplers and epochs are used as they are. Its own splitting, early stopping and checkpoints (which
are pickles) are not: it is given only what it may learn from, and is asked for the scores of every item.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import peer_choice
import recbole
import torch
from peer_split import Events, Ints, Scorer, read
from recbole.config import Config
from recbole.data.interaction import Interaction
from recbole.data.utils import create_dataset, get_dataloader
from recbole.model.knowledge_aware_recommender.kgat import KGAT
from recbole.sampler import KGSampler, Sampler
from recbole.trainer import trainer
from recbole.utils import get_model, get_trainer, init_seed
from scipy import sparse


class KGATWithoutDGL(KGAT):
    """KGAT builds one matrix with DGL, which does not import beside this torch; here scipy does the same."""

    def init_graph(self) -> Any:
        graph = self.ckg
        total = sparse.csr_matrix(graph.shape)
        for relation in range(1, self.n_relations):
            of = graph.data == relation
            part = sparse.csr_matrix((np.ones(of.sum()), (graph.row[of], graph.col[of])), graph.shape)
            degree = np.asarray(part.sum(1)).ravel()
            total += sparse.diags(1 / np.maximum(degree, 1)) @ part
        total = total.tocoo()
        places = torch.from_numpy(np.stack([total.row, total.col]).astype(np.int64))
        return torch.sparse_coo_tensor(places, torch.from_numpy(total.data.astype(np.float32)), self.matrix_size)


NAMES = {"bpr": "BPR", "lightgcn": "LightGCN", "sasrec": "SASRec", "kgat": "KGAT"}
STEPS = {"bpr": (10, 20), "lightgcn": (10, 30), "sasrec": (2, 15), "kgat": (5, 20)}
"""After how many epochs validation looks, and how often at most."""
DROPOUTS = ("hidden_dropout_prob", "attn_dropout_prob")
GRIDS: dict[str, list[dict[str, Any]]] = {
    "bpr": [
        {"embedding_size": size, "learning_rate": rate, "weight_decay": decay}
        for size, rate, decay in product((64,), (0.002, 0.0005), (0.0, 1e-5, 1e-4))
    ],
    "lightgcn": [
        {"embedding_size": 64, "n_layers": layers, "learning_rate": rate, "reg_weight": penalty}
        for rate, layers, penalty in product((0.005, 0.002), (2, 3), (1e-2, 1e-1, 1e-3))
    ],
    "sasrec": [
        {"hidden_size": 64, "inner_size": 128, "learning_rate": rate, **dict.fromkeys(DROPOUTS, drop)}
        for rate, drop in product((0.002, 0.001), (0.3, 0.5))
    ],
    "kgat": [
        {"embedding_size": 64, "kg_embedding_size": 64, "layers": layers, "learning_rate": rate, "reg_weight": penalty}
        for rate, layers, penalty in product((0.005, 0.002), ([64, 32], [64]), (1e-2, 1e-4))
    ],
}
LENGTH = 20  # events of a history that SASRec reads


def write_atomic(folder: Path, known: Events, facts: list[list[str]], items: list[str]) -> None:
    """RecBole's own tables: events in order, every item (so that one without events has a row), and the facts."""
    when = range(len(known.users))
    rows = (f"u{user}\ti{item}\t{time}\n" for user, item, time in zip(known.users, known.items, when, strict=True))
    (folder / "data.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n" + "".join(rows))
    (folder / "data.item").write_text("item_id:token\n" + "".join(f"i{item}\n" for item in range(known.shape[1])))
    place = {item: row for row, item in enumerate(items)}
    triples = [(place[item], relation, entity) for item, relation, entity in facts if item in place]
    lines = (f"e{item}\t{relation}\tx{entity}\n" for item, relation, entity in triples)
    (folder / "data.kg").write_text("head_id:token\trelation_id:token\ttail_id:token\n" + "".join(lines))
    linked = dict.fromkeys(item for item, _, _ in triples)
    (folder / "data.link").write_text("item_id:token\tentity_id:token\n" + "".join(f"i{i}\te{i}\n" for i in linked))


def configured(name: str, folder: Path, settings: dict[str, Any], seed: int) -> Config:
    columns: dict[str, list[str]] = {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id"]}
    fixed: dict[str, Any] = {"data_path": str(folder.parent), "use_gpu": False, "seed": seed, "show_progress": False}
    fixed |= {"checkpoint_dir": str(folder), "train_batch_size": 2048, "state": "ERROR", "MAX_ITEM_LIST_LENGTH": LENGTH}
    fixed |= {"eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "group_by": "user", "order": "TO", "mode": "full"}}
    if name == "kgat":
        columns |= {"kg": ["head_id", "relation_id", "tail_id"], "link": ["item_id", "entity_id"]}
    if name == "sasrec":
        fixed |= {"train_neg_sample_args": None, "loss_type": "CE"}
    return Config(model=NAMES[name], dataset=folder.name, config_dict=fixed | {"load_col": columns} | settings)


def fit(
    name: str, facts: list[list[str]], items: list[str], known: Events, settings: dict[str, Any], seed: int
) -> Iterator[tuple[int, Scorer]]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "data"
        folder.mkdir()
        write_atomic(folder, known, facts, items)
        config = configured(name, folder, settings, seed)
        init_seed(seed, True)
        dataset = create_dataset(config)
        dataset._change_feat_format()
        # Numbers of RecBole's, asked for while the table still has one row an event.
        item_at = dataset.token2id("item_id", [f"i{item}" for item in range(known.shape[1])])
        user_at = dict(zip(dataset.field2id_token["user_id"], range(dataset.user_num), strict=True))
        if name == "kgat":
            graph = dataset.ckg_graph(form="coo", value_field="relation_id")
            dataset.ckg_graph = lambda **_: graph
        sampler = None if name == "sasrec" else Sampler(["train"], [dataset]).set_phase("train")
        samplers = [sampler, KGSampler(dataset)] if name == "kgat" else [sampler]
        train = get_dataloader(config, "train")(config, dataset, *samplers, shuffle=True)
        model = (KGATWithoutDGL if name == "kgat" else get_model(NAMES[name]))(config, dataset)
        training = get_trainer(config["MODEL_TYPE"], NAMES[name])(config, model)
        sequences = Sequences(known, item_at)
        step, checks = STEPS[name]
        for epoch in range(step * checks):
            training._train_epoch(train, epoch)
            if (epoch + 1) % step == 0:
                yield epoch + 1, partial(scores, model, sequences, user_at, item_at)


class Sequences:
    """The last events of each user in RecBole's numbers."""

    def __init__(self, known: Events, item_at: Ints) -> None:
        start = np.searchsorted(known.users, np.arange(known.shape[0] + 1))
        self.items = [item_at[known.items[a:b]][-LENGTH:] for a, b in pairwise(start)]

    def of(self, users: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        rows = np.zeros((len(users), LENGTH), np.int64)
        for row, user in enumerate(users):
            rows[row, : len(self.items[user])] = self.items[user]
        lengths = [max(len(self.items[user]), 1) for user in users]
        return torch.from_numpy(rows), torch.tensor(lengths)


def scores(model: Any, sequences: Sequences, user_at: dict[str, int], item_at: Ints, users: Ints) -> Any:
    """(users, items) in our numbers. A user whom RecBole has not seen has the scores of its padding user."""
    rows, lengths = sequences.of(users)
    numbers = torch.tensor([user_at.get(f"u{user}", 0) for user in users])
    model.eval()
    with torch.no_grad():
        asked = Interaction({"user_id": numbers, "item_id_list": rows, "item_length": lengths})
        made = model.full_sort_predict(asked).view(len(users), -1)
    return made.numpy()[:, item_at]


def main() -> None:
    choice = peer_choice.arguments(list(NAMES))
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    trainer.get_tensorboard = lambda logger: None  # it would write a folder wherever it is called from
    warnings.filterwarnings("ignore", category=FutureWarning)  # of RecBole itself, about pandas and torch
    split = read(choice.split)
    facts: list[list[str]] = []
    if choice.model == "kgat":
        text = (choice.items / "facts.tsv").read_text(encoding="utf-8")
        facts = [line.split("\t") for line in text.split("\n") if line]
    versions = {"recbole": recbole.__version__, "torch": torch.__version__, "numpy": np.__version__}
    peer_choice.compete(choice, partial(fit, choice.model, facts, split.items), GRIDS[choice.model], versions)


if __name__ == "__main__":
    main()
