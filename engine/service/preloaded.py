"""What every process of a service needs, whatever it serves: libraries, and the models and dictionaries of queries.

`workers` loads this once, in a process that forks all others, so that its memory is there once. Nothing in it may start
a thread, for a fork leaves threads behind: the reason why it imports no module that needs polars or onnxruntime.
"""

import gc
import importlib

from engine.hidden import load_trees
from engine.search import models

LIBRARIES = ("fastapi", "prometheus_client", "pypinyin", "scipy.linalg", "scipy.sparse.linalg", "uvicorn.server")

for library in LIBRARIES:
    importlib.import_module(library)
load_trees()
models.english()
models.english_words()
models.chinese_words()
gc.collect()
gc.freeze()  # the first collection of a fork would write to every object, and so copy it
