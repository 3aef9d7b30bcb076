"""What bears exactly the name that a question asks for comes before what bears a longer one.

"Ollama 是什么？" asks for Ollama, and the rows of Ollama and of ollama-webui both hold the word. A passage bears the
name of its section, of its row, or of what its first words define: `Ollama 是…`, `**Ollama**: …`. One that holds more
of the question than the passage of the exact name stays where it is: it may be what is asked about the name.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rag.retrieval.fusion import weighted_term_coverage
from rag.text.short_texts import remember_short
from rag.text.tokens import tokenize
from rag.types import PATH_SEPARATOR, Chunk, Hit

_LEAST_SHARE = 0.25
"""A name is asked for if it is at least this share of the question's terms, weighted by idf."""
_LEAST_CHARACTERS = 2
_DEFINED = re.compile(
    r"\W*+(?P<name>[^\n：:，,。；;（(|]{2,40}?)\W*(?:：|:|（|\(|\s*是(?!否)|\s+(?:is|are)\b|\s+[—–-]\s)"
)
_FIRST_WORDS = 100
"""How many characters of a text can define its name: in a long row of signs, the search for its end would not end."""
_JOINS_LATIN = r"[A-Za-z0-9_.-]"


def exact_names_first(question: str, hits: Sequence[Hit], idf: Mapping[str, float]) -> list[Hit]:
    """Return the hits, best first, with those of a longer name moved behind the best one of the exact name.

    They take its score. Nothing moves unless a hit bears a name that the question asks for, and none that covers more
    of the question than that hit; `idf` weighs its terms.
    """
    asked = _plain(question)
    names = [_names(hit.chunk) for hit in hits]
    mentioned = {name for each in names for name in each if _mentions(asked, name)}
    exact = {name for name in mentioned if _is_asked_for(name, mentioned, idf)}
    best = next((rank for rank, each in enumerate(names) if exact & each), 0)
    pairs = [
        (hit, hit.coverage <= hits[best].coverage and _bears_longer_name(each, exact, mentioned))
        for hit, each in zip(hits[:best], names, strict=False)
    ]
    if not any(longer for _, longer in pairs):
        return list(hits)
    behind = [replace(hit, score=hits[best].score) for hit, longer in pairs if longer]
    return [*(hit for hit, longer in pairs if not longer), hits[best], *behind, *hits[best + 1 :]]


def _names(chunk: Chunk) -> frozenset[str]:
    """Return the names that a chunk bears, without regard to case and width."""
    if chunk.kind == "row":
        found = [_plain(chunk.content.split(PATH_SEPARATOR, 1)[0].split(": ", 1)[-1])]
    else:
        found = [_plain(chunk.heading_path[-1] if chunk.heading_path else chunk.title)]
    if chunk.kind == "text" and (defined := _defined_name(chunk.content[:_FIRST_WORDS])):
        found.append(_plain(defined))
    return frozenset([name for name in found if len(name) >= _LEAST_CHARACTERS])


@remember_short(texts=1 << 12, characters=_FIRST_WORDS)
def _defined_name(first_words: str) -> str:
    match = _DEFINED.match(first_words)
    return match["name"] if match else ""


@remember_short(texts=1 << 12, characters=100)
def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip(" *_`\"'“”《》")


def _mentions(question: str, name: str) -> bool:
    """Return whether the name is in the question, and not within a longer Latin word or identifier."""
    if name not in question:
        return False
    before = rf"(?<!{_JOINS_LATIN})" if name[0].isascii() else ""
    after = r"(?![A-Za-z0-9_-]|\.\w)" if name[-1].isascii() else ""
    return bool(re.search(before + re.escape(name) + after, question))


def _is_asked_for(name: str, mentioned: Collection[str], idf: Mapping[str, float]) -> bool:
    """Return whether a name makes up the question, and is not part of a longer one that the question mentions too."""
    is_part = any(name != other and name in other for other in mentioned)
    return not is_part and weighted_term_coverage(frozenset(tokenize(name)), idf) >= _LEAST_SHARE


def _bears_longer_name(names: Collection[str], exact: Collection[str], mentioned: Collection[str]) -> bool:
    return any(name not in mentioned and any(part in name for part in exact) for name in names)
