"""How far an ingest is, how fast it goes, and how long the rest will take.

Nearly all of the time goes into embedding, and how long a text takes depends on its length. So what is left is counted
in bytes of text to embed: of the documents that were compared, it is known; for the others, the latest documents say
how many bytes have to be embedded for a byte of a file.
"""

import math
import time
from collections.abc import Callable

from ingest.staging.report import Progress

_STEADY_SECONDS = 5.0
_STEADY_SHARE = 0.1


class ProgressMeter:
    """Counts what is done. `bytes_total` is the size of the files of all documents.

    If the vectors of an interrupted ingest `are_resumed`, the first documents pass without being embedded and say
    nothing about the time that the others will take.
    """

    def __init__(
        self,
        documents_total: int,
        bytes_total: int,
        *,
        are_resumed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._documents_total = documents_total
        self._bytes_left = bytes_total
        self._are_resumed = are_resumed
        self._clock = clock
        self._started = self._advanced = clock()
        self._documents = self._chunks = self._embedded = 0
        self._bytes_to_embed = 0
        self._seconds = _Recent()
        self._chunks_done = _Recent()
        self._bytes_embedded = _Recent()
        # Of the documents compared with the store: bytes of their files, and bytes of text to embed for them.
        self._file_bytes = _Recent()
        self._text_bytes = _Recent()
        self._bytes_a_memory_lasts = max(bytes_total * _STEADY_SHARE, 1.0)

    def cut(self, chunks: int) -> None:
        """Count a document that was cut into chunks."""
        self._chunks += chunks

    def passed_over(self, file_bytes: int) -> None:
        """Count documents that are not cut: they cannot be read, or were only moved."""
        self._bytes_left -= file_bytes

    def compared(self, file_bytes: int, *, chunks: int, to_embed: int, bytes_to_embed: int) -> None:
        """Count documents that were compared with the store.

        `file_bytes` is the size of their files. Of their `chunks`, `to_embed` have to be embedded: `bytes_to_embed`
        bytes of text.
        """
        self._bytes_left -= file_bytes
        self._bytes_to_embed += bytes_to_embed
        keep = math.exp(-file_bytes / self._bytes_a_memory_lasts)
        self._file_bytes.add(file_bytes, keep)
        self._text_bytes.add(bytes_to_embed, keep)
        self._advance(chunks=chunks - to_embed)

    def embedded(self, texts: int, text_bytes: int) -> None:
        """Count texts that were embedded."""
        self._embedded += texts
        self._bytes_to_embed -= text_bytes
        self._advance(chunks=texts, text_bytes=text_bytes)

    def refused(self, text_bytes: int) -> None:
        """Count texts that will not be embedded after all."""
        self._bytes_to_embed -= text_bytes

    def staged(self, documents: int) -> None:
        """Count documents of which everything is staged."""
        self._documents += documents

    def progress(self) -> Progress:
        """Return how far the ingest is now."""
        seconds = self._seconds.sum
        return Progress(
            self._documents,
            self._documents_total,
            self._chunks,
            self._embedded,
            chunks_per_second=round(self._chunks_done.sum / seconds, 1) if seconds else 0.0,
            seconds_left=self._seconds_left(),
        )

    def _seconds_left(self) -> float | None:
        done, seconds = self._bytes_embedded.sum, self._seconds.sum
        if not done or not seconds:
            is_known = not self._are_resumed and not self._bytes_to_embed and self._documents
            return self._seconds_left_by_documents() if is_known else None
        share = self._text_bytes.sum / self._file_bytes.sum if self._file_bytes.sum else 0.0
        return round((self._bytes_to_embed + self._bytes_left * share) * seconds / done, 1)

    def _seconds_left_by_documents(self) -> float:
        elapsed = self._clock() - self._started
        return round(elapsed * (self._documents_total - self._documents) / self._documents, 1)

    def _advance(self, *, chunks: int, text_bytes: int = 0) -> None:
        now = self._clock()
        passed, self._advanced = now - self._advanced, now
        # What is long ago, compared with how long it takes so far, counts less: a slow start is soon forgotten.
        keep = math.exp(-passed / max(now - self._started, _STEADY_SECONDS))
        self._seconds.add(passed, keep)
        self._chunks_done.add(chunks, keep)
        self._bytes_embedded.add(text_bytes, keep)


class _Recent:
    """A sum in which what was added earlier counts less."""

    def __init__(self) -> None:
        self.sum = 0.0

    def add(self, amount: float, keep: float) -> None:
        self.sum = self.sum * keep + amount
