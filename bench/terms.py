"""Which terms to index: `python -m bench.terms SETDIR …`: nDCG@10 of BM25 alone for several ways of making terms.

BM25 is computed here (k1 1.2, b 0.75, Milvus' defaults), over the chunks that the write path would store, so that no
index need be built for each way. Questions lose their question words first, as in a search.
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import scipy.sparse
import snowballstemmer
from numpy.typing import NDArray

from bench.metrics import ndcg
from bench.sets import EvaluationSet, documents_of, load_set
from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.text import segmentation
from rag.text.cjk import HAN
from rag.text.tokens import strip_question_words, tokenize

Terms = Callable[[str], list[str]]

_K1, _B = 1.2, 0.75
_CHINESE = re.compile(f"[{HAN}]+")
_stem = snowballstemmer.stemmer("english").stemWord


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+", help="folders of evaluation sets")
    parser.add_argument("--max-tokens", type=int, default=320, help="of a chunk, as chunking.max_tokens")
    arguments = parser.parse_args()
    for folder in arguments.sets:
        evaluation = load_set(folder)
        documents, texts = zip(*_chunks(folder, arguments.max_tokens), strict=True)
        for name, variant in VARIANTS.items():
            print(f"{evaluation.name:<20} {name:<32} {rate(evaluation, documents, texts, variant):.4f}", flush=True)


def rate(evaluation: EvaluationSet, documents: Sequence[str], texts: Sequence[str], variant: Terms) -> float:
    """nDCG@10 by document of BM25 over chunks."""
    index = BM25([variant(text) for text in texts])
    scores = []
    for query in evaluation.queries:
        asked = dict.fromkeys(variant(strip_question_words(query.text)) or variant(query.text))
        found = np.argsort(-index.scores(list(asked)), kind="stable")[:200]
        ranked = list(dict.fromkeys(documents[position] for position in found))
        scores.append(ndcg(ranked, evaluation.relevant[query.id]))
    return mean(scores)


class BM25:
    """Scores of all texts for a question; Lucene's idf, as Milvus has it."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._position: dict[str, int] = {}
        rows, columns, counts = [], [], []
        for row, text in enumerate(texts):
            for term, count in Counter(text).items():
                rows.append(row)
                columns.append(self._position.setdefault(term, len(self._position)))
                counts.append(count)
        matrix = scipy.sparse.csc_matrix(
            (np.array(counts, dtype=float), (rows, columns)), shape=(len(texts), len(self._position))
        )
        lengths = np.array([len(text) for text in texts], dtype=float)
        frequencies = np.diff(matrix.indptr)
        idf = np.log(1 + (len(texts) - frequencies + 0.5) / (frequencies + 0.5))
        norm = _K1 * (1 - _B + _B * lengths / lengths.mean())
        matrix.data = matrix.data * (_K1 + 1) / (matrix.data + norm[matrix.indices])
        self._weights: Any = matrix.multiply(idf[np.newaxis, :]).tocsc()

    def scores(self, asked: Sequence[str]) -> NDArray[np.float64]:
        known = [self._position[term] for term in asked if term in self._position]
        return np.asarray(self._weights[:, known].sum(axis=1), dtype=np.float64).ravel()


def _as_indexed(text: str) -> list[str]:
    return tokenize(text)


def _pairs(text: str) -> list[str]:
    return [term for term in tokenize(text) if not _is_character(term)]


def _words(text: str) -> list[str]:
    """Dictionary words in place of characters and their pairs."""
    others = [term for term in tokenize(text) if not _CHINESE.fullmatch(term)]
    return [*others, *_dictionary_words(text)]


def _pairs_and_words(text: str) -> list[str]:
    return [*_pairs(text), *(f"word {word}" for word in _dictionary_words(text))]


def _all(text: str) -> list[str]:
    return [*tokenize(text), *(f"word {word}" for word in _dictionary_words(text))]


def _stemmed(text: str) -> list[str]:
    return [_stem(term) if term.isascii() else term for term in tokenize(text)]


def _is_character(term: str) -> bool:
    return len(term) == 1 and bool(_CHINESE.match(term))


def _dictionary_words(text: str) -> Iterator[str]:
    for run in _CHINESE.findall(text):
        yield from segmentation.segment(run)


VARIANTS: Mapping[str, Terms] = {
    "pairs of characters": _pairs,
    "words": _words,
    "pairs and words": _pairs_and_words,
    "characters and pairs (ours)": _as_indexed,
    "characters, pairs and words": _all,
    "characters, pairs, English stems": _stemmed,
}


def _chunks(folder: Path, max_tokens: int) -> Iterator[tuple[str, str]]:
    """The document of each chunk and its searchable text."""
    count_tokens = BuiltinEmbedder().count_tokens
    for name, text in documents_of(folder):
        document = parse_document("document.md", text.encode())
        for chunk in chunk_document(document, count_tokens=count_tokens, max_tokens=max_tokens):
            yield name, chunk.searchable_text


if __name__ == "__main__":
    main()
