"""How well the units of passages match a question that may be in other words, or in another language."""

from collections.abc import Mapping, Sequence

from rag.answering.units import split_units
from rag.models.embedders.protocol import Embedder
from rag.retrieval.fusion import weighted_term_coverage
from rag.retrieval.translated_words import coverage_across, translate_question
from rag.text.language import is_cross_lingual
from rag.text.tokens import tokenize
from rag.types import Passage

_MAX_UNITS = 16
_MAX_CHARACTERS = 240
"""What is embedded of a unit: its beginning says what it is about."""


def similar_units(
    question: str, passages: Sequence[Passage], idf: Mapping[str, float], embedder: Embedder
) -> dict[str, float]:
    """Return how well (0..1) the units of the passages match the question, by their texts.

    It is the similarity, scaled over the units. If the best passage is in another language than the question, it is the
    mean of that and of the share of the question that the unit holds in translation. Only the 16 units that hold most
    are compared. Raises EmbedderError.
    """
    best = max(passages, key=lambda passage: passage.hit.score, default=None)
    if best is None:
        return {}
    is_across = is_cross_lingual(question, best.chunk.content)
    passage_of = {unit.text: passage for passage in passages for unit in split_units(passage)}
    if is_across:  # A unit that has words of the question's language is near by its language alone.
        passage_of = {text: passage for text, passage in passage_of.items() if is_cross_lingual(question, text)}
    texts = {text: f"{passage.chunk.context}\n{text[:_MAX_CHARACTERS]}" for text, passage in passage_of.items()}
    terms = {text: frozenset(tokenize(f"{passage.chunk.context}\n{text}")) for text, passage in passage_of.items()}
    if is_across:
        held = coverage_across(translate_question(question), terms)
    else:
        held = {text: passage_of[text].hit.score + weighted_term_coverage(terms[text], idf) for text in terms}
    chosen = sorted(texts, key=lambda text: -held.get(text, 0.0))[:_MAX_UNITS]
    if not chosen:
        return {}
    cosines = embedder.embed_documents([texts[text] for text in chosen]) @ embedder.embed_query(question)
    lowest, highest = float(cosines.min()), float(cosines.max())
    scaled = ((cosines - lowest) / (highest - lowest or 1.0)).tolist()
    if is_across:
        scaled = [(cosine + held.get(text, 0.0)) / 2 for text, cosine in zip(chosen, scaled, strict=True)]
    return dict(zip(chosen, scaled, strict=True))
