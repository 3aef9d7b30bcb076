"""Compare ways to cut text into terms for BM25.

    python -m bench.terms SETDIR … [--max-tokens N]

For each set and each tokenizer the benchmark prints nDCG@10 of BM25 alone, by document, from 0 to 1. It writes nothing;
bench/README.md has the figures.

BM25 is computed in memory with the defaults of Milvus (k1 1.2, b 0.75), over the chunks that the write path would
store. Question words are removed from questions first, as in a search.
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

from bench.evaluation_sets import EvaluationSet, documents_of, load_set
from bench.metrics import ndcg
from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.text import segmentation
from rag.text.cjk import HAN
from rag.text.tokens import strip_question_words, tokenize

Tokenizer = Callable[[str], list[str]]
"""Text → terms."""

_MAX_CHUNKS = 200
_K1, _B = 1.2, 0.75
_CHINESE = re.compile(f"[{HAN}]+")
_stem = snowballstemmer.stemmer("english").stemWord


def main() -> None:
    """Print nDCG@10 of every tokenizer on every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+", help="folders of evaluation sets")
    parser.add_argument("--max-tokens", type=int, default=320, help="most tokens of a chunk, as chunking.max_tokens")
    arguments = parser.parse_args()
    for folder in arguments.sets:
        evaluation = load_set(folder)
        documents, texts = zip(*_chunks(folder, arguments.max_tokens), strict=True)
        for name, tokenizer in TOKENIZERS.items():
            score = mean_ndcg(evaluation, documents, texts, tokenizer)
            print(f"{evaluation.name:<20} {name:<32} {score:.4f}", flush=True)


def mean_ndcg(evaluation: EvaluationSet, documents: Sequence[str], texts: Sequence[str], tokenizer: Tokenizer) -> float:
    """nDCG@10 by document of BM25 over chunks. `documents` names the document of each text."""
    index = BM25([tokenizer(text) for text in texts])
    scores = []
    for query in evaluation.queries:
        terms = dict.fromkeys(tokenizer(strip_question_words(query.text)) or tokenizer(query.text))
        found = np.argsort(-index.scores(list(terms)), kind="stable")[:_MAX_CHUNKS]
        ranked = list(dict.fromkeys(documents[position] for position in found))
        scores.append(ndcg(ranked, evaluation.relevant[query.id]))
    return mean(scores)


class BM25:
    """An index of texts, each a sequence of terms. The idf is that of Lucene, which Milvus uses too."""

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

    def scores(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """The score of every text for a question of these terms, in the order of the texts."""
        known = [self._position[term] for term in terms if term in self._position]
        return np.asarray(self._weights[:, known].sum(axis=1), dtype=np.float64).ravel()


def _characters_and_pairs(text: str) -> list[str]:
    return tokenize(text)


def _character_pairs(text: str) -> list[str]:
    return [term for term in tokenize(text) if not _is_character(term)]


def _words(text: str) -> list[str]:
    """Dictionary words instead of characters and their pairs."""
    others = [term for term in tokenize(text) if not _CHINESE.fullmatch(term)]
    return [*others, *_dictionary_words(text)]


def _character_pairs_and_words(text: str) -> list[str]:
    return [*_character_pairs(text), *(f"word {word}" for word in _dictionary_words(text))]


def _characters_pairs_and_words(text: str) -> list[str]:
    return [*tokenize(text), *(f"word {word}" for word in _dictionary_words(text))]


def _characters_pairs_and_stems(text: str) -> list[str]:
    return [_stem(term) if term.isascii() else term for term in tokenize(text)]


def _is_character(term: str) -> bool:
    return len(term) == 1 and bool(_CHINESE.match(term))


def _dictionary_words(text: str) -> Iterator[str]:
    for run in _CHINESE.findall(text):
        yield from segmentation.segment(run)


TOKENIZERS: Mapping[str, Tokenizer] = {
    "pairs of characters": _character_pairs,
    "words": _words,
    "pairs and words": _character_pairs_and_words,
    "characters and pairs (ours)": _characters_and_pairs,
    "characters, pairs and words": _characters_pairs_and_words,
    "characters, pairs, English stems": _characters_pairs_and_stems,
}


def _chunks(folder: Path, max_tokens: int) -> Iterator[tuple[str, str]]:
    """Yield the document id and the searchable text of each chunk."""
    count_tokens = BuiltinEmbedder().count_tokens
    for identifier, text in documents_of(folder):
        document = parse_document("document.md", text.encode())
        for chunk in chunk_document(document, count_tokens=count_tokens, max_tokens=max_tokens):
            yield identifier, chunk.searchable_text


if __name__ == "__main__":
    main()
