"""The probability that the hits contain the answer.

It comes from a logistic model over signals of the best hits. The weights are in `rag/retrieval/calibrations/`, in one
small file for each embedder, because embedders spread their similarities differently, and one for all others.
`python -m bench.calibrate` fits them and records the data. A question in another language than the passages has a model
of its own: hardly any word can match, so only similarity counts, that of single sentences too.
"""

import re
from collections.abc import Mapping, Sequence
from statistics import mean

from rag.retrieval.attribute_presence import is_attribute_absent
from rag.retrieval.calibration import Signals, load_calibration
from rag.retrieval.fusion import bm25_share, weighted_term_coverage
from rag.retrieval.name_presence import name_absence
from rag.retrieval.search import Retrieval
from rag.text.language import is_cross_lingual
from rag.text.spans import split_spans
from rag.text.tokens import tokenize
from rag.types import Chunk

_RUNNERS_UP = 10
_STANDS_OUT = 0.25
"""A lexical lead from which the best hit may well say in other words what is asked for."""
_NUMBER = re.compile(r"\d+")

# Passages without a word of the second pattern do not answer a question that matches the first.
_KINDS = (
    (  # time
        re.compile(
            r"什么时候|何时|哪一?年|几月|几号|哪天|多久|\bwhen\b|\bwhat (?:year|date|day|month|time)\b|\bhow long\b|"
            r"\bwhich year\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"\d{4}|\d+\s*(?:年|月|日|号|天|小时|分钟|世纪|代)|[一二三四五六七八九十]+(?:年|月|日|天|世纪)|"
            r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
            r"centur(?:y|ies)|years?|days?|hours?|weeks?|months?|minutes?)\b",
            re.IGNORECASE,
        ),
    ),
    (  # money
        re.compile(r"多少钱|价格|费用|收费|售价|\b(?:price|cost|pay|fees?|pricing)\b", re.IGNORECASE),
        re.compile(r"[¥￥$€£]|元|美金|免费|\b(?:usd|rmb|cny|dollars?|euros?|free)\b", re.IGNORECASE),
    ),
)


def answer_probability(retrieval: Retrieval) -> float:
    """Return the probability (0..1) that the hits answer the question; 0 without hits."""
    if not retrieval.hits:
        return 0.0
    signals = extract_signals(retrieval)
    calibration = load_calibration(retrieval.embedder)
    model = calibration.across_languages if signals.is_across else calibration.same_language
    return model.probability(signals)


def extract_signals(retrieval: Retrieval) -> Signals:
    """Return the signals of a retrieval, which must have hits."""
    hits = retrieval.hits
    passages = [hit.chunk.searchable_text for hit in hits]
    others = (hit.chunk.searchable_text for hit in retrieval.candidates)
    text = "\n".join(passages)
    is_across = is_cross_lingual(retrieval.question, text)
    cosine, *other_cosines = sorted((hit.cosine for hit in retrieval.candidates), reverse=True)
    other_bm25 = [hit.bm25 for hit in retrieval.candidates if hit.chunk.id != hits[0].chunk.id]
    background_bm25 = _mean_of_runners_up(sorted(other_bm25, reverse=True))
    lexical_lead = bm25_share(max(hits[0].bm25 - background_bm25, 0.0), retrieval.idf)
    sentence, *other_sentences = retrieval.sentence_cosines or (0.0,)
    stands_out = min(lexical_lead / _STANDS_OUT, 1.0)
    return Signals(
        cosine=cosine,
        margin=cosine - _mean_of_runners_up(other_cosines),
        lexical_lead=lexical_lead,
        span_coverage=max(_span_coverage(hit.chunk, retrieval.idf) for hit in hits[:3]),
        kind_missing=float(any(asks.search(retrieval.question) and not tells.search(text) for asks, tells in _KINDS)),
        name_missing=name_absence(retrieval.question, passages, others=others, is_across=is_across),
        is_across=is_across,
        background=mean(other_cosines[_RUNNERS_UP:] or other_cosines or [cosine]),
        lexical_background=bm25_share(background_bm25, retrieval.idf),
        sentence=sentence,
        sentence_lead=sentence - _mean_of_runners_up(other_sentences),
        number_missing=float(any(number not in text for number in _NUMBER.findall(retrieval.question))),
        attribute_missing=(1 - stands_out) * (not is_across and is_attribute_absent(retrieval.question, passages)),
    )


def _mean_of_runners_up(ordered: Sequence[float]) -> float:
    return mean(ordered[:_RUNNERS_UP]) if ordered else 0.0


def _span_coverage(chunk: Chunk, idf: Mapping[str, float]) -> float:
    context = frozenset(tokenize(chunk.context))
    return max(
        (weighted_term_coverage(context | set(tokenize(span.text)), idf) for span in split_spans(chunk)), default=0.0
    )
