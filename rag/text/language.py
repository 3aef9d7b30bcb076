"""The language of a text: Chinese or English for its words, and one of eight for what readers are told."""

import re
from typing import Literal

from rag.text.cjk import HAN, HANGUL, has_han

Language = Literal["zh", "en"]
ReplyLanguage = Literal["zh", "en", "ja", "ko", "es", "fr", "de", "ru"]

LANGUAGE_NAMES: dict[ReplyLanguage, str] = {
    "zh": "Chinese",
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "ru": "Russian",
}
_HAN = re.compile(f"[{HAN}]")
_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN_RUN = re.compile("[A-Za-z]+")
_CHINESE_HAS = 0.05
_ENGLISH_HAS = 0.2
"""A text with fewer Chinese characters among its letters has no Chinese words, one with more has few English ones."""
_SCRIPTS: dict[ReplyLanguage, re.Pattern[str]] = {
    "ja": re.compile(r"[\u3041-\u309f\u30a1-\u30fa]"),
    "ko": re.compile(f"[{HANGUL}]"),
    "zh": _HAN,
    "ru": re.compile(r"[\u0400-\u04ff]"),
}
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[A-Za-z0-9_.:/@#+-]+")
_OF_IDENTIFIERS = re.compile(r"\A--|[a-z][A-Z]|[\d_/@#+]|[.:]\w")
"""What makes a piece of Latin text an identifier: `--config`, `TiKV`, `max_size`, `a/b`, `conf.d`."""
_QUOTED = re.compile(r"“[^“”]*”|\"[^\"]*\"|「[^「」]*」|《[^《》]*》|«[^«»]*»|`[^`]*`")
_FREQUENT: dict[ReplyLanguage, frozenset[str]] = {
    "en": frozenset(
        "the is are what how which who where when why do does can of for to in a an and i my there list it".split()
    ),
    "es": frozenset(
        "el la los las qué cuál cuáles cómo quién dónde cuándo cuánto cuánta cuántos es son del una para por y hay "
        "tiene puedo hola gracias en al se está".split()
    ),
    "fr": frozenset(
        "le les quel quelle quels quelles comment qui où quand combien est sont du des une pour et y a-t-il puis-je "
        "bonjour merci que quoi dans au aux ce cette pourquoi".split()
    ),
    "de": frozenset(
        "der die das was wie welche welcher welches wer wo wann warum wieviel viele ist sind von für und gibt ein eine "
        "hallo danke kann ich den dem zu im es".split()
    ),
}


def detect_language(text: str) -> Language:
    """Return `zh` if at least one Chinese character is in the text, else `en`.

    Chinese text often contains English names; English text rarely contains Chinese ones.
    """
    return "zh" if has_han(text) else "en"


def detect_reply_language(text: str) -> ReplyLanguage:
    """Return the language in which to answer a question: by its script, and for Latin letters by its frequent words.

    A name in quotation marks is in any language.

    >>> detect_reply_language("¿Cuál es el sitio web de Dify?"), detect_reply_language("What does “学习路线” say?")
    ('es', 'en')
    """
    bare = _QUOTED.sub(" ", text)
    asked = bare if _WORD.search(bare) else text
    for language, script in _SCRIPTS.items():
        if script.search(asked):
            return language
    return _by_frequent_words(asked)


def _by_frequent_words(text: str) -> ReplyLanguage:
    words = {word.casefold() for word in _WORD.findall(text)}
    # Of equal counts the first wins: English.
    return max(_FREQUENT, key=lambda language: len(words & _FREQUENT[language]))


def is_cross_lingual(asked: str, text: str) -> bool:
    """Return whether `asked`, a question or a statement, and `text` are in different languages.

    Most of their words cannot match then. Identifiers alone are in no language: they stand in any text as they are.
    """
    is_other = is_other_language(detect_language(asked), *count_letters(text))
    return is_other and not _are_identifiers(asked)


def _are_identifiers(text: str) -> bool:
    pieces = _PIECE.findall(text)
    return bool(pieces) and not has_han(text) and all(map(_OF_IDENTIFIERS.search, pieces))


def count_letters(text: str) -> tuple[int, int]:
    """Return the number of Chinese characters, and of all Chinese and Latin letters."""
    han = sum(map(len, _HAN_RUN.findall(text)))
    return han, han + sum(map(len, _LATIN_RUN.findall(text)))


def is_other_language(language: Language, han: int, letters: int) -> bool:
    """Return whether a text with these `count_letters` is in another language than `language`."""
    share = han / max(letters, 1)
    return share < _CHINESE_HAS if language == "zh" else share > _ENGLISH_HAS
