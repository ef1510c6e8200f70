"""SIMULATION.md says what the code does: its constants, counts and columns are looked up."""

import re
from pathlib import Path

import pytest

from engine.demo import choices, people, shop
from engine.demo.kinds import GROUPS, KINDS
from engine.demo.products import ALL_BRANDS, SCHEMA
from engine.demo.vocabulary import PATTERNS, STYLES

PAGE = Path(shop.__file__).with_name("SIMULATION.md").read_text(encoding="utf-8")
SIZES = {"FEWEST_PRODUCTS", "FEWEST_USERS"}
"""Limits of a shop, which are no part of the simulation."""
LAYOUT = {"BLOCKS", "WIDTH"}


def defined():
    """The constants of the code: numbers, and dictionaries of them."""
    found = {}
    for module in (people, choices, shop):
        source = Path(module.__file__).read_text(encoding="utf-8")
        lines = re.findall(r"^([A-Z][A-Z_, ]+) = ", source, re.MULTILINE)
        names = {name for line in lines for name in line.split(", ")}
        found |= {name: getattr(module, name) for name in names - SIZES - LAYOUT}
    return found


def told():
    """The constants of the page: rows of `NAME`, `NAME` | `values`."""
    found = {}
    for names, values in re.findall(r"^\| (`[A-Z].*?) \| `(.*)` \|$", PAGE, re.MULTILINE):
        keys = names.replace("`", "").split(", ")
        found |= {keys[0]: values} if len(keys) == 1 else dict(zip(keys, values.split(", "), strict=True))
    return found


CONSTANTS = defined()


def same(value, text):
    """Whether a piece of the page spells this value."""
    if isinstance(value, dict):
        spelt = ", ".join(f'"{key}": {item}' for key, item in value.items())
        return text == f"{{{spelt}}}"
    above, _, below = text.partition(" / ")
    return value == pytest.approx(float(above) / float(below or 1), rel=1e-12)


def test_every_constant_is_named_and_no_other():
    assert told().keys() == CONSTANTS.keys()


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_constant_is_that_of_the_code(name):
    assert same(CONSTANTS[name], told()[name])


def test_every_constant_is_explained():
    words = PAGE.replace(PAGE[PAGE.index("| constant") : PAGE.index("## Times")], "")
    assert [name for name in CONSTANTS if f"`{name}`" not in words and name != "DAY"] == []


def test_counts_and_columns():
    assert f"{len(KINDS)} categories of {len(GROUPS)} groups, by {len(ALL_BRANDS)} brands" in PAGE
    assert [column for column in SCHEMA if f"`{column}`" not in PAGE] == []
    assert f"({', '.join(PATTERNS)})" in PAGE.replace("\n", " ")
    assert f"({', '.join(STYLES)})" in PAGE.replace("\n", " ")
