"""The commands of docs/serving.md, run by a shell against a service."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from engine import Engine
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.served import in_a_thread

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
SHELL = f"""
weft() {{ {sys.executable} -c 'from engine.cli import app; app()' "$@"; }}
curl() {{ command curl -sS "$@"; }}
"""


class Example(NamedTuple):
    """A command, and what it is said to print; nothing where nothing is said."""

    command: str
    printed: str


def examples() -> list[list[Example]]:
    """Those of each block that has prompts."""
    found = []
    for block in PAGE.read_text(encoding="utf-8").split("```")[1::2]:
        lines = block.partition("\n")[2].replace("\\\n", "").splitlines()
        starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        here = [example(lines[a:b]) for a, b in pairwise([*starts, len(lines)])]
        found += [here] if here else []
    return found


def example(lines: list[str]) -> Example:
    """A command, which goes on while a quotation does, and what follows."""
    ends = next(at for at in range(1, len(lines) + 1) if "".join(lines[:at]).count("'") % 2 == 0)
    return Example("".join(lines[:ends])[2:], "".join(lines[ends:]))


def shape(told: object) -> object:
    """What of an answer is the same whatever the catalogue: names, and kinds of values."""
    if isinstance(told, dict):
        return {name: shape(value) for name, value in told.items()}
    return [shape(one) for one in told[:1]] if isinstance(told, list) else type(told)


@pytest.fixture
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


def test_there_are_examples() -> None:
    assert sum("curl" in example.command for block in examples() for example in block) >= 5


def test_the_commands_do_what_the_page_says(engine: Engine, small_artefact: Path, tmp_path: Path) -> None:
    for name in ("shop", "shop-2"):
        shutil.copytree(small_artefact, tmp_path / name)
    Image.new("RGB", (64, 64), "white").save(tmp_path / "n1.jpg")
    ring = tmp_path / "keys.json"
    guarded = create(engine, tmp_path / "guarded", None, Settings(keys=ring))
    free = create(engine, tmp_path / "free", tmp_path / "shop")
    with in_a_thread(guarded) as with_keys, in_a_thread(free) as without:
        for block in examples():
            asks = any("keys" in example.command for example in block)
            address = (with_keys if asks else without).removeprefix("http://")
            script = SHELL + "".join(f"{line}; echo; echo ---\n" for line in commands(block, address))
            done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True)
            for example, printed in zip(block, done.stdout.split("---\n"), strict=False):
                check(example, printed.strip())


def commands(block: list[Example], address: str) -> Iterator[str]:
    """As the page has them, but that the service is there already."""
    for example in block:
        command = example.command.partition("  #")[0].strip()
        yield ":" if command.startswith("weft serve") else command.replace("localhost:8000", address)


def check(example: Example, printed: str) -> None:
    if "curl" not in example.command:
        return
    told = json.loads(printed)
    assert ("status" in told) is ("status" in example.printed), printed  # a problem, where one is shown
    if example.printed:
        said = json.loads(example.printed)
        assert shape(told) == shape(said), example.command
        if ("POST" in example.command and said.keys() <= {"events", "items"}) or "status" in said:
            assert told == said
