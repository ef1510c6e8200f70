"""What is loaded to open an artefact and to ask it: what only learns takes seconds and hundreds of megabytes."""

import subprocess
import sys

LEARNING = ("torch", "torch_geometric", "lightgbm", "sklearn", "pandas", "transformers", "networkx", "matplotlib")


def test_a_service_loads_nothing_that_only_learns():
    code = "import sys, engine.service.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in LEARNING if name in loaded] == []
