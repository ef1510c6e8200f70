"""Hybrid search of LanceDB and of Qdrant's local mode over given texts and vectors: databases_peer.py FOLDER DEPTH.

Run by the Python of its own environment. FOLDER has texts.json (items, queries), and items.npy and queries.npy with a
row each; lists.json gets, by database, the rows of the items found for each query, best first.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import lancedb
import numpy as np
from qdrant_client import QdrantClient, models

K1, B = 1.2, 0.75
WORD = re.compile(r"\w+")


def lance(texts: list[str], vectors: np.ndarray, queries: list[str], asked: np.ndarray, depth: int) -> list[list[int]]:
    """Its full-text index and its vectors, by reciprocal rank fusion, which is its default."""
    with tempfile.TemporaryDirectory() as folder:
        data = [
            {"row": row, "text": text, "vector": vector}
            for row, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
        table = lancedb.connect(folder).create_table("items", data)
        table.create_fts_index("text")
        found = []
        for query, vector in zip(queries, asked, strict=True):
            search = table.search(query_type="hybrid").vector(vector).text(query).distance_type("cosine")
            found.append([hit["row"] for hit in search.limit(depth).to_list()])
        return found


def qdrant(texts: list[str], vectors: np.ndarray, queries: list[str], asked: np.ndarray, depth: int) -> list[list[int]]:
    """BM25 as sparse vectors with its own idf, and dense ones, by reciprocal rank fusion."""
    client = QdrantClient(":memory:")
    client.create_collection(
        "items",
        vectors_config={"dense": models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    words = [Counter(WORD.findall(text.lower())) for text in texts]
    numbers = {word: number for number, word in enumerate(sorted(set().union(*words)))}
    mean = sum(each.total() for each in words) / len(words)
    for row, each in enumerate(words):
        norm = K1 * (1 - B + B * each.total() / mean)
        weights = {numbers[word]: times * (K1 + 1) / (times + norm) for word, times in each.items()}
        sparse = models.SparseVector(indices=list(weights), values=list(weights.values()))
        point = models.PointStruct(id=row, vector={"dense": vectors[row].tolist(), "words": sparse})
        client.upsert("items", [point])
    found = []
    for query, vector in zip(queries, asked, strict=True):
        known = sorted({numbers[word] for word in WORD.findall(query.lower()) if word in numbers})
        parts = [models.Prefetch(query=vector.tolist(), using="dense", limit=depth)]
        if known:
            sparse = models.SparseVector(indices=known, values=[1.0] * len(known))
            parts.append(models.Prefetch(query=sparse, using="words", limit=depth))
        fused = models.FusionQuery(fusion=models.Fusion.RRF)
        hits = client.query_points("items", prefetch=parts, query=fused, limit=depth).points
        found.append([hit.id for hit in hits])
    return found


def main() -> None:
    folder, depth = Path(sys.argv[1]), int(sys.argv[2])
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    vectors, asked = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("items", "queries"))
    given = (texts["items"], vectors, texts["queries"], asked, depth)
    (folder / "lists.json").write_text(
        json.dumps({"lancedb": lance(*given), "qdrant": qdrant(*given)}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
