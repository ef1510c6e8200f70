"""implicit's ALS behind FastAPI, as people serve it: each user's history is folded in. Run by its own Python.

The matrix is an npz of indptr, items and n. It prints its address when it is ready, and ends with Ctrl-C.
"""

import argparse
import socket
from typing import Any

import implicit
import numpy as np
import uvicorn
from fastapi import FastAPI
from scipy import sparse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("matrix")
    choice = parser.parse_args()
    kept = np.load(choice.matrix, allow_pickle=False)
    shape = (len(kept["indptr"]) - 1, int(kept["n"]))
    chosen = sparse.csr_matrix((np.ones(len(kept["items"]), np.float32), kept["items"], kept["indptr"]), shape)
    model = implicit.als.AlternatingLeastSquares(factors=64, iterations=15, num_threads=1, random_state=0)
    model.fit(chosen, show_progress=False)
    app = FastAPI()

    @app.get("/v1/recommend")
    def recommend(user: str, n: int = 10) -> dict[str, Any]:
        row = int(user[1:])
        items, scores = model.recommend(row, chosen[row], N=n, recalculate_user=True)
        listed = zip(items.tolist(), scores.tolist(), strict=True)
        return {"items": [{"item_id": str(item), "score": score} for item, score in listed]}

    # Only of a socket that is named TCP asyncio sends the body at once: else it waits 40 ms for the caller to have
    # acknowledged the head.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
