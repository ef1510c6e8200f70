"""What is loaded to open an artefact and to ask it: what only learns takes seconds and hundreds of megabytes."""

import subprocess
import sys

LEARNING = ("torch", "torch_geometric", "lightgbm", "sklearn", "pandas", "transformers", "networkx", "matplotlib")
TYPING = ("pypinyin", "spacy", "onnxruntime", "symspellpy")
"""What only those who type need."""


def test_processes_are_forked_from_one_without_threads():
    code = "import os, sys, engine.service.preloaded; print(len(os.listdir('/proc/self/task')), *sys.modules)"
    threads, *loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert threads == "1" and "spacy" in loaded and "polars" not in loaded and "torch" not in loaded


def test_a_service_loads_nothing_that_only_learns_or_reads_queries():
    code = "import sys, engine.service.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in (*LEARNING, *TYPING) if name in loaded] == []


def test_trees_come_without_what_learns():
    code = "import sys, engine.hidden; engine.hidden.load_trees(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lightgbm" in loaded and not {"sklearn", "pandas"} & {*loaded}
