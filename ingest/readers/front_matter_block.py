"""Where the front matter of a Markdown file stands, and in which syntax it is written.

A `---` on the first line can also be a ruler, and a `{` text. What stands below is front matter only if it looks like
it, so that no sentence of a document is taken for a property:

- `---` … `---` or `...`: of the lines that are not indented, most are `key:` or `key: value`, also with a colon of full
  width or without the space, and one of them is well formed or the `title`. Items of the key above, comments and
  closing brackets do not count. In a key there is no Markdown. A blank line after the opening `---` makes it a ruler,
  unless there is a `title`; so does a first line `# …` with blank lines below it and before the closing `---`.
- `+++` … `+++`: a line is `key = value` or `[table]`.
- `{` … `}`: an object in JSON, and nothing behind it on its last line. `;;;` … `;;;`: the same, with or without `{}`.

A byte order mark, blank lines and HTML comments may stand before it, as Hugo allows.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from ingest.readers.front_matter_lines import are_mostly_keys, top_lines

Syntax = Literal["yaml", "toml", "json"]

TOML_KEY = re.compile(r"[ \t]*(?:\[{1,2}(?P<table>[^\]\n]+)\]|(?P<key>[\w\"'][^=\n]{0,200})=)")
"""A line `key = …` or `[table]`."""

_BEFORE = re.compile(r"\ufeff?(?:[ \t]*\n|[ \t]*<!--(?:(?!-->)[\s\S])*-->[ \t]*\n)*+")
_FENCES: tuple[tuple[Syntax, re.Pattern[str], re.Pattern[str]], ...] = (
    ("yaml", re.compile(r"---[ \t]*(?:\n|$)"), re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)),
    ("toml", re.compile(r"\+\+\+[ \t]*(?:\n|$)"), re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)),
    ("json", re.compile(r";;;[ \t]*(?:\n|$)"), re.compile(r"^;;;[ \t]*$", re.MULTILINE)),
)
_BROKEN_JSON = re.compile(r'\{[ \t]*\n\s*"[\s\S]*?^\}[ \t]*$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatterBlock:
    """The `text` between the delimiters (in JSON with its braces), which begins on line `first_line` (1-based).

    The body begins at the offset `end` of the whole text, on the line of the closing delimiter.
    """

    syntax: Syntax
    text: str
    first_line: int
    end: int


def find_front_matter(text: str) -> FrontMatterBlock | None:
    """Return the front matter at the top of a text, if there is any. Lines end with `\\n`.

    >>> find_front_matter("---\\nowner: 平台组\\n---\\n# 安装\\n").text
    'owner: 平台组\\n'
    >>> find_front_matter("---\\n\\n注意: 只适用于二厂区\\n\\n---\\n")
    """
    before = _BEFORE.match(text)
    start = before.end() if before else 0
    if text.startswith("{", start):
        return _json_object(text, start)
    for syntax, opening, closing in _FENCES:
        opened = opening.match(text, start)
        closed = closing.search(text, opened.end()) if opened else None
        if opened and closed:
            inner = text[opened.end() : closed.start()]
            found = FrontMatterBlock(syntax, inner, text.count("\n", 0, opened.end()) + 1, closed.end())
            return found if _LOOKS_LIKE[syntax](inner) else None
    return None


def _json_object(text: str, start: int) -> FrontMatterBlock | None:
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        broken = _BROKEN_JSON.match(text, start)
        if not broken:
            return None
        end = broken.end()
    else:
        if not isinstance(value, dict) or text[end:].partition("\n")[0].strip():
            return None
    return FrontMatterBlock("json", text[start:end], text.count("\n", 0, start) + 1, end)


def _looks_like_yaml(text: str) -> bool:
    if not text.strip():
        return True
    lines = text.removesuffix("\n").split("\n")
    found = list(top_lines(lines))
    if not are_mostly_keys(found):
        return _is_flow_mapping(text)
    has_title = any(line.key == "title" for line in found)
    if not lines[0].strip():
        return has_title
    if lines[0].startswith("#") and not lines[-1].strip():
        return has_title or found[0].number == 1
    return True


def _is_flow_mapping(text: str) -> bool:
    return text.startswith("{") and text.rstrip().endswith("}")


def _looks_like_toml(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return not lines or any(map(TOML_KEY.match, lines))


def _looks_like_json(text: str) -> bool:
    return not text.strip() or text.lstrip().startswith(("{", '"'))


_LOOKS_LIKE = {"yaml": _looks_like_yaml, "toml": _looks_like_toml, "json": _looks_like_json}
