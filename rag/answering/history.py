"""What was said before a question, and by rule, the question with what it leaves unsaid.

"那它的官网呢？" after "Dify 是什么？" asks for "Dify 官网". The rule knows pronouns, the beginnings and endings of
elliptical questions, and very short ones; it carries over what the question before was about: its names, or else all
its words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.text import segmentation
from rag.text.chinese_nouns import NAME_TAGS
from rag.text.cjk import HAN
from rag.text.facts import find_latin_names
from rag.text.language import detect_language
from rag.text.surrogates import replace_surrogates
from rag.text.tokens import strip_question_words

_POINTS_BACK = re.compile(
    r"[它她他]|这(?:个|些|里|样|款|种|家|几)|那(?:个|些|里|样|款|种|家|几)|[该此]|其(?![他它余中实次])|上述|上面|前者|后者|刚才|前面"
    r"|\b(?:it|its|they|them|their|theirs|this|that|these|those|former|latter|he|she|his|her)\b",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(
    r"\A\s*(?:那么?|还有|以及)?\s*(?P<zh>.{1,40}?)\s*呢\s*[？?]?\s*\Z"
    r"|\A\s*(?:and|what about|how about|and what about|and how about)\s+(?P<en>.{1,80}?)\s*[？?]?\s*\Z",
    re.IGNORECASE,
)
_OPENING = re.compile(rf"\A\s*(?:那么?(?=[\s\W{HAN}])|还有|and\b|but\b|then\b)", re.IGNORECASE)
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._+#-]+[A-Za-z0-9]+)*[+#]*")
_WORD = re.compile(rf"[A-Za-z0-9]+|[{HAN}]")
_DEFINES = re.compile(r"什么是|是什么|何为|\b(?:what|who) (?:is|are|was|were)\b", re.IGNORECASE)
_FEW_WORDS = {"zh": 6, "en": 2}
"""A question of no more characters, or words, leaves something unsaid, unless it asks for a definition."""
_MARKS = re.compile(r"[\s?？!！。，,；;：:、]+")


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was said."""

    role: Literal["user", "assistant"]
    content: str


def recent_turns(history: Sequence[Turn], *, max_turns: int, max_characters: int) -> tuple[Turn, ...]:
    """The last turns, as many as the limits allow, in order; blank ones are left out.

    A question that is no text is refused; what was said before may come from anywhere, and is made text.
    """
    kept: list[Turn] = []
    characters = 0
    for turn in reversed([turn for turn in history if turn.content.strip()]):
        characters += len(turn.content)
        if len(kept) == max_turns or characters > max_characters:
            break
        kept.append(Turn(turn.role, replace_surrogates(turn.content)))
    return tuple(reversed(kept))


def complete_by_rule(question: str, history: Sequence[Turn]) -> str:
    """The question as it can be understood alone, by rule; unchanged if it can be already.

    Every earlier question is read in the light of those before it, so that a chain of follow-ups keeps its subject.
    """
    standalone = ""
    for asked in [*(turn.content for turn in history if turn.role == "user"), question]:
        standalone = _completed(asked, standalone) if standalone else asked
    return standalone


def depends_on_history(question: str) -> bool:
    """Whether a question reads as if something said before belonged to it."""
    is_short = len(_WORD.findall(question)) <= _FEW_WORDS[detect_language(question)]
    if is_short and not _DEFINES.search(question) and not _names(question):
        return True
    if any(form.search(question) for form in (_POINTS_BACK, _ELLIPSIS)):
        return True
    return bool(_OPENING.match(question)) and not _names(question)


def _completed(question: str, before: str) -> str:
    if not depends_on_history(question):
        return question
    ellipsis = _ELLIPSIS.match(question)
    own, known = _names(question), _names(before)
    if ellipsis and own and known:
        # "那 RAGFlow 呢？" asks the same of another.
        return _with_other_names(before, known, (ellipsis["zh"] or ellipsis["en"]).strip())
    subject = " ".join(known) or _content(before)
    asked = _content(_POINTS_BACK.sub(" ", _OPENING.sub("", question)))
    return f"{subject} {asked}".strip() or question


def _content(question: str) -> str:
    return _MARKS.sub(" ", strip_question_words(question)).strip()


def _with_other_names(question: str, names: Sequence[str], other: str) -> str:
    first, *rest = names
    question = question.replace(first, other, 1)
    for name in rest:
        question = question.replace(name, "", 1)
    return question


def _names(text: str) -> list[str]:
    """The names in a text: in Chinese every Latin word, and what the dictionary takes for a name."""
    if detect_language(text) == "en":
        return list(dict.fromkeys(find_latin_names(text)))
    found = [match[0] for match in _LATIN_WORD.finditer(text)]
    found += [word for word, tag in segmentation.tag(_LATIN_WORD.sub(" ", text)) if tag in NAME_TAGS and len(word) > 1]
    return sorted(dict.fromkeys(found), key=text.index)
