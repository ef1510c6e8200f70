"""Other recommenders beside Weft, on one split, scored by the judge.

    python scripts/bench/peers/run.py --split splits/ml-warm --items data/ml --runs runs/peers/ml-warm \
        --models implicit,recbole:lightgcn,cornac:vbpr --seeds 0 1 2 --against runs/ml-warm/weft.tsv

Each peer runs by the Python of its own environment, on one thread, and sees the same split. With the first seed it
chooses its settings on validation; the others take them over. What a peer did on the same data stands and is not done
again. What came out, errors among it, goes to RUNS/peers.json.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import environments
import numpy as np
import peer_split
from peer_table import PUBLISHED, Row, line, table

HERE = Path(__file__).parent
MODELS = {
    "implicit": ("als", "bpr", "knn"),
    "recbole": ("bpr", "lightgcn", "sasrec", "kgat"),
    "cornac": ("vbpr", "vbpr-text"),
}
BY_CONTENT = {("recbole", "kgat"), ("cornac", "vbpr"), ("cornac", "vbpr-text")}
"""Models that see what an item is: they need the items, and only they can rank what nobody has touched."""
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
UNSEEN = "cannot rank unseen items"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--items", type=Path, help="the folder that `weft import` wrote, for models that see the items")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--models", default=",".join(MODELS), help="peer or peer:model, by commas")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--against", type=Path, help="Weft's run file; RUNS/weft.tsv if it is there")
    parser.add_argument("--budget", type=float, default=300, help="seconds of CPU for choosing settings")
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which a run is stopped")
    parser.add_argument("--judge", type=Path, default=HERE.parents[2] / "../shared/judge/judge.py")
    choice = parser.parse_args()
    own = choice.against or choice.runs / "weft.tsv"
    choice.against = own if own.exists() else None
    models = wanted(choice.models)
    split = peer_split.read(choice.split)
    choice.given = prepare(choice, any(one in BY_CONTENT for one in models))
    rows = [reference(name, split, choice) for name in ("popularity", "random")]
    for peer, model in models:
        rows.append(compete(peer, model, split.cold, choice))
        print(line(rows[-1]), flush=True)
    runs = [{"model": row["peer"]} | one for row in rows for one in row.pop("runs", [])]
    if choice.against:
        rows.insert(0, {"peer": "weft", "seeds": []} | scored(choice, [choice.against]))
    protocol = json.loads((choice.split / "split.json").read_text(encoding="utf-8")).get("protocol")
    published = [dict(zip(("name", "recall@20", "ndcg@20"), row, strict=True)) for row in PUBLISHED.get(protocol, [])]
    made = {"split": choice.split.name, "rows": rows, "runs": runs, "published, not measured here": published}
    (choice.runs / "peers.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print("\n" + table(rows, published))


def prepare(choice: argparse.Namespace, by_content: bool) -> tuple[str, str]:
    """Names for what peers are given: the split, and the items too, written as those by content read them."""
    choice.runs.mkdir(parents=True, exist_ok=True)
    split = digest(choice.split)
    if not (by_content and choice.items):
        return split, ""
    out = choice.runs / "items"
    command = [sys.executable, str(HERE / "export.py"), "--items", str(choice.items), "--out", str(out)]
    subprocess.run(command, check=True)
    return split, split + digest(out)


def digest(folder: Path) -> str:
    made = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


def wanted(models: str) -> list[tuple[str, str]]:
    """(peer, model) of each name; a peer alone stands for all of its models."""
    found = []
    for name in models.split(","):
        peer, _, model = name.lower().partition(":")
        if peer not in MODELS or (model and model not in MODELS[peer]):
            sys.exit(f"{name}: no such peer or model; there are {MODELS}")
        found += [(peer, one) for one in ([model] if model else MODELS[peer])]
    return found


def reference(name: str, split: peer_split.Split, choice: argparse.Namespace) -> Row:
    """Popularity, which leaves nothing to draw, or chance."""
    row: Row = {"peer": name, "seeds": [0] if name == "popularity" else choice.seeds}
    if name == "popularity" and split.cold:
        return row | {"note": UNSEEN}
    counts = np.bincount(split.known.items, minlength=len(split.items)).astype(float)
    runs = []
    for seed in row["seeds"]:
        rng = np.random.default_rng(seed)
        runs.append(choice.runs / f"{name}-{seed}.tsv")

        def score(users: peer_split.Ints, rng: np.random.Generator = rng) -> Any:
            return np.tile(counts, (len(users), 1)) if name == "popularity" else rng.random((len(users), len(counts)))

        peer_split.write_run(runs[-1], split, score)
    return row | scored(choice, runs)


def compete(peer: str, model: str, cold: bool, choice: argparse.Namespace) -> Row:
    """A peer's row: its figures, or why there are none."""
    row: Row = {"peer": f"{peer}:{model}", "seeds": choice.seeds}
    if cold and (peer, model) not in BY_CONTENT:
        return row | {"note": UNSEEN}
    if (peer, model) in BY_CONTENT and not choice.items:
        return row | {"note": "needs --items"}
    found = environments.ready(peer)
    if found.error:
        return row | {"note": f"not installed: {found.error}"}
    files = [f"{peer}/seed-{seed}/{model}.tsv" for seed in choice.seeds]
    folders = [choice.runs / peer / f"seed-{seed}" for seed in choice.seeds]
    for seed, folder in zip(choice.seeds, folders, strict=True):
        first = folders[0] / f"{model}.json"
        if error := run(found.python, peer, model, seed, folder, first, choice):
            return row | {"note": f"failed with seed {seed}: {error}"}
    facts = [json.loads((folder / f"{model}.json").read_text(encoding="utf-8")) for folder in folders]
    return (
        row
        | scored(choice, [choice.runs / file for file in files])
        | {name: float(np.mean([one[name] for one in facts])) for name in ("fit seconds", "peak MiB")}
        | {"chosen": facts[0]["chosen"], "versions": facts[0]["versions"]}
        | {"runs": [{"seed": seed, "run": file} for seed, file in zip(choice.seeds, files, strict=True)]}
    )


def run(python: Path, peer: str, model: str, seed: int, folder: Path, first: Path, choice: argparse.Namespace) -> str:
    """Run a peer, unless it has; what it says goes to a log beside its files. Returns the end of its error, if any."""
    facts = folder / f"{model}.json"
    given = choice.given[(peer, model) in BY_CONTENT]
    if facts.exists() and json.loads(facts.read_text(encoding="utf-8"))["given"] == given:
        return ""
    facts.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(python), str(HERE / f"{peer}_peer.py"), "--split", str(choice.split), "--out", str(folder)]
    command += ["--model", model, "--seed", str(seed), "--budget", str(choice.budget), "--given", given]
    command += ["--chosen", str(first)] if first.exists() else []
    if (peer, model) in BY_CONTENT:
        command += ["--items", str(choice.runs / "items")]
    log = folder / f"{model}.log"
    with log.open("w", encoding="utf-8") as file:
        try:
            done = subprocess.run(
                command, stdout=file, stderr=file, check=False, timeout=choice.limit, env=os.environ | THREADS
            )
        except subprocess.TimeoutExpired:
            return f"stopped after {choice.limit:.0f} s"
    return environments.last_lines(log.read_text(encoding="utf-8")) or "no output" if done.returncode else ""


def scored(choice: argparse.Namespace, runs: list[Path]) -> Row:
    """The judge's recall and NDCG, and Weft's paired gain in NDCG with its interval; means over the runs.

    The judge knows numbers as ids and nothing else; what it cannot score is left to others, with its reason.
    """
    figures: list[dict[str, float]] = []
    for path in runs:
        said, error = judge(choice, path)
        if error:
            return {"note": f"not scored by the judge: {error}"}
        figures.append({name: float(said[name][0]) for name in ("recall@20", "ndcg@20")})
        if choice.against and path != choice.against:
            said, error = judge(choice, choice.against, "--against", path)
            if error:
                return {"note": f"{choice.against} not scored by the judge: {error}"}
            gain = said["gain in ndcg@20"]
            low, high = gain[1].strip("[]").split(",")
            figures[-1] |= {"lead": float(gain[0]), "low": float(low), "high": float(high)}
    return {name: float(np.mean([one[name] for one in figures])) for name in figures[0]}


def judge(choice: argparse.Namespace, path: Path, *more: object) -> tuple[dict[str, list[str]], str]:
    """What the judge says of a run by the name of the metric, or the end of its error."""
    command = [sys.executable, choice.judge, "score", "--split", choice.split, "--run", path, *more]
    said = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if said.returncode:
        return {}, environments.last_lines(said.stderr, 1)
    return {name: rest for name, *rest in (line.split("\t") for line in said.stdout.splitlines()[1:])}, ""


if __name__ == "__main__":
    main()
