"""Understanding a search query in Chinese, English or both: what it names, what it limits, what it wants.

vocabulary = Vocabulary.learn(engine.graph, engine.catalogue.items)
intent = parse("白色 Nike 跑鞋 size 42", vocabulary=vocabulary)
"""

from engine.search.intent.model import Constraint, Entity, Head, Intent, Keyword, Kind, Language, Repair, Token
from engine.search.intent.parsing import parse
from engine.search.intent.vocabulary import Vocabulary

__all__ = [
    "Constraint", "Entity", "Head", "Intent", "Keyword", "Kind", "Language", "Repair", "Token", "Vocabulary", "parse",
]  # fmt: skip
