"""A small engine that several test modules ask."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.demo.shop import generate


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The artefact of a small generated shop, and what `weft build` printed."""
    folder = tmp_path_factory.mktemp("small")
    generate(folder / "shop", products=120, users=80)
    settings = folder / "shop" / "weft.toml"
    # Without picture encoders and with little to learn from it builds in seconds; test_engine.py builds a whole one.
    quick = settings.read_text().replace('clip = "weft-small"', 'clip = ""\nimage = ""')
    settings.write_text(quick + "\n[fusion]\nusers = 40\nrounds = 5\n\n[candidates.ease]\nhalf_lives = [10.0]\n")
    command = [sys.executable, "-c", "from engine.cli import app; app()", "build", settings]
    done = subprocess.run(
        [*map(str, command), "--out", str(folder / "artefact")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "artefact", done


@pytest.fixture(scope="session")
def small_artefact(small_build: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    return small_build[0]
