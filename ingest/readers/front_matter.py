"""Front matter of a Markdown file: YAML, TOML or JSON. Whatever is wrong with it is a warning, and the body is read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.readers.front_matter_block import FrontMatterBlock, find_front_matter
from ingest.readers.front_matter_parsers import FrontMatterFault, Property, parse_front_matter
from ingest.readers.front_matter_recovery import recover
from rag.store.filter_keys import MAX_FILTER_KEYS, MAX_METADATA_BYTES, filter_keys_of
from rag.types import MetadataValue

_MAX_WARNINGS = 5


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The metadata of a text, and the `body` below it, whose first line is line `first_line` (1-based) of the file.

    `lines` has the line of the file for each key of the metadata. A warning is one line: where, what is wrong, what
    became of it, and what to do.
    """

    metadata: Mapping[str, MetadataValue]
    body: str
    first_line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def split_front_matter(source: str, text: str) -> FrontMatter:
    """Separate a text from its front matter, if it has any; `find_front_matter` says what that is.

    Values are as they are written, except `true`, `false`, `null` and numbers that print the same, such as `42` and
    `3.5`; a mapping becomes text. Values that a Milvus server would not take are left out. `source` is the document
    that the warnings are about; they do not repeat it.

    >>> split_front_matter("a.md", "---\\nowner: 平台组\\n---\\n# 安装\\n")
    FrontMatter(metadata={'owner': '平台组'}, body='\\n# 安装\\n', first_line=3, lines={'owner': 2}, warnings=())
    """
    block = find_front_matter(text)
    if block is None:
        return FrontMatter({}, text, 1)
    properties, warnings = _read(block)
    kept, too_large = _fitting(properties)
    return FrontMatter(
        metadata={one.key: one.value for one in kept},
        body=text[block.end :],
        first_line=text.count("\n", 0, block.end) + 1,
        lines={one.key: one.line for one in kept},
        warnings=_few([*warnings, *too_large]),
    )


def _read(block: FrontMatterBlock) -> tuple[Sequence[Property], Sequence[str]]:
    try:
        found = parse_front_matter(block.syntax, block.text)
    except FrontMatterFault as fault:
        recovered = recover(block, fault)
        return recovered.properties, recovered.warnings
    return [Property(one.key, one.value, one.line + block.first_line - 1) for one in found], ()


def _fitting(properties: Iterable[Property]) -> tuple[list[Property], list[str]]:
    """Return the properties that fit together into a row of a Milvus server, and a warning for each other.

    Beyond either limit a server refuses the row, and those of all other documents with it.
    """
    kept: list[Property] = []
    warnings: list[str] = []
    size = count = 0
    for one in properties:
        fact = {one.key: one.value}
        new_size, new_count = (
            size + len(json.dumps(fact, ensure_ascii=False).encode()),
            count + len(filter_keys_of(fact)),
        )
        if new_size > MAX_METADATA_BYTES or new_count > MAX_FILTER_KEYS:
            warnings.append(
                f"line {one.line}: front matter: is too large to be searched; "
                f"`{one.key[:60]}` is left out, shorten it or what stands above it"
            )
        else:
            kept.append(one)
            size, count = new_size, new_count
    return kept, warnings


def _few(warnings: Sequence[str]) -> tuple[str, ...]:
    if len(warnings) <= _MAX_WARNINGS:
        return tuple(warnings)
    return (*warnings[:_MAX_WARNINGS], f"front matter: {len(warnings) - _MAX_WARNINGS} more faults")
