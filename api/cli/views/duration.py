"""Durations that a person waits, in words."""

from api.translations import say
from rag.text.language import Language


def duration(seconds: float, language: Language) -> str:
    """Return a duration, no more precise than an estimate is.

    >>> [duration(seconds, "en") for seconds in (0.4, 42, 59.6, 200, 5400)]
    ['1 s', '42 s', '1 min', '3 min', '1 h 30 min']
    >>> duration(5400, "zh")
    '1 小时 30 分钟'
    """
    whole = max(round(seconds), 1)
    if whole < 60:
        return say("seconds", language, seconds=whole)
    minutes = round(seconds / 60)
    if minutes < 60:
        return say("minutes", language, minutes=minutes)
    return say("hours", language, hours=minutes // 60, minutes=minutes % 60)
