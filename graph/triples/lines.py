"""A triple a line, as KGAT (Wang et al., KDD 2019) and RecBole (https://recbole.io) keep them, with their lists."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from graph.errors import GraphError
from graph.triples import Triples, made

Rejects = list[tuple[int, str, str, str]]


def kgat(path: Path) -> Triples:
    """Lines `head relation tail` of numbers, such as kg_final.txt.

    Where entity_list.txt and relation_list.txt (`org_id remap_id`) stand beside it, numbers become what they stand
    for. An entity of item_list.txt keeps its number, which is the id of the item in train.txt.
    """
    rejects: Rejects = []
    found: list[tuple[str, str, str]] = []
    lines: list[int] = []
    items = {cells[1] for cells in _listed(path.with_name("item_list.txt"))}
    entities = {cells[1]: cells[0] for cells in _listed(path.with_name("entity_list.txt")) if cells[1] not in items}
    relations = {cells[1]: cells[0] for cells in _listed(path.with_name("relation_list.txt"))}
    for line, cells in _rows(path, None, 3, rejects):
        head, relation, tail = cells
        found.append((entities.get(head, head), relations.get(relation, relation), entities.get(tail, tail)))
        lines.append(line)
    return made(path, found, lines, rejects)


def recbole(path: Path) -> Triples:
    """The columns head_id, relation_id and tail_id of an atomic file .kg.

    Where a .link (item_id, entity_id) of the same name, or alone, stands beside it, its entities become those items.
    """
    rejects: Rejects = []
    rows = _rows(path, "\t", None, rejects)
    columns = _columns(path, rows, ("head_id", "relation_id", "tail_id"))
    links = sorted(path.parent.glob("*.link"))
    link = next((one for one in links if one.stem == path.stem), links[0] if len(links) == 1 else None)
    items: dict[str, str] = {}
    if link is not None:
        pairs = _rows(link, "\t", None, rejects)
        entity, item = _columns(link, pairs, ("entity_id", "item_id"))
        for _, cells in pairs:
            items.setdefault(cells[entity], cells[item])
    found, lines = [], []
    for line, cells in rows:
        head, relation, tail = (cells[column] for column in columns)
        found.append((items.get(head, head), relation, items.get(tail, tail)))
        lines.append(line)
    return made(path, found, lines, rejects)


def _columns(path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str]) -> list[int]:
    """Where the columns stand, from the header `name:type`, the first row."""
    _, header = next(rows, (0, []))
    there = [cell.partition(":")[0].strip() for cell in header]
    for name in names:
        if name not in there:
            raise GraphError(f"{path}: line 1: there is no column `{name}:token`; write it in the header")
    return [there.index(name) for name in names]


def _listed(path: Path) -> list[list[str]]:
    """The rows of a list `org_id remap_id ...`, without its header; none if there is no such file."""
    if not path.is_file():
        return []
    return [cells for _, cells in _rows(path, None, None, []) if len(cells) >= 2][1:]


def _rows(path: Path, separator: str | None, width: int | None, rejects: Rejects) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row; rows of another width (that of the first row, if None) are rejected."""
    ragged = width is None and separator is None
    for line, data in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = data.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError:
            rejects.append((line, "", "not UTF-8", data.decode("utf-8", errors="replace")))
            continue
        if not text.strip():
            continue
        cells = text.split(separator)
        width = width or len(cells)
        if len(cells) == width or ragged:
            yield line, cells
        else:
            rejects.append((line, "", f"{len(cells)} cells, but {width} are wanted", text))
