"""How similar the units of passages are to a question in another language, whose words cannot match theirs."""

from collections.abc import Sequence

from rag.answering.units import split_units
from rag.models.embedders.protocol import Embedder
from rag.text.language import is_cross_lingual
from rag.types import Passage

_MAX_UNITS = 16
_MAX_CHARACTERS = 240
"""What is embedded of a unit: its beginning says what it is about."""


def similar_units(question: str, passages: Sequence[Passage], embedder: Embedder) -> dict[str, float]:
    """Return the similarity (-1..1) to the question of each unit of the best passages, by its text.

    Empty if the question is in the language of the best passage. Raises EmbedderError.
    """
    best = max(passages, key=lambda passage: passage.hit.score, default=None)
    if best is None or not is_cross_lingual(question, best.chunk.content):
        return {}
    units = (unit for passage in passages for unit in split_units(passage))
    # One that has words of the question's language is near by its language alone.
    contexts = {unit.text: unit.passage.chunk.context for unit in units if is_cross_lingual(question, unit.text)}
    chosen = list(contexts.items())[:_MAX_UNITS]
    if not chosen:
        return {}
    texts = [f"{context}\n{text[:_MAX_CHARACTERS]}" for text, context in chosen]
    similarities = embedder.embed_documents(texts) @ embedder.embed_query(question)
    return {text: float(similarity) for (text, _), similarity in zip(chosen, similarities, strict=True)}
