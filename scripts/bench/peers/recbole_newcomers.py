"""RecBole's SASRec for new users: it reads a history and has no vector of a user. Run by its own Python."""

import logging
import warnings
from collections.abc import Iterator
from typing import Any

import recbole
import recbole_peer
import torch
from newcomers import Score, compete
from numpy.typing import NDArray
from peer_split import Events, Ints
from recbole.trainer import trainer

GRID = recbole_peer.GRIDS["sasrec"][:2]


def sasrec(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Score]]:
    for epochs, scorer in recbole_peer.fit("sasrec", [], [], known, settings, seed):
        model, _, _, item_at = scorer.args  # type: ignore[attr-defined]

        def score(told: Events, users: Ints, model: Any = model, item_at: Ints = item_at) -> NDArray[Any]:
            made: NDArray[Any] = recbole_peer.scores(model, recbole_peer.Sequences(told, item_at), {}, item_at, users)
            return made

        yield epochs, score


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    trainer.get_tensorboard = lambda logger: None  # it would write a folder wherever it is called from
    warnings.filterwarnings("ignore", category=FutureWarning)  # of RecBole itself, about pandas and torch
    compete({"recbole-sasrec": (sasrec, GRID)}, {"recbole": recbole.__version__, "torch": torch.__version__})
