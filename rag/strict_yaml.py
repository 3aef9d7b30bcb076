"""Load YAML as plain data: no aliases, no duplicate keys, no tags, limited size and depth.

PyYAML's C loader crashes on deep nesting and expands alias bombs. This one is PyYAML's Python loader without these
features.
"""

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
"""The default limit of the size, in bytes of UTF-8."""
MAX_DEPTH = 32
"""How deep lists and mappings may be nested."""
_HUGE_NUMBER = re.compile(r"[-+]?[0-9a-fA-FxXoOb_:.]{400,}")


class StrictYAMLError(ValueError):
    """The text is not acceptable YAML. The message is one line: `problem`, with the `line` (1-based) if it is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem = problem
        self.line = line


def load(text: str, *, max_bytes: int = MAX_BYTES) -> object:
    """Parse one YAML document into plain Python values.

    Raises StrictYAMLError unless the text has only scalars, lists and mappings with unique keys, at most `max_bytes` of
    UTF-8 and at most MAX_DEPTH levels.
    """
    with _one_kind_of_error():
        _check(text, max_bytes)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (_Loader is a SafeLoader)  # nosec B506


def compose(text: str, *, max_bytes: int = MAX_BYTES) -> yaml.Node | None:
    """Parse one YAML document into PyYAML's nodes: they have the scalars as written, and their lines.

    Keys are equal if they are written with the same characters. Raises StrictYAMLError as `load`, but accepts any text
    as a scalar, such as a date that does not exist.
    """
    with _one_kind_of_error():
        _check(text, max_bytes)
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_keys(node)
        return node


@contextmanager
def _one_kind_of_error() -> Iterator[None]:
    try:
        yield
    except StrictYAMLError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise StrictYAMLError(str(error.problem or error.context), mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise StrictYAMLError(" ".join(str(error).split())) from error


def _check(text: str, max_bytes: int) -> None:
    size = len(text.encode("utf-8", "replace"))
    if size > max_bytes:
        raise StrictYAMLError(f"has {size} bytes; the limit is {max_bytes}")
    _check_events(text)


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _at(event.start_mark, "aliases (*name) are not accepted")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise _at(event.start_mark, f"the tag {event.tag} is not accepted")
        if isinstance(event, yaml.ScalarEvent) and any("\ud800" <= char <= "\udfff" for char in event.value):
            raise _at(event.start_mark, "half of a surrogate pair is not text")
        if isinstance(event, yaml.ScalarEvent) and _HUGE_NUMBER.fullmatch(event.value):
            raise _at(event.start_mark, f"a number of {len(event.value)} digits is not accepted")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _at(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")


def _check_keys(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _at(key.start_mark, "a key must be a scalar")
            if key.value in seen:
                raise _at(key.start_mark, f"the key {key.value!r} appears twice")
            seen.add(key.value)
            _check_keys(value)


def _at(mark: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys, and keys that are not scalars."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _at(key_node.start_mark, "a key must be a scalar")
            if key in seen:
                raise _at(key_node.start_mark, f"the key {key!r} appears twice")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
