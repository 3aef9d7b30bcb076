"""How likely it is that what was found holds the answer.

A logistic model over what the legs say of the best hit. Fitted on questions with their passage in the corpus and with
it taken out (CMRC 2018 dev and XQuAD zh and en, in one language and across; classes balanced, then shifted to the prior
that nine questions in ten can be answered). Embedders spread their similarities differently, so the margin counts only
for an embedder that it was fitted for.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.question import language_of
from rag.vocabulary import Hit

_PRIOR_LOG_ODDS = math.log(0.9 / 0.1)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z\u3400-\u9fff]")

# A question of one of these kinds is not answered by passages without a word of the kind.
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


@dataclass(frozen=True, slots=True)
class _Weights:
    intercept: float
    coverage: float
    margin: float
    kind_missing: float


_SAME_LANGUAGE = _Weights(-4.13, 9.92, 0.0, -3.1)
_ACROSS_LANGUAGES = _Weights(0.0, 0.0, 0.0, -2.4)
_FITTED = {
    "builtin/multilingual-e5-small": (
        _Weights(-5.06, 9.16, 29.1, -3.1),
        # Less is taken for granted across languages, where the words cannot vouch: seven in ten. Of sixty XQuAD
        # questions asked of another corpus, all foreign to it, four in five then fall below one half.
        _Weights(-3.25, 0.71, 66.7, -2.4),
    )
}


def probability(question: str, hits: Sequence[Hit], *, margin: float, embedder: str) -> float:
    """0..1. `margin` is how far the best hit's cosine lies above the mean of the ten next; `embedder` its name."""
    if not hits:
        return 0.0
    same, across = _FITTED.get(embedder, (_SAME_LANGUAGE, _ACROSS_LANGUAGES))
    text = "\n".join(hit.chunk.searchable_text for hit in hits)
    weights = across if _is_across(question, text) else same
    log_odds = (
        _PRIOR_LOG_ODDS
        + weights.intercept
        + weights.coverage * hits[0].coverage
        + weights.margin * margin
        + weights.kind_missing * _kind_is_missing(question, text)
    )
    return 1 / (1 + math.exp(-log_odds))


def _is_across(question: str, text: str) -> bool:
    """Whether question and passages are in different languages, so that most words cannot match."""
    share = len(_CHINESE.findall(text)) / max(len(_LETTER.findall(text)), 1)
    return share < 0.05 if language_of(question) == "zh" else share > 0.2


def _kind_is_missing(question: str, text: str) -> bool:
    return any(asks.search(question) and not answers.search(text) for asks, answers in _KINDS)
