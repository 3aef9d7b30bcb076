"""Whether passages tell what kind of thing a question asks for: a time, or a price."""

import re

_KINDS = (
    (  # time
        re.compile(
            r"什么时候|何时|哪一?年|几月|几号|哪天|多久|\bwhat (?:year|date|day|month|time)\b|\bhow long\b|"
            # Not "when checking" or "when I fetch it", which ask for no time.
            r"\bwhen (?:exactly )?(?:to|is|are|was|were|do|does|did|will|would|can|could|should|has|have|had)\b|"
            r"\b(?:since|until|till|by|from|know|tell me|say|wonder) when\b|\bwhen\W*\Z|\bwhich year\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"\d{4}|\d+\s*(?:年|月|日|号|天|小时|分钟|世纪|代)|[一二三四五六七八九十]+(?:年|月|日|天|世纪)|"
            r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
            r"centur(?:y|ies)|years?|days?|hours?|weeks?|months?|minutes?|seconds?)\b|\d\s*(?:ms|s|secs?|mins?|h)\b|"
            r"_(?:ms|sec|second|min|minute|hour|day|interval|timeout|ttl)s?\b",  # names of settings
            re.IGNORECASE,
        ),
    ),
    (  # money
        re.compile(r"多少钱|价格|费用|收费|售价|\b(?:price|cost|pay|fees?|pricing)\b", re.IGNORECASE),
        re.compile(r"[¥￥$€£]|元|美金|免费|\b(?:usd|rmb|cny|dollars?|euros?|free)\b", re.IGNORECASE),
    ),
)
"""How questions ask for each kind of thing, and what a passage that tells it contains."""


def lacks_kind(question: str, text: str) -> bool:
    """Return whether a question asks for a time or a price, and a text has none."""
    return any(asks.search(question) and not tells.search(text) for asks, tells in _KINDS)
