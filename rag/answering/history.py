"""The conversation before a question, and a rule that completes a follow-up from it.

After "Dify 是什么？", "那它的官网呢？" asks for "Dify 官网". The rule recognises pronouns, the beginnings and endings
of elliptical questions, and very short questions. It adds the subject of the question before: its names, or all its
words if it has no name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.answering.replacement import replace_part
from rag.text import segmentation
from rag.text.absent_nouns import NAME_TAGS
from rag.text.cjk import HAN
from rag.text.facts import find_latin_names
from rag.text.language import detect_language
from rag.text.question_words import NTH
from rag.text.small_talk import is_small_talk
from rag.text.surrogates import replace_surrogates
from rag.text.tokens import strip_question_words

_PRONOUN = re.compile(
    r"[它她他]们?|这(?:个|些|里|样|款|种|家|几)|那(?:个|些|里|样|款|种|家|几)|[该此]|其(?![他它余中实次])|上述|上面|前者|后者|刚才|前面"
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
_MAX_WORDS_OF_SHORT_QUESTION = {"zh": 6, "en": 2}
"""A question of at most this many words (in Chinese, characters) needs its history unless it asks for a definition."""
_NEXT = re.compile(
    r"\A\s*(?P<zh>(?:那么?|再|然后|接着)*(?:再?(?:之后|以后|往后|下一?步|下一个)|接下来|然后)(?:呢|是什么|学什么|做什么)?)\s*[？?]?\s*\Z"
    r"|\A\s*(?:and )?(?:then|next|after that|what(?:'s| is| comes)? (?:next|then|after that))\s*[?]?\s*\Z",
    re.IGNORECASE,
)
_PREDICATE = re.compile(r"的|在|是|有|属于|怎么|如何|几|多少|什么|哪|谁")
_ITEM = re.compile(r"\A\s*(?:[-*+]|\d+[.)])\s+")
_MARKER = re.compile(r"\s*\[\d+\]")
_MAX_ITEM_CHARACTERS = 40
_MARKS = re.compile(r"[\s?？!！。，,；;：:、]+")


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the conversation, by the person who asks or by the assistant."""

    role: Literal["user", "assistant"]
    content: str


def recent_turns(history: Sequence[Turn], *, max_turns: int, max_characters: int) -> tuple[Turn, ...]:
    """Return the last turns that fit into both limits, oldest first, without blank ones.

    Surrogates, which are not text, are replaced: unlike a question, a turn that holds one is not refused.
    """
    recent: list[Turn] = []
    characters = 0
    for turn in reversed([turn for turn in history if turn.content.strip()]):
        characters += len(turn.content)
        if len(recent) == max_turns or characters > max_characters:
            break
        recent.append(Turn(turn.role, replace_surrogates(turn.content)))
    return tuple(reversed(recent))


def complete_by_rule(question: str, history: Sequence[Turn]) -> str:
    """Return the question so that it can be understood alone; unchanged if it can be already.

    The earlier questions are completed first, each from those before it, so that a chain of follow-ups keeps its
    subject.
    """
    standalone = answer = ""
    for turn in (*history, Turn("user", question)):
        if turn.role == "assistant":
            answer = turn.content
        elif turn.content == question or not is_small_talk(turn.content):
            standalone = _complete(turn.content, standalone, answer) if standalone else turn.content
    return standalone


def depends_on_history(question: str) -> bool:
    """Return whether a question seems to need the conversation before it to be understood."""
    is_short = len(_WORD.findall(question)) <= _MAX_WORDS_OF_SHORT_QUESTION[detect_language(question)]
    if is_short and not _DEFINES.search(question) and not _names(question):
        return True
    if any(form.search(question) for form in (_PRONOUN, _ELLIPSIS)):
        return True
    return bool(_OPENING.match(question)) and not _names(question)


def _complete(question: str, previous: str, answer: str) -> str:
    if next_step := _NEXT.match(question):
        anchor = _first_item(answer)
        after = "{} 之后是什么" if next_step["zh"] else "What comes after {}?"
        return after.format(anchor) if anchor else previous
    if not depends_on_history(question):
        return question
    names, previous_names = _names(question), _names(previous)
    if ellipsis := _ELLIPSIS.match(question):
        other = (ellipsis["zh"] or ellipsis["en"]).strip()
        if names and previous_names:
            # "那 RAGFlow 呢？" asks the same about something else.
            return _replace_names(previous, previous_names, other)
        if not _PRONOUN.search(question) and (replaced := replace_part(previous, other)):
            return replaced
    elif not _PRONOUN.search(question) and any(form.search(question) and form.search(previous) for form in NTH):
        return replace_part(previous, question)
    subject = " ".join(previous_names) or _subject(previous)
    rest = _PRONOUN.sub(" ", _OPENING.sub("", question)).strip()
    return f"{subject} {rest}".strip() or question


def _subject(question: str) -> str:
    """Return what a question is about: in Chinese what stands before its predicate, else its content words."""
    match = _PREDICATE.search(question) if detect_language(question) == "zh" else None
    return _content_words(question[: match.start()] if match and match.start() > 1 else question)


def _first_item(answer: str) -> str:
    """Return the name in the first line of an answer: its first item without number and marker."""
    first = next((line for line in answer.splitlines() if line.strip()), "")
    return _MARKER.sub("", _ITEM.sub("", first)).strip()[:_MAX_ITEM_CHARACTERS]


def _content_words(question: str) -> str:
    return _MARKS.sub(" ", strip_question_words(question)).strip()


def _replace_names(question: str, names: Sequence[str], other: str) -> str:
    first, *rest = names
    question = question.replace(first, other, 1)
    for name in rest:
        question = question.replace(name, "", 1)
    return question


def _names(text: str) -> list[str]:
    """Return the names in a text; in Chinese, every Latin word and every word that the dictionary tags as a name."""
    if detect_language(text) == "en":
        return list(dict.fromkeys(find_latin_names(text)))
    names = [match[0] for match in _LATIN_WORD.finditer(text)]
    names += [word for word, tag in segmentation.tag(_LATIN_WORD.sub(" ", text)) if tag in NAME_TAGS and len(word) > 1]
    return sorted(dict.fromkeys(names), key=text.index)
