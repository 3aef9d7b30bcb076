"""How similar the cells and headings of tables and lists are to a question in another language.

Its words cannot match theirs, and the similarity of whole rows hardly tells them apart: a row is as near to "container
clouds" by `Cloud Studio` as by 容器云. Texts without a letter of the documents' own script do not count.
"""

import re
from collections.abc import Iterable, Sequence

from rag.answering.entries import EntryGroup, read_groups
from rag.models.embedders.protocol import Embedder
from rag.text.cjk import has_han
from rag.text.facts import find_latin_names
from rag.text.language import is_cross_lingual
from rag.text.question_form import read_form
from rag.text.tokens import strip_question_words
from rag.types import Passage

_MAX_TEXTS = 80
_MAX_CHARACTERS = 24
_IN_BRACKETS = re.compile(r"[（(].*")


def similar_cells(question: str, passages: Sequence[Passage], embedder: Embedder) -> dict[str, float]:
    """Return the similarity (-1..1) to the question of each short text of the passages' tables and lists.

    Empty if the question is in the passages' language, or asks for what matches best. Raises EmbedderError.
    """
    form = read_form(question)
    if not form.asks_for_all or form.sides or form.place:
        return {}
    # A name may be written otherwise in the documents, and similarity cannot tell: the best hit does.
    has_name = any(not name.removesuffix("s").isupper() for name in find_latin_names(question))
    if has_name or not is_cross_lingual(question, "\n".join(passage.chunk.content for passage in passages)):
        return {}
    texts = list(dict.fromkeys(text for group in read_groups(passages) for text in _own_texts(question, group)))
    if not texts:
        return {}
    asked = embedder.embed_query(strip_question_words(question).strip() or question)
    similarities = embedder.embed_documents(texts[:_MAX_TEXTS]) @ asked
    return dict(zip(texts, map(float, similarities), strict=False))


def shared_texts(group: EntryGroup) -> list[str]:
    """Return the texts that name all entries of a group: its innermost heading, its label, the headers of columns."""
    path = group.entries[0].passage.chunk.heading_path
    return [bare_text(text) for text in (*path[-1:], group.label, *group.headers) if text]


def bare_text(text: str) -> str:
    """Return a text without what stands in brackets behind it."""
    return _IN_BRACKETS.sub("", text).strip()


def _own_texts(question: str, group: EntryGroup) -> Iterable[str]:
    values = (bare_text(value) for entry in group.entries for value in entry.values)
    wants_han = not has_han(question)
    for text in (*shared_texts(group), *values):
        is_own = has_han(text) if wants_han else not has_han(text) and any(map(str.isalpha, text))
        if is_own and len(text) <= _MAX_CHARACTERS and "://" not in text:
            yield text
