"""How well the units of passages match a question in another language, whose words cannot match theirs."""

from collections.abc import Sequence

from rag.answering.units import split_units
from rag.retrieval.search import CompareTexts
from rag.retrieval.translated_words import coverage_across, translate_question
from rag.text.language import is_cross_lingual
from rag.text.tokens import tokenize, tokenize_question
from rag.types import Passage

_MAX_UNITS = 5
_MAX_CHARACTERS = 240
"""What is embedded of a unit: its beginning says what it is about."""


def similar_units(question: str, passages: Sequence[Passage], compare: CompareTexts) -> dict[str, float]:
    """Return how well (0..1) the units of the passages match the question, by their texts, which `compare` embeds.

    It is the mean of the similarity, scaled over the units, and of the share of the question that the unit holds in
    translation; only the 5 units that hold most are compared. Empty if the question is in the language of the best
    passage, or all its words stand there as they are. Raises EmbedderError.
    """
    best = max(passages, key=lambda passage: passage.hit.score, default=None)
    if best is None or not is_cross_lingual(question, best.chunk.searchable_text):
        return {}
    if set(tokenize_question(question)) <= set(tokenize(best.chunk.searchable_text)):
        return {}
    units = [unit for passage in passages for unit in split_units(passage)]
    # One that has words of the question's language is near by its language alone.
    contexts = {unit.text: unit.passage.chunk.context for unit in units if is_cross_lingual(question, unit.text)}
    terms = {text: frozenset(tokenize(f"{context}\n{text}")) for text, context in contexts.items()}
    held = coverage_across(translate_question(question), terms)
    chosen = sorted(contexts, key=lambda text: -held.get(text, 0.0))[:_MAX_UNITS]
    if not chosen:
        return {}
    texts = [f"{contexts[text]}\n{text[:_MAX_CHARACTERS]}" for text in chosen]
    cosines = compare(texts)
    lowest, span = min(cosines), max(cosines) - min(cosines) or 1.0
    return {
        text: ((cosine - lowest) / span + held.get(text, 0.0)) / 2 for text, cosine in zip(chosen, cosines, strict=True)
    }
