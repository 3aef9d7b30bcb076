"""How similar an embedder finds questions and texts of one language that have nothing to do with each other."""

import json
from pathlib import Path

import numpy as np

from bench.evaluation_sets import load_set
from bench.index import open_index
from rag.retrieval.calibration import Unrelated
from rag.text.language import Language

PARALLEL: dict[Language, str] = {"zh": "xquad-zh", "en": "xquad-en"}
"""The same texts and questions in both languages."""
_QUESTIONS = 150
_TEXT_CHARACTERS = 300
_ONE_DEVIATION_BELOW = 15.87
"""The percentile of a normal distribution."""


def unrelated_cosines(folder: Path, work: Path) -> Unrelated:
    """Compare questions of a set with the beginnings of its documents, nearly all of which are about something else.

    The deviation is that of the lower half, in which none is related.
    """
    evaluation = load_set(folder)
    documents = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    queries = evaluation.queries[:: max(len(evaluation.queries) // _QUESTIONS, 1)]
    with open_index(evaluation, work) as index:
        embedder = index.services.embedder
        texts = embedder.embed_documents([f"{each['title']}\n{each['text'][:_TEXT_CHARACTERS]}" for each in documents])
        cosines = np.array([texts @ embedder.embed_query(query.text) for query in queries])
    lower, median = np.percentile(cosines, [_ONE_DEVIATION_BELOW, 50])
    return Unrelated(round(float(median), 4), round(float(median - lower), 4))
