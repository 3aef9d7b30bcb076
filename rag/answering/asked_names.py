"""The names that a question asks about, and which texts hold them."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

from rag.retrieval.evidence import Evidence
from rag.text import segmentation
from rag.text.bilingual_dictionary import is_chinese_word, is_ordinary_word, translate_chinese
from rag.text.cjk import has_han
from rag.text.facts import find_latin_names
from rag.text.language import detect_language, is_cross_lingual
from rag.text.question_form import QuestionForm
from rag.text.question_words import GENERIC, WEEKDAYS
from rag.text.tokens import LATIN_WORD, is_question_word, normalize, tokenize
from rag.types import Passage

ABBREVIATION = 3
"""Characters of an abbreviation such as AI or IDE, which is no name."""
_TYPING_ERROR = 0.8
_EVERYWHERE = 1.95
"""The idf of what every seventh passage names."""
_NAME_TAGS = frozenset({"nr", "ns", "nt"})
"""Persons, places and organisations; the dictionary takes too much for the names of other things."""
_DEMONSTRATIVES = "这那哪某每"
"""They begin phrases such as 那串, which the tagger may guess to be a person."""


def asked_names(form: QuestionForm, text: str) -> list[str]:
    """Return the names that `text`, which answers the question, must hold.

    The step after something need not name it. What is written in Chinese cannot stand in an English text.
    """
    if form.place and form.place.anchor:
        return []
    names = [name for name in _names(form.question) if name not in form.excluded]
    return [name for name in names if not has_han(name)] if is_cross_lingual(form.question, text) else names


def passages_with_names(form: QuestionForm, evidence: Evidence) -> Sequence[Passage]:
    """Return the passages that hold all names of the question, or all passages if none does."""
    named = []
    for passage in evidence.passages:
        names = asked_names(form, passage.chunk.content)
        if holds_names(f"{passage.chunk.source}\n{passage.chunk.searchable_text}", names, evidence):
            named.append(passage)
    return named or evidence.passages


def of_same_sections(named: Sequence[Passage], passages: Sequence[Passage]) -> list[Passage]:
    """Return those of the passages that stand in a section of the named ones: the rows below a sentence with a name."""
    sections = {passage.chunk.section_key for passage in named}
    return [passage for passage in passages if passage.chunk.section_key in sections]


def holds_names(text: str, names: Sequence[str], evidence: Evidence) -> bool:
    """Return whether a text holds all names. What all documents are about, it need not repeat.

    A Chinese name may stand there in Latin letters, if the dictionary knows them: Android for 安卓. What the tagger
    takes for a name is none if it is an ordinary word, such as 加密.
    """
    return all(
        holds_name(text, name)
        or is_everywhere(name, evidence)
        or any(holds_name(text, form) for form in _forms(name))
        or is_ordinary_word(normalize(name))
        for name in names
    )


def is_guessed(name: str) -> bool:
    """Return whether the tagger guesses that a Chinese word is a name: no dictionary has 李志鹏, nor 包太大."""
    return has_han(name) and not is_chinese_word(normalize(name))


def holds_name(text: str, name: str) -> bool:
    """Return whether a text holds a name, in any case, however its parts are joined, or with a typing error."""
    joined, words = _joined_and_words(text)
    wanted = normalize(name).casefold()
    bare = _joined(wanted)
    if bare in joined or (len(bare) > ABBREVIATION and bare.removesuffix("s") in joined):
        return True
    return len(bare) > ABBREVIATION and bool(get_close_matches(wanted, words, 1, _TYPING_ERROR))


@lru_cache(maxsize=256)
def _joined_and_words(text: str) -> tuple[str, frozenset[str]]:
    """Return the letters and digits of a text in a row, and its Latin words."""
    plain = normalize(text).casefold()
    return _joined(plain), frozenset(LATIN_WORD.findall(plain))


def _joined(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def is_everywhere(name: str, evidence: Evidence) -> bool:
    """Return whether all documents are about a name, so that a passage need not repeat it."""
    weights = [evidence.idf[term] for term in tokenize(name) if term in evidence.idf]
    return bool(weights) and max(weights) <= _EVERYWHERE


def _names(question: str) -> list[str]:
    """Return the names that a question holds; a short abbreviation such as AI or IDE is none."""
    if detect_language(question) == "en":
        names = [name for name in find_latin_names(question) if name.casefold() not in WEEKDAYS]
        return [name for name in names if len(_singular(name)) > ABBREVIATION or not name.isalpha()]
    # An English question about a Chinese name counts as Chinese.
    latin = [word for word in LATIN_WORD.findall(normalize(question)) if not is_question_word(word)]
    names = [word for word in latin if word != word.lower() and (len(word) > ABBREVIATION or not word.isupper())]
    tagged = segmentation.tag(LATIN_WORD.sub(" ", question))
    chinese = (word for word, tag in tagged if tag in _NAME_TAGS and len(word) > 1 and word not in GENERIC)
    return [*names, *(word for word in chinese if not _is_degree(word) and word[0] not in _DEMONSTRATIVES)]


def _is_degree(word: str) -> bool:
    """Return whether a word is an adverb with its adjective, such as 太大, which the tagger may guess to be a place."""
    return [tag for _, tag in segmentation.tag(word)] == ["d", "a"]


def _singular(name: str) -> str:
    """Return LLM for LLMs; other names as they are."""
    return name[:-1] if name.endswith("s") and name[:-1].isupper() else name


def _forms(name: str) -> list[str]:
    """Return the English words for a Chinese name."""
    senses = translate_chinese(normalize(name)) if has_han(name) else ()
    return [sense.english[0] for sense in senses if len(sense.english) == 1]
