"""Several questions in one message, cut apart: "What is A, and who makes B?"."""

import re

_ASKS = re.compile(
    r"什么|啥|哪|谁|(?<![好个前后这那近十])几(?![乎十百千])|(?<!不到)(?<!没有)(?<!没)多少"
    r"|怎么|怎样|如何|为什么|吗\s*\Z|呢\s*\Z|是不是|能不能|多久|多大|多长"
    r"|\b(?:what|which|who|whom|whose|where|when|why|how)\b|\A(?:(?:and|or|but|so|also)\s)*(?:is|are|does|do|can)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[？?]+\s*|[；;]\s*")
_JOINT = re.compile(
    r"\s*[，,]\s*(?:还有|以及|另外|顺便问?|同时|并且|而且)?\s*|\s*(?:还有|以及|另外)\s*"
    r"|\s*,?\s+(?:and|also|plus)\s+(?:also\s+)?(?=(?:what|which|who|whose|where|when|why|how)\b)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\A(?:如果|假如|要是|当|除了|关于|对于|根据|按照|因为|既然|我|想|学|请问|你好)|\A(?:if|when|after|before|because|besides|"
    r"except|according|in|for|since|hi|hello)\b",
    re.IGNORECASE,
)
_STATEMENT = re.compile(r"\A(?:and |but )?(?:i|i['’](?:m|ve|d)|my|we|our|it|this|that|there)\b", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"(?:or\b|还是|或者?|抑或)", re.IGNORECASE)
"""How a part begins that is the other answer to the one before: "…, or is there only one?"."""
_MIN_CHARACTERS = 3


def split_questions(message: str) -> list[str]:
    """Return the questions of a message in order, at least one. A part that asks nothing stays with its neighbour.

    >>> split_questions("What is Dify? And who makes Trae?")
    ['What is Dify', 'And who makes Trae']
    >>> split_questions("除了百度，还有谁做搜索？")
    ['除了百度，还有谁做搜索？']
    """
    sentences = [sentence for sentence in _END.split(message) if sentence.strip()]
    parts = [part for sentence in sentences for part in _split_sentence(sentence)]
    if len(parts) < 2 or not all(map(_is_question, parts)):
        return [message]
    return parts


def _split_sentence(sentence: str) -> list[str]:
    pieces = [piece.strip() for piece in _JOINT.split(sentence) if piece and piece.strip()]
    stands_alone = all(map(_is_question, pieces)) and not any(map(_ALTERNATIVE.match, pieces))
    if len(pieces) > 1 and stands_alone and not _CONDITION.search(pieces[0]):
        return pieces
    return [sentence.strip()]


def _is_question(part: str) -> bool:
    return len(part) >= _MIN_CHARACTERS and bool(_ASKS.search(part)) and not _STATEMENT.search(part)
