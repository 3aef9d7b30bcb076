"""A chunk cut into the units that an answer quotes: a sentence, a list item with what hangs below it, a table row."""

import re
from dataclasses import dataclass

from rag.types import PATH_SEPARATOR, Chunk

# `?` and `!` end a sentence only before white space, Chinese or a closing mark: not in `/?tab=` or `!=`.
_SENTENCE = re.compile(r"(?:[^。！？!?\n]|[!?](?=[^\s!?)\"\u2000-\uffef]))+(?:[。！？!?]+[”’」』）)\"]*|(?=\n)|$)")
_ENGLISH_STOP = re.compile(
    r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bDr\.)(?<=[a-z0-9)\]\"”’]\.)\s+(?=[A-Z\u4e00-\u9fff])"
)
_LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s+(?P<text>.*)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Span:
    """`text` reads by itself; `quote` stands word for word in the chunk."""

    text: str
    quote: str


def split_spans(chunk: Chunk) -> list[Span]:
    """The units of a chunk in order; at least one unless the chunk is empty."""
    if chunk.kind == "row":
        return [Span(chunk.content, chunk.content)]
    if chunk.kind == "table":
        return _table_units(chunk.content)
    if chunk.kind == "list":
        return _list_units(chunk.content)
    if chunk.kind == "code":
        return [Span(chunk.content, chunk.content)]
    return _text_units(chunk.content)


def _text_units(content: str) -> list[Span]:
    found = []
    for part in re.split(r"(```.*?(?:```|\Z))", content, flags=re.DOTALL):
        if part.startswith("```"):
            found.append(Span(part, part))
            continue
        for match in _SENTENCE.finditer(part):
            sentences = (sentence.strip() for sentence in _ENGLISH_STOP.split(match[0]))
            found.extend(Span(sentence, sentence) for sentence in sentences if sentence)
    whole = content.strip()
    return found or ([Span(whole, whole)] if whole else [])


def _list_units(content: str) -> list[Span]:
    found: list[list[str]] = []
    for line in content.split("\n"):
        if found and (line.startswith(" ") or not _LIST_ITEM.match(line)):
            found[-1].append(line)
        else:
            found.append([line])
    return [Span(_read_item(lines), "\n".join(lines).rstrip()) for lines in found]


def _read_item(lines: list[str]) -> str:
    """`1. 数学` over `- 微积分` and more reads `数学: 线性代数, 概率统计, 微积分`."""
    first, *below = (_without_marker(line) for line in lines if line.strip()) if any(map(str.strip, lines)) else [""]
    joint = "、" if re.search(r"[\u3400-\u9fff]", "".join(lines)) else ", "
    return f"{first}: {joint.join(below)}" if below else first


def _without_marker(line: str) -> str:
    match = _LIST_ITEM.match(line.strip())
    return match["text"] if match else line.strip()


def _table_units(content: str) -> list[Span]:
    lines = content.split("\n")
    ruler = next((number for number, line in enumerate(lines) if line.startswith("|---")), None)
    if not ruler:
        return [Span(content, content)]
    headers = _cells(lines[ruler - 1])
    found = []
    for line in lines[ruler + 1 :]:
        pairs = zip(headers, _cells(line), strict=False)
        fields = [f"{header}: {cell}" if header else cell for header, cell in pairs if cell]
        found.append(Span(PATH_SEPARATOR.join(fields), line))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(line)[1:-1]]
