"""Titles and descriptions of the generated products, in English and Chinese, from varied templates.

A text tells some of a product's attributes, never all, and its style, which is in no attribute. It never tells the
pattern: that is for the picture alone.
"""

from random import Random
from typing import NamedTuple

from engine.demo.vocabulary import STYLES, Word

TITLES = (
    "{brand} {model} {colour} {noun}",
    "{brand} {model} {noun}",
    "{brand} {model} {noun}, {colour}",
    "{colour} {noun} by {brand}, {model}",
    "{brand} {material} {noun} {model}",
)
TITLES_ZH = (
    "{brand} {model} {colour}{noun}",
    "{brand} {model} {noun}",
    "{brand}{colour}{noun} {model}",
    "{brand} {model} {material}{noun} {colour}",
    "{colour}{material}{noun} {brand} {model}",
)
SENTENCES = (
    (0.6, "Material: {material}."),
    (0.35, "Colour: {colour}."),
    (0.5, "Best for {season}."),
    (0.4, "Cut: {gender}."),
    (0.6, "{own_label}: {own}."),
    (0.3, "{brand} brings you the {line} line."),
    (0.2, "Easy to clean and made to last."),
    (0.2, "Ships within two days, returns are free."),
    (0.15, "A favourite of our customers."),
)
SENTENCES_ZH = (
    (0.6, "材质:{material}。"),
    (0.35, "颜色:{colour}。"),
    (0.5, "适合{season}使用。"),
    (0.4, "{gender}。"),
    (0.6, "{own_label}:{own}。"),
    (0.3, "{brand}{line}系列。"),
    (0.2, "易清洗,经久耐用。"),
    (0.2, "两天内发货,免费退换。"),
    (0.15, "深受顾客喜爱。"),
)
ADJECTIVES = (
    *(Word("Last", "最后的"), Word("Silent", "沉默的"), Word("Distant", "遥远的"), Word("Lost", "失落的")),
    *(Word("Secret", "秘密的"), Word("Long", "漫长的"), Word("First", "最初的"), Word("Hidden", "隐藏的")),
)
NONE = Word("", "")


class Product(NamedTuple):
    """What the words of one product are made from; `NONE` for what it does not have."""

    nouns: tuple[str, ...]
    nouns_zh: tuple[str, ...]
    brand: Word
    line: Word
    model: Word
    colour: Word
    material: Word
    season: Word
    gender: Word
    own_label: Word
    own: Word
    style: str


class Texts(NamedTuple):
    """The four text columns; None where the shop has not written one."""

    title: str | None
    title_zh: str | None
    description: str | None
    description_zh: str | None


def model_name(brand_line: Word, number: int, random: Random, book: bool) -> Word:
    """`Air Max 270`, or for a book `The Last Harbour` / 《最后的港湾》."""
    if not book:
        return Word(f"{brand_line.en} {number}", f"{brand_line.zh} {number}")
    adjective = random.choice(ADJECTIVES)
    return Word(f"The {adjective.en} {brand_line.en}", f"《{adjective.zh}{brand_line.zh}》")


class Told(NamedTuple):
    """A fact that a text tells, and the words that it tells it with."""

    column: str
    language: str
    facet: str
    surface: str


FACETS = {"noun": "category", "model": "collection", "line": "collection"}
"""What a field of a template tells of, where that is not called as the field is."""
COLUMNS = (("title", "description"), ("title_zh", "description_zh"))


def write(product: Product, random: Random) -> tuple[Texts, list[Told]]:
    """Words for one product, and what they tell. Most have both languages; some have one, a very few none at all."""
    fate = random.random()
    if fate < 0.005:
        return Texts(None, None, None, None), []
    english, told = _words(product, 0, random)
    chinese, told_zh = _words(product, 1, random)
    if fate < 0.065:  # a Chinese seller: the main title is Chinese too
        main = [fact._replace(column="title") for fact in told_zh if fact.column == "title_zh"]
        return Texts(chinese[0], chinese[0], None, chinese[1]), main + told_zh
    if fate < 0.125:
        return Texts(english[0], None, english[1], None), told
    if fate < 0.155:
        return Texts(english[0], chinese[0], None, None), [f for f in told + told_zh if f.column.startswith("title")]
    return Texts(english[0], chinese[0], english[1], chinese[1]), told + told_zh


def write_hero(product: Product, random: Random) -> tuple[Texts, list[Told]]:
    """Words of the worked example, and what they tell: both languages, with the first template and noun."""
    (english, told), (chinese, told_zh) = (_words(product, language, random) for language in (0, 1))
    said = [fact for fact in told + told_zh if not fact.column.startswith("title")]
    titles = []
    for language, templates in enumerate((TITLES, TITLES_ZH)):
        fields = _Fields(_fields(product, language))
        titles.append(templates[0].format_map(fields))
        said += _told(product, fields.used, language, 0)
    return Texts(titles[0], titles[1], english[1], chinese[1]), said


class _Fields(dict[str, str]):
    """Fields that note which of them a template used."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields)
        self.used: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        self.used[name] = super().__getitem__(name)
        return self.used[name]


def _words(product: Product, language: int, random: Random) -> tuple[tuple[str, str], list[Told]]:
    """Title and description in English (0) or Chinese (1), and what they tell."""
    titles, sentences = ((TITLES, SENTENCES), (TITLES_ZH, SENTENCES_ZH))[language]
    fields = _fields(product, language) | {"noun": random.choice((product.nouns, product.nouns_zh)[language])}
    said = [random.choice(STYLES[product.style][language])] if random.random() < 0.9 else []
    described = _Fields(fields)
    for chance, sentence in sentences:
        name = sentence.rpartition("{")[2].partition("}")[0]
        if random.random() < chance and fields.get(name, "said"):
            said.append(sentence.format_map(described))
    random.shuffle(said)
    titled = _Fields(fields)
    title = " ".join(random.choice(titles).format_map(titled).split())
    told = _told(product, titled.used, language, 0) + _told(product, described.used, language, 1)
    return (title, ("", " ")[language == 0].join(said)), told


def _told(product: Product, used: dict[str, str], language: int, column: int) -> list[Told]:
    """The facts behind the fields that were used; a model tells of its line."""
    words = used | ({"model": product.line[language]} if "model" in used else {})
    place = (COLUMNS[language][column], ("en", "zh")[language])
    return [Told(*place, FACETS.get(name, name), word) for name, word in words.items() if word and name != "own_label"]


def _fields(product: Product, language: int) -> dict[str, str]:
    """What the templates may name, in one language."""
    words = ("brand", "line", "model", "colour", "material", "season", "gender", "own_label", "own")
    fields: dict[str, str] = {name: getattr(product, name)[language] for name in words}
    return fields | {"noun": (product.nouns, product.nouns_zh)[language][0]}
