"""Whether passages contain the names that a question asks for: names in Latin letters, which most products have.

A name is found in any case, however its parts are joined, in the plural, with a typing error in a long word or two
letters swapped, shortened before a number (win10 for Windows 10), and without what stands before its last dot. Some
absences are in doubt. A word in lower case may not be a name: 年终 bonus 怎么算. Ordinary Chinese text writes foreign
names in Chinese, so the absence of an English question's name proves nothing, unless the passages do write names in
Latin letters, and little even then.
"""

import re
from collections.abc import Iterable, Sequence, Set
from difflib import get_close_matches

from rag.text import segmentation
from rag.text.absent_nouns import NAME_TAGS
from rag.text.facts import find_latin_names
from rag.text.language import detect_language
from rag.text.question_words import WEEKDAYS
from rag.text.tokens import normalize

ABSENT = 1.0
IN_DOUBT = 2 / 3

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._+#-]+[A-Za-z0-9]+)*[+#]*")
_HUMP = re.compile(r"[a-z][A-Z]")
_SITE_OF = re.compile(r"\b(?:website|home ?page|official site) (?:of|for) (?P<owner>[^?!,;]+)", re.IGNORECASE)
_LONG_WORD = re.compile(r"[a-z]{5,}")
_LATIN_WORD = re.compile(r"[a-z]{4,}")
_NUMBERED = re.compile(r"(?P<word>[a-z]{3,})(?P<number>[0-9]+)")
_JOINER = re.compile(r"[\s._-]+")
_ABBREVIATION = 3
"""Characters of an abbreviation such as AI or IDE, which a text may spell out."""
_TYPING_ERROR = 0.85
"""Similarity of two words that differ by one missing or extra letter or, from seven letters on, one wrong letter."""
_ALWAYS_IN_CHINESE = frozenset({"china", "chinese", "english", "mandarin"})


def name_absence(question: str, passages: Sequence[str], *, others: Iterable[str] = (), is_across: bool) -> float:
    """Return ABSENT or IN_DOUBT if the question asks for names and the passages contain none of them, else 0.

    `others` were found but are not among the passages; a word in lower case may also be in them. `is_across`: the
    passages are in another language than the question.
    """
    if detect_language(question) == "zh":
        names, perhaps = _asked_for_in_chinese(question)
        may_be_translated = False
    else:
        names, perhaps = _asked_for_in_english(question, is_across=is_across)
        may_be_translated = is_across
    if not (names or perhaps) or _contain_any(passages if names else [*passages, *others], names or perhaps):
        return 0.0
    if may_be_translated:
        return IN_DOUBT if _writes_names_in_latin(passages) else 0.0
    return ABSENT if names else IN_DOUBT


def _asked_for_in_chinese(question: str) -> tuple[list[str], list[str]]:
    """Return names, and words that may be names."""
    words = _WORD.findall(normalize(question))
    return [word for word in words if _is_name(word)], _long(words)


def _asked_for_in_english(question: str, *, is_across: bool) -> tuple[list[str], list[str]]:
    """Return names, and words that may be names: the owner of a website has a name, even if it is in lower case."""
    names = [name for name in find_latin_names(question) if name.casefold() not in WEEKDAYS]
    names = [name for name in names if len(name) > _ABBREVIATION or not (name.isalpha() and name.isupper())]
    names += [word for word in _WORD.findall(question) if _HUMP.search(word)]
    if is_across:
        names = [name for name in names if _is_name(name) and name.casefold() not in _ALWAYS_IN_CHINESE]
    site = _SITE_OF.search(question)
    return names, _long(_WORD.findall(site["owner"])) if site else []


def _long(words: Sequence[str]) -> list[str]:
    return [word for word in words if len(word) > _ABBREVIATION]


def _is_name(word: str) -> bool:
    return word != word.lower() and (len(word) > _ABBREVIATION or not word.isupper())


def _contain_any(texts: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether at least one of the names is in the texts."""
    text = normalize("\n".join(texts)).casefold()
    joined = _JOINER.sub("", text)
    if any(part and part in joined for name in names for part in (_stem(name), _last_part(name))):
        return True
    words = set(_LATIN_WORD.findall(text))
    return any(_is_misspelt(name, words) or _is_numbered_in(text, name) for name in map(str.casefold, names))


def _is_misspelt(name: str, words: Set[str]) -> bool:
    """Return whether a name is one of the words with two neighbouring letters swapped, or a long one misspelt."""
    if any(name[:at] + name[at + 1] + name[at] + name[at + 2 :] in words for at in range(len(name) - 1)):
        return True  # LDPA for LDAP
    similar = _of_similar_length(words, name) if _LONG_WORD.fullmatch(name) else []
    return bool(get_close_matches(name, similar, 1, _TYPING_ERROR))


def _is_numbered_in(text: str, name: str) -> bool:
    """Return whether a text has what is short for its name before a number: "Windows 10" for win10."""
    match = _NUMBERED.fullmatch(name)
    return bool(match and re.search(rf"\b{match['word']}[a-z]*[\s-]*{match['number']}(?![0-9])", text))


def _of_similar_length(words: Iterable[str], name: str) -> list[str]:
    """Return the long words that can be similar enough; `get_close_matches` takes ten times as long to drop others."""
    long = filter(_LONG_WORD.fullmatch, words)
    return [word for word in long if 2 * min(len(word), len(name)) / (len(word) + len(name)) >= _TYPING_ERROR]


def _last_part(name: str) -> str:
    """Return the last part of what is written with dots, if it is long: `printStackTrace` of `e.printStackTrace`."""
    part = name.rpartition(".")[2].casefold() if "." in name else ""
    return part if _LONG_WORD.fullmatch(part) else ""


def _stem(name: str) -> str:
    plain = _JOINER.sub("", normalize(name).casefold())
    return plain.removesuffix("s") if len(plain) > _ABBREVIATION else plain


def _writes_names_in_latin(passages: Sequence[str]) -> bool:
    """Return whether there are at least as many Latin names as passages, and twice as many as Chinese names."""
    text = normalize("\n".join(passages))
    latin = {word.casefold() for word in _WORD.findall(text) if _is_name(word)}
    chinese = {
        word for word, tag in segmentation.tag(text) if tag in NAME_TAGS and len(word) > 1 and not word.isascii()
    }
    return len(latin) >= max(len(passages), 2 * len(chinese))
