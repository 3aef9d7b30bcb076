"""Chinese nouns of a sentence that another text does not hold.

A dictionary, and its guesses at what it does not know, tell nouns from other words. They do get the borders of words
wrong, so a noun counts as absent only for characters of which neither neighbouring pair stands in the text.
"""

import re
import unicodedata
from dataclasses import dataclass

from rag.text import segmentation

_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
NAME_TAGS = frozenset({"nr", "nrt", "nrfg", "ns", "nt", "nz"})
# Nouns of other kinds, set phrases, abbreviations, and words that the dictionary does not know.
_NOUN_TAGS = ("n", "i", "j", "l", "x")
_FEWEST_CHARACTERS = 2


@dataclass(frozen=True, slots=True)
class Noun:
    """`is_name` for persons, places, organisations and other proper nouns."""

    text: str
    is_name: bool


def find_absent_nouns(sentence: str, text: str) -> list[Noun]:
    """The Chinese nouns of the sentence, in order, of which two characters or more do not stand so in the text."""
    sentence = unicodedata.normalize("NFKC", sentence)
    absent = _absent_positions(sentence, "".join(unicodedata.normalize("NFKC", text).split()))
    found = []
    end = 0
    for word, tag in segmentation.tag(sentence):
        start, end = end, end + len(word)
        if tag.startswith(_NOUN_TAGS) and len(absent.intersection(range(start, end))) >= _FEWEST_CHARACTERS:
            found.append(Noun(word, tag in NAME_TAGS))
    return found


def _absent_positions(sentence: str, text: str) -> frozenset[int]:
    absent = []
    for match in _HAN_RUN.finditer(sentence):
        run = match[0]
        pairs = [run[start : start + 2] in text for start in range(len(run) - 1)]
        # A character is held if the pair before it or the pair after it is.
        held = [before or after for before, after in zip([False, *pairs], [*pairs, False], strict=True)]
        absent += [match.start() + offset for offset, is_held in enumerate(held) if not is_held]
    return frozenset(absent)
