"""How many chunks hold each term: the numbers that idf is computed from.

The store keeps them as signed differences, one set for each generation that changed something. So an update costs
what changed, and every generation sees its own numbers.
"""

import base64
import math
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from rag.store.records import Commit

_ENTRIES_PER_ROW = 5000
_KEPT_GENERATIONS = 2  # the live one, and the one that requests under way still read
_ENTRY = np.dtype([("term", "<u4"), ("count", "<i4")])


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """The number of chunks, and how many of them hold each term, by the term's 32-bit hash.

    `length` is the number of terms of all chunks, with repetitions; it is not known of an index of an earlier zhiwen,
    which shares no collections.
    """

    chunks: int
    frequencies: Mapping[int, int]
    length: int = 0

    @property
    def mean_length(self) -> float:
        """The mean number of terms of a chunk."""
        return self.length / max(self.chunks, 1)

    def idf(self, term: str) -> float:
        """Return the inverse document frequency in Lucene's form of BM25.

        It is above 0, and highest for a term that no chunk holds.
        """
        return inverse_frequency(self.chunks, self.frequency(term))

    def frequency(self, term: str) -> int:
        """Return how many chunks hold a term."""
        return self.frequencies.get(_hash(term), 0)


@dataclass(frozen=True, slots=True)
class JointStatistics:
    """The statistics of several generations as if they were one."""

    parts: tuple[TermStatistics, ...]

    def idf(self, term: str) -> float:
        """Return the inverse document frequency of a term among the chunks of all parts."""
        return inverse_frequency(
            sum(part.chunks for part in self.parts), sum(part.frequency(term) for part in self.parts)
        )


class TermStatisticsCache:
    """Keeps the statistics of the two generations that were asked for last. Safe to use from several threads."""

    def __init__(self, load: Callable[[Commit], TermStatistics]) -> None:
        self._load = load
        self._known: LRUCache[tuple[str, int], TermStatistics] = LRUCache(_KEPT_GENERATIONS)
        self._lock = threading.Lock()

    def of(self, commit: Commit) -> TermStatistics:
        """Return a committed generation's statistics. Raises StoreError."""
        key = (commit.namespace, commit.generation)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            # Outside of the lock: readers of the other generation need not wait.
            known = self._load(commit)
            with self._lock:
                self._known[key] = known
        return known


class TermChanges:
    """Collects the differences while a generation is staged."""

    def __init__(self) -> None:
        self.chunks = 0
        self._length = 0
        self._counts: Counter[int] = Counter()

    def add(self, terms: Iterable[str]) -> None:
        """Count one more chunk that holds these terms, with repetitions."""
        counts = Counter(terms)
        self.chunks += 1
        self._length += counts.total()
        self._counts.update(map(_hash, counts))

    def remove(self, terms: Iterable[str]) -> None:
        """Count one chunk less that holds these terms, with repetitions."""
        counts = Counter(terms)
        self.chunks -= 1
        self._length -= counts.total()
        self._counts.subtract(map(_hash, counts))

    def statistics(self) -> TermStatistics:
        """Return the differences as statistics: those of the chunks that were added, if none was removed."""
        return TermStatistics(self.chunks, dict(self._counts), self._length)

    def payloads(self) -> list[dict[str, object]]:
        """Return the differences as payloads of at most about 50 KB each; none if nothing changed."""
        counts = {term: count for term, count in self._counts.items() if count}
        return list(_payloads(TermStatistics(self.chunks, counts, self._length)))


def sum_statistics(payloads: Iterable[Mapping[str, object]]) -> TermStatistics:
    """Return the sum of stored payloads."""
    chunks = length = 0
    parts = [np.empty(0, dtype=_ENTRY)]
    for payload in payloads:
        chunks += int(str(payload["chunks"]))
        length += int(str(payload.get("length", 0)))
        parts.append(np.frombuffer(zlib.decompress(base64.b85decode(str(payload["terms"]))), dtype=_ENTRY))
    entries = np.concatenate(parts)
    terms, positions = np.unique(entries["term"], return_inverse=True)
    counts = np.zeros(len(terms), dtype=np.int64)
    np.add.at(counts, positions, entries["count"])
    some = counts > 0
    return TermStatistics(chunks, dict(zip(terms[some].tolist(), counts[some].tolist(), strict=True)), length)


def compact_statistics(statistics: TermStatistics) -> list[dict[str, object]]:
    """Return one set of payloads that replaces many differences."""
    return list(_payloads(statistics))


def _payloads(statistics: TermStatistics) -> Iterator[dict[str, object]]:
    if not statistics.chunks and not statistics.frequencies and not statistics.length:
        return
    entries = np.array(sorted(statistics.frequencies.items()), dtype=_ENTRY)
    for start in range(0, max(len(entries), 1), _ENTRIES_PER_ROW):
        packed = zlib.compress(entries[start : start + _ENTRIES_PER_ROW].tobytes())
        # Only the first payload counts the chunks and their terms.
        counted = (statistics.chunks, statistics.length) if start == 0 else (0, 0)
        yield {"chunks": counted[0], "length": counted[1], "terms": base64.b85encode(packed).decode()}


def inverse_frequency(chunks: int, frequency: int) -> float:
    """Return the inverse document frequency of a term that so many of all chunks hold, as Lucene's BM25 has it."""
    return math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5))


def _hash(term: str) -> int:
    return zlib.crc32(term.encode())
