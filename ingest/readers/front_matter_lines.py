"""The lines of front matter in YAML as their author meant them: keys, also with a slip, and what belongs to them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

YAML_KEY = re.compile(
    r"(?P<key>\"[^\"\n]+\"|'[^'\n]+'"
    r"|(?!\d+[.)][ \t])[^\s#>*+|!&%@`\"'=~<\[\]{}(:,?-](?:[^:\n*`\[\]<>|，。；！？]|:(?=\S)){0,63}?)"
    r"[ \t]*:(?=[ \t]|$)[ \t]*(?P<rest>[^\n]*)",
    re.MULTILINE,
)
"""A line `key: rest`; the key may be quoted, and `rest` be empty."""

_NO_KEY = r"(?!\d+[.)、][ \t]*|-[ \t])"
# A key that YAML or this reader does not expect, such as `@type: x` or `部门，班组: x`.
_ODD_KEY = rf"{_NO_KEY}(?P<odd>[^\s#>*+|\-=\[\]{{}}<~(:][^:\n*`\[\]<>|。；！？]{{0,39}}?)[ \t]*:(?=[ \t]|$)"
# A colon of full width, or no space behind it. An address and a time of day have such a colon, too.
_SLIP = (
    rf"{_NO_KEY}(?=[^:：\n]{{0,39}}[^\W\d_])(?P<slip>[\w@$][^:：\n*`\[\]<>|，。；！？]{{0,39}}?)[ \t]*"
    r"(?:：|:(?!//))"
)
_ODD_LINE = re.compile(rf"(?:{_ODD_KEY}|{_SLIP})[ \t]*(?P<rest>[^\n]*)")
_ITEM = re.compile(r"-(?:[ \t]|$)")
_VALUE_BELOW = re.compile(r"[|>&!#]|$")


@dataclass(frozen=True, slots=True)
class TopLine:
    """A line that begins at the margin, with its `number` (from 0).

    `key` and the `rest` behind it are those that it has, or "" if it can be read neither as a key nor as part of one.
    It `is_slip` if the colon has full width or no space behind it, and `is_plain` if the key is a usual one.
    """

    number: int
    key: str = ""
    rest: str = ""
    is_slip: bool = False
    is_plain: bool = False


def top_lines(lines: Sequence[str]) -> Iterator[TopLine]:
    """Yield the lines that are keys, and those that neither are one nor belong to the key above.

    >>> [line.key for line in top_lines(["title: 门禁", "负责人：张三", "tags:", "- a", "没有冒号"])]
    ['title', '负责人', 'tags', '']
    """
    above: TopLine | None = None
    for number, line in enumerate(lines):
        if not line.strip() or line.startswith("#"):
            continue
        if found := _key_line(number, line):
            above = found
            yield found
        elif not above or not _belongs_to(above, line):
            yield TopLine(number)


def are_mostly_keys(lines: Sequence[TopLine]) -> bool:
    """Return whether most lines are keys, and one of them is as it should be, or is the title."""
    keys = [line for line in lines if line.key]
    return any(line.is_plain or line.key == "title" for line in keys) and 2 * len(keys) > len(lines)


def _key_line(number: int, line: str) -> TopLine | None:
    if plain := YAML_KEY.match(line):
        return TopLine(number, plain["key"], plain["rest"], is_plain=True)
    if odd := _ODD_LINE.match(line):
        return TopLine(number, odd["odd"] or odd["slip"], odd["rest"], is_slip=bool(odd["slip"]))
    return None


def _belongs_to(above: TopLine, line: str) -> bool:
    return line[0] in " \t]}" or bool(_ITEM.match(line) and _VALUE_BELOW.match(above.rest))
