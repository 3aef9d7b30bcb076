"""Inline elements → plain text: what a reader sees, with the addresses of external links, line by line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import unquote

from ingest.markup.elements import HIDDEN
from ingest.markup.tree import Element, Node
from rag.text.cjk import CJK_SYMBOLS, FULL_WIDTH, HAN, KANA
from rag.text.urls import is_external_url, is_shared_path

# Not Korean, which separates its words by spaces.
_WITHOUT_SPACES = re.compile(f"[{HAN}{KANA}{CJK_SYMBOLS}{FULL_WIDTH}]")
_FIELD = re.compile(r"[^\s：:，。,.!?！？][^：:，。,!?！？]{0,23}[：:](?!//)\s*\S")
_ITEM = re.compile(
    r"(?:[（(]?(?:\d{1,3}|[一二三四五六七八九十]{1,3}|[a-zA-Z])[)）、.．]|[①-⑳•·●○■□▪◆★☆✓✔✗✘☑☐–—]|[\U0001f300-\U0001faff])"
)
_LONGEST_ADDRESS = 200
_NO_DESCRIPTION = re.compile(
    r"(?:image|img|pic|picture|photo|screenshot|figure|图片|图像|图|截图)?[\s_-]*\d{0,4}"
    r"|[\w.-]+\.(?:png|jpe?g|gif|webp|svg|bmp)",
    re.IGNORECASE,
)
_SENTENCE_END = tuple("。！？；…：.!?;:")
_CLOSING = "”’」』）)》】\"'*"
_TERMINAL = tuple("。！？；….!?;")
_CONTINUED = tuple("，、,（(《“‘「『-—+&/")
_MAX_COLUMNS = 36
"""Nobody wraps Chinese text at fewer columns, of which a Chinese character takes two."""
_PARTS = re.compile(r"[\d\s（(：:、/|]")
_HEADING = re.compile(f"#{{1,6}}[{HAN}]|#{{2,6}}[A-Za-z]")
"""A heading without the space that CommonMark wants: `##安装`."""
_SHORT_FIELD = re.compile(r"[^：:，。,!?！？]{1,24}[：:]\s*[^\s：:，。,!?！？]{1,4}(?:\s\S{1,4})?")
_EXPONENT = re.compile(r"[-+−]?(?:\d+|[a-z])\Z")
_SUBSCRIPTS = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, from the lines `start_line` to `end_line` of the file.

    `ancestors` are the list items above it, without which it makes no sense. `joints` are the places in the text where
    a further line of the file begins, each with its number.
    """

    text: str
    start_line: int
    end_line: int
    ancestors: tuple[str, ...] = ()
    joints: tuple[tuple[int, int], ...] = ()

    def behind(self, margin: str) -> "Line":
        """Return the line with a margin or a list marker before its text."""
        joints = tuple((place + len(margin), number) for place, number in self.joints)
        return replace(self, text=f"{margin}{self.text}", joints=joints)

    def part(self, start: int, end: int) -> "Line":
        """Return the characters `start` to `end` (exclusive) as a line, with the lines of the file that they are on."""
        before = [number for place, number in self.joints if place <= start]
        within = [(place - start, number) for place, number in self.joints if start < place < end]
        first = before[-1] if before else self.start_line
        last = within[-1][1] if within else first
        text = self.text[start:end]
        return replace(self, text=text, start_line=first, end_line=last, joints=tuple(within))


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of text within one line of the file; `breaks`: a line break follows."""

    text: str
    line: int
    breaks: bool = False


def inline_text(nodes: Sequence[Node], *, with_links: bool = True) -> str:
    """Return the text of inline nodes; lines are separated by newlines."""
    return "\n".join(line.text for line in inline_lines(nodes, with_links=with_links))


def inline_lines(nodes: Sequence[Node], *, with_links: bool = True) -> list[Line]:
    """Return the text of inline nodes in the lines that a reader takes for lines.

    Line breaks are. A line end of the file is one if a sentence ends there, if the lines on both sides of it read as
    fields (`姓名：林小满`) or items (`1、…`, `• …`), or if both are short lines of Chinese that have parts
    (`早餐 10 元`, `甲方（盖章）`) and do not end a sentence; otherwise it is a space or, within Chinese, nothing.
    """
    lines: list[Line] = []
    run: list[_Part] = []
    broken = False
    for part in _source_lines(nodes, with_links=with_links):
        text = part.text.strip()
        if text:
            if run and (broken or _is_break(run[-1].text, text)):
                lines.append(_line(run))
                run = []
            run.append(_Part(text, part.line))
            broken = False
        broken = broken or part.breaks
    return [*lines, _line(run)] if run else lines


def _line(run: Sequence[_Part]) -> Line:
    """Return the lines of the file that are one line to a reader."""
    texts = [run[0].text]
    joints: list[tuple[int, int]] = []
    length = len(run[0].text)
    for before, part in pairwise(run):
        glue = _glue(before.text, part.text)
        texts += [glue, part.text]
        joints.append((length + len(glue), part.line))
        length += len(glue) + len(part.text)
    return Line("".join(texts), run[0].line, run[-1].line, joints=tuple(joints))


def is_label(nodes: Sequence[Node]) -> bool:
    """Return whether a paragraph is all bold: people use that as a small heading."""
    shown = [node for node in nodes if isinstance(node, Element) or node.text.strip()]
    return len(shown) == 1 and isinstance(shown[0], Element) and shown[0].name in ("strong", "b")


def _source_lines(nodes: Sequence[Node], *, with_links: bool) -> Iterator[_Part]:
    """Yield the text of each line of the file, and of the parts of one that line breaks separate."""
    texts: list[str] = []
    line = 0
    for part in _parts(nodes, with_links):
        if part.line != line and texts:
            yield _Part("".join(texts), line)
            texts = []
        texts.append(part.text)
        line = part.line
        if part.breaks:
            yield _Part("".join(texts), line, breaks=True)
            texts = []
    if texts:
        yield _Part("".join(texts), line)


def _parts(nodes: Sequence[Node], with_links: bool) -> Iterator[_Part]:
    for node in nodes:
        if not isinstance(node, Element):
            for number, text in enumerate(node.text.split("\n"), node.line):
                yield _Part(text, number)
        elif node.name == "br":
            yield _Part("", node.line, breaks=True)
        elif node.name not in HIDDEN:
            yield from _element_parts(node, with_links)


def _element_parts(element: Element, with_links: bool) -> Iterator[_Part]:
    if element.name == "img":
        yield _Part(_image_text(element), element.line)
    elif element.name == "math":
        formula = "".join(inline_text(each.children) for each in element.elements("annotation"))
        yield _Part(f"${formula}$" if formula else "", element.line)
        if not formula:
            yield from _parts(element.children, with_links)
    elif element.name in ("sup", "sub"):
        text = inline_text(element.children, with_links=with_links) or _text_of_style(element)
        yield _Part(_raised(text) if element.name == "sup" else text.translate(_SUBSCRIPTS), element.line)
    elif element.name == "rt":
        yield _Part(f"（{inline_text(element.children)}）", element.line)
    elif element.name != "rp":
        block = element.is_block
        # What is struck out would otherwise say the opposite.
        mark = "~~" if element.name in ("s", "del", "strike") else ""
        if block:
            yield _Part("", element.line, breaks=True)
        yield _Part(mark, element.line)
        parts = _parts(element.children, with_links)
        yield from _with_breaks(parts) if element.name == "pre" else parts
        yield _Part(mark or _text_of_style(element), element.end_line)
        if element.name == "a" and with_links and (address := _shown_address(element)):
            yield _Part(f" ({address})", element.end_line)
        if block:
            yield _Part("", element.end_line, breaks=True)


def _with_breaks(parts: Iterator[_Part]) -> Iterator[_Part]:
    """Yield the parts of preformatted text, in which every line end is a line break."""
    line = 0
    for part in parts:
        if line and part.line != line:
            yield _Part("", line, breaks=True)
        yield part
        line = part.line


def _image_text(image: Element) -> str:
    """Return the alternative text of an image, unless it is a name of a file, and its title if that says more."""
    alt, title = (" ".join(image.attributes.get(name, "").split()) for name in ("alt", "title"))
    alt = "" if _NO_DESCRIPTION.fullmatch(alt) else alt
    return f"{alt} ({title})" if alt and title and title not in alt else alt or title


def _text_of_style(element: Element) -> str:
    """Return the text that a style sheet shows of an element without content, as of a badge."""
    return "" if element.children else element.attributes.get("data-text", "").strip()


def _raised(text: str) -> str:
    """Return `^9` for an exponent: 10<sup>9</sup> is not 109."""
    return f"^{text}" if _EXPONENT.match(text) else text


def _shown_address(link: Element) -> str:
    address = link.attributes.get("href", "")
    if address.lower().startswith("file:"):
        address = unquote(address)
    if len(address) > _LONGEST_ADDRESS:
        # Its end is data for a program, such as the code of an example.
        address = re.split(r"[#?]", address, maxsplit=1)[0][:_LONGEST_ADDRESS]
    shown = inline_text(link.children, with_links=False)
    same = (address, address.removeprefix("mailto:"), address.removeprefix("tel:"))
    is_shown = is_external_url(address) or is_shared_path(address)
    return address if is_shown and shown not in same else ""


def _is_break(before: str, after: str) -> bool:
    """Return whether the line end between two lines of a paragraph is one to a reader, too."""
    if before.rstrip(_CLOSING).endswith(_SENTENCE_END):
        return True
    if _ITEM.match(after) or (_FIELD.match(before) and _FIELD.match(after)):
        return True
    return bool(_HEADING.match(before) or _HEADING.match(after)) or _are_short(before, after)


def _are_short(before: str, after: str) -> bool:
    """Return whether two lines of Chinese with parts are too short to be wrapped, and are no sentence together."""
    columns = [len(line) + len(_WITHOUT_SPACES.findall(line)) for line in (before, after)]
    if max(columns) > _MAX_COLUMNS or sum(columns) == len(before) + len(after):
        return False
    if not _SHORT_FIELD.fullmatch(before) and not (_PARTS.search(before) and _PARTS.search(after)):
        return False
    goes_on = before.endswith(_CONTINUED) or after.startswith(_CONTINUED + _TERMINAL)
    return not goes_on and not after.rstrip(_CLOSING).endswith(_TERMINAL)


def _glue(before: str, after: str) -> str:
    """Return what a line end within a sentence stands for."""
    return "" if _WITHOUT_SPACES.match(before[-1]) and _WITHOUT_SPACES.match(after[0]) else " "
