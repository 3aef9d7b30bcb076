"""How many chunks hold each term: what idf is computed from.

Kept in the ledger as signed differences, one set for each generation that changed something, so that an update costs
what changed and every generation sees its own numbers.
"""

import base64
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

_ENTRIES_PER_ROW = 5000
_ENTRY = np.dtype([("term", "<u4"), ("count", "<i4")])


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """`chunks` in all, and of how many each term (by its 32-bit hash) is part."""

    chunks: int
    frequencies: Mapping[int, int]

    def idf(self, term: str) -> float:
        """Inverse document frequency, Lucene's form of BM25's: above 0, highest for a term that no chunk holds."""
        frequency = self.frequencies.get(_hash(term), 0)
        return math.log(1 + (self.chunks - frequency + 0.5) / (frequency + 0.5))


class TermChanges:
    """Differences collected while a generation is staged."""

    def __init__(self) -> None:
        self.chunks = 0
        self._counts: Counter[int] = Counter()

    def add(self, terms: Iterable[str]) -> None:
        """Count one chunk more, with these distinct terms."""
        self.chunks += 1
        self._counts.update(_hash(term) for term in set(terms))

    def remove(self, terms: Iterable[str]) -> None:
        self.chunks -= 1
        self._counts.subtract(_hash(term) for term in set(terms))

    def payloads(self) -> list[dict[str, object]]:
        """As ledger payloads of at most about 50 KB each; none if nothing changed."""
        return list(_payloads(self.chunks, {term: count for term, count in self._counts.items() if count}))


def sum_statistics(payloads: Iterable[Mapping[str, object]]) -> TermStatistics:
    """The sum of ledger payloads."""
    chunks = 0
    frequencies: Counter[int] = Counter()
    for payload in payloads:
        chunks += int(str(payload["chunks"]))
        entries = np.frombuffer(zlib.decompress(base64.b85decode(str(payload["terms"]))), dtype=_ENTRY)
        for term, count in zip(entries["term"].tolist(), entries["count"].tolist(), strict=True):
            frequencies[term] += count
    return TermStatistics(chunks, {term: count for term, count in frequencies.items() if count > 0})


def compact_statistics(statistics: TermStatistics) -> list[dict[str, object]]:
    """One set of payloads in place of many differences."""
    return list(_payloads(statistics.chunks, statistics.frequencies))


def _payloads(chunks: int, counts: Mapping[int, int]) -> Iterator[dict[str, object]]:
    if not chunks and not counts:
        return
    entries = np.array(sorted(counts.items()), dtype=_ENTRY)
    for start in range(0, max(len(entries), 1), _ENTRIES_PER_ROW):
        packed = zlib.compress(entries[start : start + _ENTRIES_PER_ROW].tobytes())
        # The number of chunks is counted once, in the first payload.
        yield {"chunks": chunks if start == 0 else 0, "terms": base64.b85encode(packed).decode()}


def _hash(term: str) -> int:
    return zlib.crc32(term.encode())
