"""The probability that the hits contain the answer.

It comes from a logistic model over signals of the best hits. A question in another language than the passages has a
model of its own, over similarity, numbers and translated words.
"""

import threading
from dataclasses import replace

from rag.retrieval.calibration import load_calibration
from rag.retrieval.search import Retrieval
from rag.retrieval.signals import Signals, compare_spans, signals_of_text
from rag.text.language import detect_language

LIKELY = 0.75
"""From this probability on, passages have an answer even if the words of its quotes do not confirm it."""
_SPAN_BEHIND = 0.03
"""The best span is hardly ever farther from the question than the nearest passage by more than this: for 2 % of 408
questions on documentation."""
_SURE_ODDS = 3
"""How many times the odds of a level an estimate must have to reach it without a comparison, unless it is LIKELY."""


class Sufficiency:
    """The probability that hits answer their question, computed as far as somebody needs to know it.

    To compare a span with the question takes as long as a search, and the best four of them are compared for the exact
    value. Safe to use from several threads.
    """

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval
        self._calibration = load_calibration(retrieval.embedder)
        self._language = detect_language(retrieval.question)
        self._lock = threading.Lock()
        self._signals: Signals | None = None
        self._batches: list[list[str]] = []
        if retrieval.hits:
            self._signals, spans = signals_of_text(retrieval)
            compared = spans if self._calibration.compares_spans else []
            self._batches = [batch for batch in (compared[:1], compared[1:]) if batch]
        self._estimate = self._estimated() if self._batches else None

    @property
    def known(self) -> float:
        """The probability (0..1) as far as it has been computed: exact, at least this, or an estimate that is low."""
        return self._so_far if self._estimate is None else self._estimate

    def reaches(self, level: float) -> bool:
        """Return whether the probability is at least `level` (0..1). Blocks; may raise EmbedderError."""
        with self._lock:
            if self._estimate is not None and self._estimate >= max(level, min(LIKELY, _raised(level))):
                return True
            while self._so_far < level and self._batches:
                self._compare(self._batches.pop(0))
            return self._so_far >= level

    def _compare(self, spans: list[str]) -> None:
        assert self._signals  # noqa: S101  (spans are of hits)
        self._signals = compare_spans(self._signals, spans, self._retrieval)
        self._estimate = None

    @property
    def _so_far(self) -> float:
        return self._calibration.probability(self._signals, self._language) if self._signals else 0.0

    def _estimated(self) -> float:
        """Return the probability with the least similarity that the best span is likely to have."""
        assert self._signals  # noqa: S101  (spans are of hits)
        signals = replace(self._signals, span_cosine=self._signals.cosine - _SPAN_BEHIND)
        return self._calibration.probability(signals, self._language)


def answer_probability(retrieval: Retrieval, *, enough: float = LIKELY) -> float:
    """Return the probability (0..1) that the hits answer the question; 0 without hits.

    One of at least `enough` may be higher in truth: it saves the time to compare further spans. Blocks; may raise
    EmbedderError.
    """
    sufficiency = Sufficiency(retrieval)
    sufficiency.reaches(enough)
    return sufficiency.known


def _raised(level: float) -> float:
    """Return the probability with `_SURE_ODDS` times the odds of `level`."""
    return _SURE_ODDS * level / (1 - level + _SURE_ODDS * level)
