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
    """The probability that the hits of a retrieval answer its question, computed only as precisely as callers need.

    There must be hits. For the exact value, four spans are compared with the question, and each takes as long as a
    search. Safe to use from several threads.
    """

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval
        self._calibration = load_calibration(retrieval.embedder)
        self._language = detect_language(retrieval.question)
        self._lock = threading.Lock()
        self._signals, spans = signals_of_text(retrieval)
        compared = spans if self._calibration.compares_spans else []
        self._batches = [batch for batch in (compared[:1], compared[1:]) if batch]
        likely_least = replace(self._signals, span_cosine=self._signals.cosine - _SPAN_BEHIND)
        self._estimate = self._probability(likely_least) if self._batches else None

    @property
    def known(self) -> float:
        """The probability (0..1) as far as it is known: the exact value, a lower bound, or a low estimate."""
        return self._probability(self._signals) if self._estimate is None else self._estimate

    def reaches(self, level: float) -> bool:
        """Return whether the probability is at least `level` (0..1). Blocks; may raise EmbedderError."""
        with self._lock:
            if self._estimate is not None and self._estimate >= max(level, min(LIKELY, _raised(level))):
                return True
            while self._probability(self._signals) < level and self._batches:
                self._signals = compare_spans(self._signals, self._batches[0], self._retrieval)
                self._estimate = None
                del self._batches[0]
            return self._probability(self._signals) >= level

    def _probability(self, signals: Signals) -> float:
        return self._calibration.probability(signals, self._language)


def answer_probability(retrieval: Retrieval, *, enough: float = LIKELY) -> float:
    """Return the probability (0..1) that the hits answer the question; 0 without hits.

    If it is at least `enough`, the exact value may be higher: that saves the time to compare further spans. Blocks; may
    raise EmbedderError.
    """
    if not retrieval.hits:
        return 0.0
    sufficiency = Sufficiency(retrieval)
    sufficiency.reaches(enough)
    return sufficiency.known


def _raised(level: float) -> float:
    """Return the probability with `_SURE_ODDS` times the odds of `level`."""
    return _SURE_ODDS * level / (1 - level + _SURE_ODDS * level)
