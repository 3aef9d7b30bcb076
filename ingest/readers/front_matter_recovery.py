"""Front matter that its parser refuses, read key by key: a fault costs one value and not all of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.readers.front_matter_block import TOML_KEY, FrontMatterBlock
from ingest.readers.front_matter_lines import top_lines
from ingest.readers.front_matter_parsers import FrontMatterFault, Property, parse_front_matter, unquoted
from ingest.readers.metadata_values import metadata_key, metadata_value
from rag.strict_yaml import MAX_BYTES

_MAX_KEYS = 2000
_MAX_CHARACTERS = 500
_TABS = re.compile(r"^\t+", re.MULTILINE)
# What names something else, a block of lines that is missing, and a list or mapping are not the text of a value.
_NO_TEXT = re.compile(r"[&!|>]|\*[^\s*]+$|\[.*\]$|\{.*\}$|$")


@dataclass(frozen=True, slots=True)
class Recovered:
    """The properties that could be read, each key once, and a line of text for each fault."""

    properties: Sequence[Property]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key with all lines that belong to it; `value` is the text behind it, or "" if there is more than that.

    `key` is "" if the line is none. It `is_slip` if `text` is not what the author wrote but what they meant.
    """

    key: str
    text: str
    line: int
    value: str
    is_slip: bool = False


def recover(block: FrontMatterBlock, fault: FrontMatterFault) -> Recovered:
    """Return what can be read of a block that has a fault. Lines are those of the file.

    A value of one line that is not YAML is text: `title: 复盘: 春节` has the title `复盘: 春节`. Of a key that appears
    twice, the first one counts.
    """
    found: dict[str, Property] = {}
    warnings: list[str] = []
    for entry in _entries(block):
        warnings += _recover_entry(block, entry, found)
    if not warnings or fault.is_size:
        what = ("the other keys are read" if fault.is_size else "all keys are read") if found else "no key is read"
        way_out = "shorten it" if fault.is_size else "correct it"
        warnings.insert(0, _warning(block.first_line + (fault.line or 1) - 1, f"{fault.problem}; {what}, {way_out}"))
    return Recovered(list(found.values()), warnings)


def _recover_entry(block: FrontMatterBlock, entry: _Entry, found: dict[str, Property]) -> Iterator[str]:
    """Add what an entry says to what was `found` above it, and yield a warning for each fault."""
    key = metadata_key(entry.key)
    if not key:
        yield _warning(
            entry.line, "this line is neither `key: value` nor part of the value above; it is left out, correct it"
        )
    elif key in found:
        yield _warning(entry.line, f"the key `{key}` appears twice; the first counts, delete the other")
    else:
        if entry.is_slip:
            yield _warning(entry.line, f"`{key}` is taken for a key, put `: ` behind it (a colon and a space)")
        try:
            for one in _read(block, entry):
                found.setdefault(one.key, one)
        except FrontMatterFault as error:
            line = entry.line + (error.line or 1) - 1
            if entry.value:
                found[key] = Property(key, metadata_value(entry.value), entry.line)
                yield _warning(line, f"{error.problem}; `{key}` is taken as written, put quotes around it")
            else:
                yield _warning(line, f"{error.problem}; `{key}` is left out, correct it")


def _warning(line: int, text: str) -> str:
    return f"line {line}: front matter: {text}"


def _read(block: FrontMatterBlock, entry: _Entry) -> list[Property]:
    text = _TABS.sub(lambda tabs: "  " * len(tabs[0]), entry.text) if block.syntax == "yaml" else entry.text
    properties = parse_front_matter(block.syntax, text)
    return [replace(one, line=one.line + entry.line - 1) for one in properties]


def _entries(block: FrontMatterBlock) -> Iterator[_Entry]:
    """Yield the keys of YAML, or those of TOML up to the first table and all tables as one; JSON has no such lines."""
    lines = _first_lines(block.text)
    if block.syntax == "yaml":
        return _yaml_entries(block, lines)
    return _toml_entries(block, lines) if block.syntax == "toml" else iter(())


def _yaml_entries(block: FrontMatterBlock, lines: Sequence[str]) -> Iterator[_Entry]:
    tops = list(top_lines(lines))
    if not any(top.key for top in tops):
        return
    ends = [*(top.number for top in tops[1:]), len(lines)]
    for top, end in list(zip(tops, ends, strict=True))[:_MAX_KEYS]:
        below = lines[top.number + 1 : end]
        value = "" if any(map(str.strip, below)) else top.rest.strip()
        is_text = len(value) <= _MAX_CHARACTERS and not _NO_TEXT.match(value)
        first = f"{top.key}: {top.rest}" if top.is_slip else lines[top.number]
        yield _Entry(
            key=unquoted(top.key.strip()),
            text="\n".join([first, *below]),
            line=block.first_line + top.number,
            value=unquoted(value) if is_text else "",
            is_slip=top.is_slip,
        )


def _toml_entries(block: FrontMatterBlock, lines: Sequence[str]) -> Iterator[_Entry]:
    keys = [(number, key) for number, line in enumerate(lines) if (key := TOML_KEY.match(line))]
    tables = [number for number, key in keys if key["table"]]
    keys = [(number, key) for number, key in keys if not tables or number <= tables[0]]
    ends = [*(number for number, _ in keys[1:]), len(lines)]
    for (number, key), end in list(zip(keys, ends, strict=False))[:_MAX_KEYS]:
        name = unquoted((key["key"] or key["table"]).strip())
        yield _Entry(name, "\n".join(lines[number:end]), block.first_line + number, "")


def _first_lines(text: str) -> list[str]:
    """Return the lines of a text that fit into MAX_BYTES."""
    content = text.encode()
    if len(content) > MAX_BYTES:
        text = content[:MAX_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return text.split("\n")
