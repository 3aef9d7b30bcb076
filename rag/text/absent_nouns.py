"""Chinese nouns of a sentence that are absent from another text.

A dictionary, and its guesses at unknown words, tell nouns from other words. It sometimes cuts words in the wrong place,
so a character counts as absent only if neither the pair with the one before it nor the pair with the one after it is
in the text.
"""

import re
import unicodedata
from dataclasses import dataclass

from rag.text import segmentation
from rag.text.cjk import HAN

_HAN_RUN = re.compile(f"[{HAN}]+")
NAME_TAGS = frozenset({"nr", "nrt", "nrfg", "ns", "nt", "nz"})
# Other nouns, set phrases, abbreviations, and words that the dictionary does not know.
_NOUN_TAGS = ("n", "i", "j", "l", "x")
_MIN_ABSENT_CHARACTERS = 2


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun; `is_name` is true for persons, places, organisations and other proper nouns."""

    text: str
    is_name: bool


def find_absent_nouns(sentence: str, text: str) -> list[Noun]:
    """Return the Chinese nouns of `sentence`, in order, of which at least two characters are absent from `text`."""
    sentence = unicodedata.normalize("NFKC", sentence)
    absent = _absent_positions(sentence, "".join(unicodedata.normalize("NFKC", text).split()))
    nouns = []
    end = 0
    for word, tag in segmentation.tag(sentence):
        start, end = end, end + len(word)
        if tag.startswith(_NOUN_TAGS) and len(absent.intersection(range(start, end))) >= _MIN_ABSENT_CHARACTERS:
            nouns.append(Noun(word, tag in NAME_TAGS))
    return nouns


def _absent_positions(sentence: str, text: str) -> frozenset[int]:
    absent = []
    for match in _HAN_RUN.finditer(sentence):
        run = match[0]
        pairs = [run[start : start + 2] in text for start in range(len(run) - 1)]
        is_present = [before or after for before, after in zip([False, *pairs], [*pairs, False], strict=True)]
        absent += [match.start() + offset for offset, present in enumerate(is_present) if not present]
    return frozenset(absent)
