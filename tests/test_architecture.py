"""The picture of the architecture is what the sources say today."""

from itertools import pairwise
from pathlib import Path

import pytest

from scripts import draw_architecture as drawing

ROOT = Path(__file__).resolve().parents[1]


def test_the_picture_is_drawn_from_the_imports_of_today():
    kept = (ROOT / "docs/architecture.svg").read_text(encoding="utf-8")
    assert kept == drawing.draw(), "draw it again: python scripts/draw_architecture.py"


def test_every_module_is_in_the_picture():
    known = drawing.modules()
    listed = {(name, module) for name in drawing.BOXES for module in drawing.listed(name, known)}
    packages = {module for module in known if any(other.startswith(f"{module}.") for other in known)}
    assert len(listed) == len(known) - len(packages)
    assert {drawing.box_of(module) for module in known} == set(drawing.BOXES)


def test_every_import_is_an_arrow_or_in_small_print():
    pairs = drawing.imports(drawing.modules())
    drawn = drawing.arrows(pairs)
    assert ("features", "encoders") in drawn
    assert drawn <= pairs
    for source, target in pairs - drawn:
        assert target in drawing.small_print(source, pairs, drawn) or target == "tables"


def test_the_names_in_a_box_fit_it():
    known, pairs = drawing.modules(), drawing.imports(drawing.modules())
    for name in drawing.BOXES:
        lines = drawing.box(name, known, drawing.small_print(name, pairs, drawing.arrows(pairs)))
        heights = [int(line.partition(' y="')[2].partition('"')[0]) for line in lines[1:]]
        gaps = [b - a for a, b in pairwise(heights)]
        assert min(gaps, default=20) >= 13, f"{name}: make its box higher in scripts/draw_architecture.py"


@pytest.mark.parametrize(("module", "box"), [("engine.rerank", "learning"), ("engine.search.hybrid", "search")])
def test_boxes(module, box):
    assert drawing.box_of(module) == box


def test_an_unknown_module_of_the_engine_has_a_place():
    assert drawing.box_of("engine.yet_unwritten") == "engine"


def test_what_other_arrows_make_plain_is_left_out():
    assert drawing.arrows({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert ("cli", "engine") in drawing.arrows({("cli", "service"), ("service", "engine"), ("cli", "engine")})


def test_no_box_is_imported_by_what_it_imports():
    pairs = drawing.imports(drawing.modules())
    assert [name for name in drawing.BOXES if name in drawing.reachable(pairs, name)] == []
