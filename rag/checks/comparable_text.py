"""What of a statement, and of the passages that it may rest on, is compared. Each text is read once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.text.absent_nouns import Noun, absent_among, join_text, list_nouns, longest_absent_run
from rag.text.facts import (
    Quantity,
    find_identifiers,
    find_latin_names,
    find_quantities,
    find_quoted_names,
    find_values,
    lowercase_text,
)
from rag.text.language import Language, count_letters, detect_language, is_other_language
from rag.text.likeness import stem
from rag.text.polarity import Claims, read_claims
from rag.text.tokens import tokenize, tokenize_question
from rag.text.urls import find_urls

_NUMERIC = re.compile(r"[\d.,:%零〇一二两三四五六七八九十百千万亿年月日号第]+")
_SPACE_OR_MARK = re.compile(r"[\W_]+")


def squeeze(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return _SPACE_OR_MARK.sub("", lowercase_text(text))


class PassageFacts:
    """What a passage, or several together, have that a statement may need."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: tuple[PassageFacts, ...] = ()

    @classmethod
    def join(cls, parts: Sequence["PassageFacts"]) -> "PassageFacts":
        """Return the facts of several passages together, without reading them again."""
        if len(parts) == 1:
            return parts[0]
        joined = cls("\n".join(part.text for part in parts))
        joined.parts = tuple(parts)
        return joined

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of the text."""
        if self.parts:
            return frozenset[str]().union(*(part.terms for part in self.parts))
        return frozenset(tokenize(self.text))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its terms."""
        return frozenset(map(stem, self.terms))

    @cached_property
    def values(self) -> frozenset[str]:
        """The values of its numbers."""
        if self.parts:
            return frozenset[str]().union(*(part.values for part in self.parts))
        return find_values(self.text)

    @cached_property
    def urls(self) -> frozenset[str]:
        """Its addresses."""
        return frozenset(find_urls(self.text))

    @cached_property
    def lowercase(self) -> str:
        """The text in lower case."""
        return "\n".join(part.lowercase for part in self.parts) if self.parts else lowercase_text(self.text)

    @cached_property
    def letters(self) -> str:
        """Its letters and digits, in lower case."""
        return "\n".join(part.letters for part in self.parts) if self.parts else squeeze(self.text)

    @cached_property
    def joined(self) -> str:
        """The text without white space, in which nouns are looked for."""
        return "\n".join(part.joined for part in self.parts) if self.parts else join_text(self.text)

    @cached_property
    def claims(self) -> Claims:
        """Its clauses, by what they affirm and deny."""
        if self.parts:
            return Claims.join([part.claims for part in self.parts])
        return read_claims(self.text)

    @cached_property
    def letter_counts(self) -> tuple[int, int]:
        """The number of Chinese characters, and of all letters."""
        if self.parts:
            counts = [part.letter_counts for part in self.parts]
            return sum(han for han, _ in counts), sum(all_letters for _, all_letters in counts)
        return count_letters(self.text)


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """What a statement, without its markers, needs to be in the passages."""

    text: str
    language: Language
    terms: tuple[str, ...]
    words: tuple[str, ...]
    """The terms without function words and numbers."""
    urls: frozenset[str]
    quantities: tuple[Quantity, ...]
    identifiers: tuple[str, ...]
    names: tuple[str, ...]
    nouns: tuple[Noun, ...]

    @classmethod
    def of(cls, statement: str) -> "StatementFacts":
        """Read a statement."""
        return cls(
            text=statement,
            language=detect_language(statement),
            terms=tuple(tokenize(statement)),
            words=tuple(word for word in tokenize_question(statement) if not _NUMERIC.fullmatch(word)),
            urls=frozenset(find_urls(statement)),
            quantities=tuple(find_quantities(statement)),
            identifiers=tuple(map(lowercase_text, find_identifiers(statement))),
            names=(*find_quoted_names(statement), *find_latin_names(statement)),
            nouns=tuple(list_nouns(statement)),
        )

    def is_cross_lingual(self, passages: PassageFacts) -> bool:
        """Return whether the passages are in another language, so that most words cannot match.

        A statement all of whose words they have, such as a name, can be compared in any language.
        """
        if self.words and passages.terms.issuperset(self.words):
            return False
        return is_other_language(self.language, *passages.letter_counts)

    def absent_nouns(self, passages: PassageFacts) -> list[Noun]:
        """Return the Chinese nouns that the passages lack."""
        return absent_among(self.nouns, self.text, passages.joined)

    def absent_run(self, passages: PassageFacts) -> str:
        """Return the longest run of Chinese characters that the passages lack."""
        return longest_absent_run(self.text, passages.joined)


class Passages:
    """The passages that an answer may cite, by number; each is read once, however many statements there are."""

    def __init__(self, texts: Mapping[int, str]) -> None:
        self._facts = {number: PassageFacts(text) for number, text in texts.items()}
        self._joined: dict[tuple[int, ...], PassageFacts] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all passages."""
        return tuple(self._facts)

    def facts(self, numbers: Sequence[int]) -> PassageFacts | None:
        """Return the facts of some passages together; None if there are none with these numbers."""
        known = tuple(number for number in numbers if number in self._facts)
        if not known:
            return None
        if known not in self._joined:
            self._joined[known] = PassageFacts.join([self._facts[number] for number in known])
        return self._joined[known]
