"""Draft golden questions from passages by rules, for a person to correct.

A table row asks for one of its columns, a list for its items, a definition for what it defines, and any other passage
for what its heading announces.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from ingest.golden.questions import GoldenQuestion
from rag.text.language import Language, detect_language
from rag.text.sentences import split_sentences
from rag.text.spans import split_block_spans
from rag.types import PATH_SEPARATOR, Chunk

_Kind = Literal["row", "list", "definition", "heading"]

_QUESTIONS: Mapping[_Kind, Mapping[Language, str]] = {
    "row": {"zh": "{name}的{what}是什么？", "en": "What is the {what} of {name}?"},
    "list": {"zh": "{name}有哪些？", "en": "What is listed under “{name}”?"},
    "definition": {"zh": "{name}是什么？", "en": "What is {name}?"},
    "heading": {"zh": "“{name}”讲了什么？", "en": "What does “{name}” say?"},
}
_MAX_NAME = 40
_MAX_FACT = 60
_MAX_FACTS = 3
_DEFINITION = re.compile(
    r"(?P<zh>[^\s，。、：:；？?]{2,24}?)(?:是指|指的是|是)(?P<zh_is>[^，。；？?]{4,60})[，。；]"
    r"|(?:The |An? )?(?P<en>[A-Za-z][\w.+/-]*(?: [\w.+/-]+){0,4}?) (?:is|are) (?P<en_is>an? [^,.;?]{4,60})[,.;]"
)
_NO_NAME = re.compile(
    r"[这那它他她我你其本]|以上|上述|(?:This|That|It|They|These|Those|There|He|She|We|You|I)\b", re.IGNORECASE
)
_NEXT_FACT = re.compile(r"[,，;；]\s*")
_DESCRIPTION = re.compile(r"描述|说明|简介|介绍|定义|含义|作用|description|definition|meaning|summary", re.IGNORECASE)
_LATIN_END = re.compile(r"(?<=[A-Za-z0-9])\Z")
_DETAIL = re.compile(r"\s*(?:[（(：]|: | - |——).*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted question, and the passage that it was made from."""

    entry: GoldenQuestion
    chunk: Chunk


def draft_questions(chunks: Iterable[Chunk], count: int) -> list[Draft]:
    """Return at most `count` drafts, from as many documents, tables and kinds of passages as there are."""
    drafts = defaultdict[str, dict[str, list[Draft]]](dict)
    rows = defaultdict[str, list[Chunk]](list)
    for chunk in sorted(chunks, key=lambda chunk: (chunk.source, chunk.position)):
        if chunk.kind == "row":
            rows[chunk.group].append(chunk)
        elif found := _draft(chunk):
            drafts[chunk.source].setdefault(found[0], []).append(Draft(found[1], chunk))
    for table in rows.values():
        drafts[table[0].source][table[0].group] = list(_draft_rows(table))
    by_document = (_alternate(kinds.values()) for _, kinds in sorted(drafts.items()))
    distinct: dict[str, Draft] = {}
    for draft in _alternate(by_document):
        distinct.setdefault(draft.entry.question, draft)
        if len(distinct) == count:
            break
    return list(distinct.values())


def _alternate(groups: Iterable[Iterable[Draft]]) -> Iterator[Draft]:
    """Yield the first of each group, then the second of each, and so on."""
    return (draft for draft in chain.from_iterable(zip_longest(*groups)) if draft)


def _draft_rows(rows: Sequence[Chunk]) -> Iterator[Draft]:
    """Draft a question for each row of a table; its name is in the first column that tells the rows apart."""
    fields = [_fields(row.content) for row in rows]
    names = next((header for header in fields[0] if _tells_apart(header, fields)), "")
    for row, cells in zip(rows, fields, strict=True):
        headers = list(cells)
        asked = headers[headers.index(names) + 1 :] if names in cells else []
        if column := next((header for header in asked if header and _facts(cells[header])), ""):
            kind: _Kind = "definition" if _DESCRIPTION.fullmatch(column) else "row"
            name = _DETAIL.sub("", cells[names])
            yield Draft(_entry(kind, row, name=name, what=column, answer=_facts(cells[column])), row)


def _fields(content: str) -> dict[str, str]:
    """Return the cells of a row by header."""
    pairs = (field.partition(": ") for field in content.split(PATH_SEPARATOR))
    return {header.strip(): cell.strip() for header, separator, cell in pairs if separator}


def _tells_apart(header: str, rows: Sequence[Mapping[str, str]]) -> bool:
    values = [row.get(header, "") for row in rows]
    return len(set(values)) == len(values) and all(
        len(value) <= _MAX_NAME and re.search(r"\w", value) for value in values
    )


def _draft(chunk: Chunk) -> tuple[_Kind, GoldenQuestion] | None:
    heading = chunk.heading_path[-1] if chunk.heading_path else ""
    has_name = 0 < len(heading) <= _MAX_NAME
    items = [span.text for block in split_block_spans(chunk) if block.kind == "list" for span in block.spans]
    facts = _short([_DETAIL.sub("", item.split("\n")[0]) for item in items])
    if chunk.kind == "list" and has_name and len(facts) > 1:
        return "list", _entry("list", chunk, name=heading, answer=facts)
    if chunk.kind == "text":
        for sentence in split_sentences(chunk.content):
            if (match := _DEFINITION.match(sentence)) and not _NO_NAME.match(match["zh"] or match["en"]):
                name, answer = match["zh"] or match["en"], match["zh_is"] or match["en_is"]
                return "definition", _entry("definition", chunk, name=name, answer=(answer,))
    if chunk.kind in ("text", "list") and has_name:
        return "heading", _entry("heading", chunk, name=heading, heading=heading)
    return None


def _entry(
    kind: _Kind, chunk: Chunk, *, name: str, what: str = "", answer: Sequence[str] = (), heading: str = ""
) -> GoldenQuestion:
    language = detect_language(what or name)
    if language == "zh":
        name = _LATIN_END.sub(" ", name)
    question = _QUESTIONS[kind][language].format(name=name, what=what)
    expected = {"answer": tuple(answer)} if answer else {"heading": heading}
    return GoldenQuestion.model_validate({"question": question, "source": chunk.source, **expected})


def _facts(cell: str) -> tuple[str, ...]:
    """Return what a cell names, at most three of it, without what is in brackets or after a colon."""
    return _short([_DETAIL.sub("", part) if "://" not in part else part for part in _NEXT_FACT.split(cell)])


def _short(texts: Iterable[str]) -> tuple[str, ...]:
    cleaned = (text.strip(" \t-*`") for text in texts)
    return tuple(dict.fromkeys(text for text in cleaned if 0 < len(text) <= _MAX_FACT))[:_MAX_FACTS]
