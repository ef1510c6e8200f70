"""A small engine that several test modules ask."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine import Engine
from engine.cli import app
from engine.demo.shop import generate
from tests.engine.eight import build


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The artefact of a small generated shop, and what `weft build` printed."""
    folder = tmp_path_factory.mktemp("small")
    generate(folder / "shop", products=120, users=80)
    settings = folder / "shop" / "weft.toml"
    # Without picture encoders and gates, and with little to learn from, it builds in seconds; test_engine.py builds a
    # whole one.
    quick = settings.read_text().partition("[fusion]")[0].replace('clip = "weft-small"', 'clip = ""\nimage = ""')
    learning = "[fusion]\nusers = 40\nrounds = 5\ngate = false\n[candidates.ease]\nhalf_lives = [10.0]\n"
    settings.write_text(f"{quick}\n{learning}")
    done = CliRunner().invoke(app, ["build", str(settings), "--out", str(folder / "artefact")])
    assert done.exit_code == 0, done.stderr or done.exception
    return folder / "artefact", done


@pytest.fixture(scope="session")
def small_artefact(small_build: tuple[Path, Result]) -> Path:
    return small_build[0]


@pytest.fixture(scope="session")
def eight() -> Engine:
    """An engine of eight items in order of popularity; copy it before changing it."""
    return build()
