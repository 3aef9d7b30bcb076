"""Footnotes, put where they are referred to: short ones in brackets, others behind the block with the reference."""

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from rag.text.cjk import CJK

_MAX_CHARACTERS = 300
"""How long a note may be that stands in brackets."""
_MAX_COPIES = 10
"""How many references get the text of the same note, so that a document does not grow without bound."""
_CJK = re.compile(f"[{CJK}]")


def with_footnotes_in_place(tokens: Sequence[Token]) -> Iterator[Token]:
    """Replace each reference to a short note, of one paragraph, by its text; move each other note behind the outermost
    block that refers to it first.
    """
    blocks = list(_outermost_blocks(tokens))
    notes = {_label(block): block for block in reversed(blocks) if _label(block)}
    short = {label: paragraph for label, block in notes.items() if (paragraph := _short_note(block))}
    copies: Counter[str] = Counter()
    placed: set[str] = set()
    for block in blocks:
        waiting = deque([block] if not _label(block) else ())
        while waiting:
            shown = waiting.popleft()
            _write_notes(shown, short, copies)
            yield from shown
            labels = [label for label in _references(shown) if label in notes and label not in placed]
            placed.update(labels)
            waiting.extend(notes[label] for label in dict.fromkeys(labels) if label not in copies)
    for label, block in notes.items():
        if label not in placed and label not in copies:
            yield from block


def _label(block: Sequence[Token]) -> str:
    """Return the label of a footnote; "" for any other block."""
    return str(block[0].meta["label"]) if block[0].type == "footnote_reference_open" else ""


def _short_note(block: Sequence[Token]) -> Token | None:
    """Return the text of a note that is one short paragraph and does not refer to another one."""
    texts = [token for token in block if token.type == "inline"]
    is_paragraph = len(block) == 5 and len(texts) == 1 and block[1].type == "paragraph_open"
    is_short = is_paragraph and 0 < len(texts[0].content) <= _MAX_CHARACTERS
    return texts[0] if is_short and not any(_references(block)) else None


def _write_notes(block: Sequence[Token], notes: dict[str, Token], copies: Counter[str]) -> None:
    """Replace references in a block, except for those in headings, whose text is also that of links to them."""
    for before, token in zip([None, *block], block, strict=False):
        if not token.children or (before and before.type == "heading_open"):
            continue
        children: list[Token] = []
        for child in token.children:
            label = str(child.meta["label"]) if child.type == "footnote_ref" else ""
            if label in notes and copies[label] < _MAX_COPIES:
                copies[label] += 1
                children += _in_brackets(notes[label], children)
            else:
                children.append(child)
        token.children = children


def _in_brackets(note: Token, before: Sequence[Token]) -> Iterator[Token]:
    is_chinese = bool(_CJK.search(note.content))
    has_space = is_chinese or bool(before and before[-1].content.endswith(" "))
    yield _text("（" if is_chinese else "(" if has_space else " (")
    children = [_text("" if is_chinese else " ") if each.type == "softbreak" else each for each in note.children or ()]
    last = children[-1] if children else None
    if last and last.type == "text":
        children[-1] = _text(last.content.rstrip().removesuffix("。").removesuffix("."))
    yield from children
    yield _text("）" if is_chinese else ")")


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _outermost_blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []
    if block:
        yield block


def _references(block: Sequence[Token]) -> Iterator[str]:
    for token in block:
        for child in token.children or ():
            if child.type == "footnote_ref":
                yield str(child.meta["label"])
