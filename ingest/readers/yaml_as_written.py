"""YAML whose scalars are what stands in the file: `1.10`, `No`, `12:30` and `0x10` are texts.

Only `true`, `false`, `null` and numbers that print the same are values of another type, because filters compare them.
"""

import yaml

from ingest.readers.metadata_values import number_as_written
from rag.strict_yaml import StrictYAMLError, compose

_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_CAPITALISED = {form: value for word, value in _WORDS.items() for form in (word, word.capitalize(), word.upper())}


def load_as_written(text: str) -> list[tuple[str, object, int]]:
    """Return the items of a mapping: key, value, and the line (1-based) of the key.

    A value is a text, a number, a boolean, None, or a list or dict of these. Raises StrictYAMLError as
    `strict_yaml.compose`, and for anything but a mapping; no text at all has no items.

    >>> load_as_written("version: 1.10\\n汇总: [3, 是]\\n")
    [('version', '1.10', 1), ('汇总', [3, '是'], 2)]
    """
    node = compose(text)
    if node is None or _is_nothing(node):
        return []
    if not isinstance(node, yaml.MappingNode):
        raise StrictYAMLError("must be `key: value` lines")
    return [(key.value, _value(value), key.start_mark.line + 1) for key, value in node.value]


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and _value(node) is None


def _value(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None  # neither in quotes nor a block of lines
    if is_plain and node.value in _CAPITALISED:
        return _CAPITALISED[node.value]
    return number_as_written(node.value) if is_plain else node.value
