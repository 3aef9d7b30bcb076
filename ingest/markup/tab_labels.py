"""The labels that a group has for its tabs: `<Tabs items={['npm', 'pnpm']}>` or `{{< tabs items="npm,pnpm" >}}`.

They are written into the tabs, so that each is read like one with a label of its own. What is left of them, because the
tabs come from an expression, is written into the group.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from ingest.markup.components import named_arguments, shown_arguments
from ingest.markup.rules.jsx import jsx_attributes
from ingest.markup.rules.shortcodes import SHORTCODE

_PARSER = MarkdownIt("commonmark").disable("inline")
_LISTS = ("items", "values", "labels")
_HAS_LIST = re.compile(rf"(?:[<%]\s*|<[\w.]*)tabs\s[^<]{{0,2000}}?\b(?:{'|'.join(_LISTS)})\s*=", re.IGNORECASE)
_MARK = re.compile(r"(?<!`)`+[^`\n]+`+|<(?P<closing>/?)(?P<tag>[A-Z][\w.]*)|(?P<code>\{\{[<%])")
_GROUP = re.compile(r"[\w./-]*tabs", re.IGNORECASE)
_TAB = re.compile(r"(?:[\w./-]*[./-])?(?:code)?tab(?:-?item|-?panel)?", re.IGNORECASE)
_STRING = r"(?:'((?:\\.|[^'\\\n])*)'|\"((?:\\.|[^\"\\\n])*)\"|`([^`$]*)`)"
_STRINGS = re.compile(_STRING)
_WORD = re.compile(r"\w")
_ARRAY = re.compile(r"\{\s*\[")
_OBJECT = re.compile(r"\{[^{}]*\}")
_LABEL = re.compile(rf"\b(?:label|title)[\"']?\s*:\s*{_STRING}")
_VALUE = re.compile(rf"\bvalue[\"']?\s*:\s*{_STRING}")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A tag or a shortcode; `end_of_name` is where an attribute can be written. `label` is its own."""

    name: str
    is_end: bool
    end_of_name: int
    attributes: dict[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass(slots=True)
class _Group:
    """An open group of tabs with its labels, in order and by the names of tabs; `left` are those that no tab has."""

    mark: _Mark
    labels: list[str]
    by_name: dict[str, str]
    left: dict[str, None]
    tabs: int = 0

    def label_of(self, tab: _Mark) -> str:
        """Return the label of the next tab, by its `value` or by its place; "" if there is none."""
        number, self.tabs = self.tabs, self.tabs + 1
        by_place = self.labels[number] if number < len(self.labels) else ""
        label = self.by_name.get(tab.attributes["value"], "") if "value" in tab.attributes else by_place
        self.left.pop(label, None)
        return label


def with_tab_labels(text: str) -> str:
    """Return a Markdown text whose tabs have their labels themselves, with as many lines.

    >>> with_tab_labels("<Tabs items={['甲']}>\\n<Tab>…</Tab>\\n</Tabs>")
    '<Tabs items={[\\'甲\\']}>\\n<Tab label="甲">…</Tab>\\n</Tabs>'
    """
    if not _HAS_LIST.search(text):
        return text
    written = [(mark.end_of_name, label) for mark, label in _labelled(text) if label]
    parts, position = [], 0
    for end, label in sorted(written):
        parts += [text[position:end], f" label={_quoted(label)}"]
        position = end
    return "".join([*parts, text[position:]])


def _quoted(label: str) -> str:
    return f'"{label}"' if '"' not in label else "'" + label.replace("'", "’") + "'"


def _labelled(text: str) -> Iterator[tuple[_Mark, str]]:
    """Yield the tabs with their labels, and the groups with those that are left."""
    open_groups: list[_Group] = []
    closed: list[_Group] = []
    for mark in _marks(_without_fences(text)):
        if _GROUP.fullmatch(mark.name):
            if not mark.is_end:
                open_groups.append(_group(mark))
            elif open_groups:
                closed.append(open_groups.pop())
        elif open_groups and not mark.is_end:
            label = open_groups[-1].label_of(mark)
            yield mark, "" if mark.label else label
    for group in [*closed, *open_groups]:
        yield group.mark, ", ".join(group.left)


def _group(mark: _Mark) -> _Group:
    names = [(name, label) for name, label in _labels(mark.attributes) if _WORD.search(label)]
    labels = [label for _, label in names]
    return _Group(mark, labels, dict(names), dict.fromkeys(labels))


def _labels(attributes: dict[str, str]) -> list[tuple[str, str]]:
    """Return the names and labels of the tabs of a group."""
    source = next((attributes[name] for name in _LISTS if attributes.get(name)), "")
    if not source.startswith("{"):
        return [(item, item) for item in map(str.strip, source.split(",")) if item]
    if not _ARRAY.match(source):
        return []
    objects = _OBJECT.findall(source[1:-1])
    if not objects:
        return [(item, item) for found in _STRINGS.findall(source) if (item := _content(found))]
    pairs = [[next(map(_content, each.findall(item)), "") for each in (_VALUE, _LABEL)] for item in objects]
    return [(value, label or value) for value, label in pairs if label or value]


def _content(groups: tuple[str, ...]) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", "".join(groups)).split())


def _marks(text: str) -> Iterator[_Mark]:
    """Yield the tags and shortcodes of groups and tabs in reading order."""
    env: dict[str, int] = {}
    for found in _MARK.finditer(text):
        name = found["tag"] or ""
        if found["code"] and (code := SHORTCODE.match(text, found.start())) and code["name"]:
            if _GROUP.fullmatch(code["name"]) or _TAB.fullmatch(code["name"]):
                label = " ".join(shown_arguments(code["name"], code["arguments"]))
                attributes = named_arguments(code["arguments"])
                yield _Mark(code["name"], bool(code["closing"]), code.end("name"), attributes, label)
        elif _GROUP.fullmatch(name) or _TAB.fullmatch(name):
            attributes = {} if found["closing"] else jsx_attributes(text, found.end(), env)
            label = attributes.get("label") or attributes.get("title") or ""
            yield _Mark(name, bool(found["closing"]), found.end(), attributes, label)


def _without_fences(text: str) -> str:
    """Return the text with blanks for its blocks of code."""
    lines = text.split("\n")
    for token in _PARSER.parse(text):
        if token.type == "fence" and token.map:
            for number in range(*token.map):
                lines[number] = " " * len(lines[number])
    return "\n".join(lines)
