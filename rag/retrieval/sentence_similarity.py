"""The similarity of a question to single sentences, for questions in another language than the passages.

Where no word can match, the similarity of whole passages tells little about whether one of them answers. That of their
sentences tells more, at the price of some milliseconds: about fifteen sentences are embedded.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from rag.models.embedders.protocol import Embedder, Vector
from rag.text.language import is_cross_lingual
from rag.text.spans import split_spans
from rag.types import Hit

_HITS = 3
_SENTENCES = 40


def compare_sentences(
    question: str, vector: Vector | None, hits: Sequence[Hit], embedder: Embedder
) -> tuple[float, ...]:
    """Return the cosines of the sentences and rows of the three best hits, highest first.

    `vector` is that of the question. None if the question and the hits are in one language. Raises EmbedderError.
    """
    if vector is None or not is_cross_lingual(question, "\n".join(hit.chunk.searchable_text for hit in hits)):
        return ()
    spans = (span.text for hit in hits[:_HITS] for span in split_spans(hit.chunk))
    sentences = list(islice(dict.fromkeys(spans), _SENTENCES))
    if not sentences:
        return ()
    return tuple(sorted(np.asarray(embedder.embed_documents(sentences) @ vector).tolist(), reverse=True))
