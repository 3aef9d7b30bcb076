"""The text of front matter → its items: a key, its value as plain data, and the line of the text on which it stands."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ingest.readers.front_matter_block import TOML_KEY, Syntax
from ingest.readers.metadata_values import metadata_key, metadata_value, number_as_written
from ingest.readers.yaml_as_written import load_as_written
from rag.strict_yaml import MAX_BYTES, StrictYAMLError
from rag.types import MetadataValue

_TOML_PLACE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_JSON_KEY = re.compile(r'"(?P<key>[^"\n]*)"\s*:')
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")


class FrontMatterFault(Exception):
    """Front matter that cannot be read, or is too large (`is_size`).

    `line` (1-based) counts within its text and is None if it is not known.
    """

    def __init__(self, problem: str, line: int | None = None, *, is_size: bool = False) -> None:
        self.problem = " ".join(problem.split())[:200]
        self.line = line
        self.is_size = is_size
        super().__init__(self.problem)


@dataclass(frozen=True, slots=True)
class Property:
    """A key of front matter with its value, and the line (1-based) on which it stands."""

    key: str
    value: MetadataValue
    line: int


def parse_front_matter(syntax: Syntax, text: str) -> list[Property]:
    """Return what a text says, in its order, with lines that count within it. Raises FrontMatterFault.

    >>> parse_front_matter("toml", 'owner = "平台组"')
    [Property(key='owner', value='平台组', line=1)]
    """
    size = len(text.encode())
    if size > MAX_BYTES:
        raise FrontMatterFault(f"has {size} bytes, and at most {MAX_BYTES} are read", is_size=True)
    try:
        items = _PARSERS[syntax](text)
        return [Property(metadata_key(key), metadata_value(value), line) for key, value, line in items]
    except StrictYAMLError as error:
        raise FrontMatterFault(error.problem, error.line) from error
    except json.JSONDecodeError as error:
        raise FrontMatterFault(error.msg, error.lineno) from error
    except RecursionError as error:
        raise FrontMatterFault("is nested too deeply") from error
    except ValueError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place["line"]) if place and place["line"] else None
        raise FrontMatterFault(_TOML_PLACE.sub("", str(error)), line) from error


def unquoted(text: str) -> str:
    """Return a text without the quotes around it, if there is no other quote of that kind in it."""
    quoted = _QUOTED.fullmatch(text)
    return (quoted[1] or quoted[2] or "") if quoted else text


_Items = list[tuple[str, object, int]]


def _toml(text: str) -> _Items:
    keys = ((key, number) for number, line in enumerate(text.split("\n"), 1) if (key := TOML_KEY.match(line)))
    return _items(
        tomllib.loads(text, parse_float=number_as_written),
        (((key["key"] or key["table"]).strip(), number) for key, number in keys),
    )


def _json(text: str) -> _Items:
    whole = text if text.lstrip().startswith("{") else f"{{{text}}}"
    return _items(
        json.loads(whole, parse_float=number_as_written, parse_constant=str),
        ((key["key"], text.count("\n", 0, key.start()) + 1) for key in _JSON_KEY.finditer(text)),
    )


def _items(values: Mapping[str, object], written: Iterable[tuple[str, int]]) -> _Items:
    """Return the items of a mapping with the first line on which each key is written, perhaps as `key.inner`."""
    lines: dict[str, int] = {}
    for name, number in written:
        for key in (unquoted(name), unquoted(name.split(".")[0].strip())):
            lines.setdefault(key, number)
    return [(key, value, lines.get(key, 1)) for key, value in values.items()]


_PARSERS: dict[Syntax, Callable[[str], _Items]] = {"yaml": load_as_written, "toml": _toml, "json": _json}
