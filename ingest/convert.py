"""Other kinds of file → Markdown, with the line of the file for each line of the Markdown."""

import importlib
import io
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import DocumentError

if TYPE_CHECKING:
    from bs4 import Tag


@dataclass(frozen=True, slots=True)
class Converted:
    title: str
    markdown: str
    line_map: tuple[int, ...]


_MARKDOWN_SYNTAX = re.compile(r"([\\`*_{}\[\]<>#|~!])|^(\s*)([-+]|\d+[.)])(?=\s)", re.MULTILINE)
_CODE_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "dl", "table", "pre", "blockquote")
_UNSEEN = ("script", "style", "noscript", "template", "svg", "head", "nav")


def convert_text(text: str) -> Converted:
    """Plain text: every character means itself, a blank line ends a paragraph, a line break is kept."""
    lines = [_MARKDOWN_SYNTAX.sub(_escape, line.strip()) for line in text.split("\n")]
    body = "\n".join(
        f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )
    return Converted("", body, tuple(range(1, len(lines) + 1)))


def without_modules(mdx: str) -> str:
    """MDX without its `import` and `export` lines; the number of lines stays the same."""
    kept: list[str] = []
    fence = ""
    for line in mdx.split("\n"):
        opening = _CODE_FENCE.match(line)
        if opening and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else opening[1]
        kept.append("" if not fence and line.startswith(("import ", "export ")) else line)
    return "\n".join(kept)


def convert_html(text: str) -> Converted:
    """HTML: headings, paragraphs, lists, tables and code of the body; scripts, styles and navigation are left out."""
    # Imported here: most folders hold Markdown only.
    from bs4 import BeautifulSoup  # noqa: PLC0415
    from markdownify import MarkdownConverter  # noqa: PLC0415

    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for element in soup(list(_UNSEEN)):
        element.decompose()
    converter = MarkdownConverter(heading_style="atx", bullets="-")
    lines: list[str] = []
    line_map: list[int] = []
    for element in _outermost_blocks(soup):
        block = str(converter.convert_soup(element)).strip("\n").split("\n")
        if any(line.strip() for line in block):
            lines += [*block, ""]
            line_map += [*_lines_of(element, len(block)), element.sourceline or 1]
    return Converted(title, "\n".join(lines), tuple(line_map))


def convert_pdf(source: str, content: bytes) -> Converted:
    """The text of a PDF. Its lines are its pages: that is what a citation can point at.

    Raises DocumentError if the converter is not installed, or the file is encrypted, broken or holds no text.
    """
    pypdf = _optional(source, "pypdf")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw that it can read past
    lines: list[str] = []
    line_map: list[int] = []
    try:
        for number, page in enumerate(pypdf.PdfReader(io.BytesIO(content)).pages, 1):
            converted = convert_text(page.extract_text())
            lines += [*converted.markdown.split("\n"), ""]
            line_map += [number] * (converted.markdown.count("\n") + 2)
    except (pypdf.errors.PyPdfError, ValueError, KeyError, RecursionError) as error:
        raise _unreadable(source, error) from error
    if not any(lines):
        raise DocumentError(f"{source}: holds no text; scanned pages need text recognition first")
    return Converted("", "\n".join(lines), tuple(line_map))


def convert_docx(source: str, content: bytes) -> Converted:
    """A Word document, by way of HTML. Lines count its blocks, for such a file has no lines of its own.

    Raises DocumentError if the converter is not installed or cannot read the file.
    """
    mammoth = _optional(source, "mammoth")
    try:
        html = str(mammoth.convert_to_html(io.BytesIO(content)).value)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError) as error:
        raise _unreadable(source, error) from error
    return convert_html(re.sub(r"(?=<(?:h\d|p|ul|ol|table|pre)\b)", "\n", html).lstrip("\n"))


def _optional(source: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DocumentError(f"{source}: needs a converter; pip install 'zhiwen[documents]'") from error


def _unreadable(source: str, error: Exception) -> DocumentError:
    return DocumentError(f"{source}: cannot be converted: {' '.join(str(error).split())[:200]}")


def _escape(match: re.Match[str]) -> str:
    if match[1]:
        return f"\\{match[1]}"
    # `1.` is escaped before its dot, `-` before itself.
    marker = match[3]
    return f"{match[2]}{marker[:-1]}\\{marker[-1]}"


def _outermost_blocks(element: "Tag") -> Iterator["Tag"]:
    """Blocks in reading order, none inside another; what stands in no block is a block of its own."""
    from bs4 import Tag  # noqa: PLC0415

    for child in element.children:
        if not isinstance(child, Tag):
            continue
        if child.name in _BLOCKS or not child.find(_BLOCKS):
            yield child
        else:
            yield from _outermost_blocks(child)


def _lines_of(element: "Tag", count: int) -> list[int]:
    """The line of the file for each of `count` lines of Markdown: known by row in a table, else by block."""
    rows = [row.sourceline or 1 for row in element.find_all("tr")] if element.name == "table" else []
    if rows and len(rows) + 1 == count:
        return [rows[0], *rows]  # the ruler under the header has no row of its own
    return [element.sourceline or 1] * count
