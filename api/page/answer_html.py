"""An answer as HTML, rendered block by block while it is written.

Citation markers become buttons, and unverified sentences are marked.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.token import Token

from api.page.markdown_html import SafeRenderer, span, top_level
from rag.text.markers import find_markers
from rag.text.urls import AFTER_SCHEME, without_punctuation


def _parser() -> MarkdownIt:
    """Return a parser that shows HTML from the model as text, turns http(s) addresses into links and limits nesting."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": 20})
    linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False})
    for scheme in ("http:", "https:"):
        linkify.add(scheme, {"validate": _address_length})
    for scheme in ("ftp:", "mailto:", "//"):
        linkify.add(scheme, None)
    parser.linkify = linkify
    return parser.enable(["table", "strikethrough", "linkify"])


def _address_length(linkify: LinkifyIt, text: str, position: int) -> int:
    """Return the number of characters of the address after its scheme, 0 if there is no address."""
    match = AFTER_SCHEME.match(text, position)
    return len(without_punctuation(match[0])) if match else 0


_PARSER = _parser()
# Put around unverified sentences before the text is parsed. Beside emphasis they count as punctuation, and no answer
# needs these two characters.
_BEGIN, _END = "⸨", "⸩"
_MARK = re.compile(rf"[{_BEGIN}{_END}]")
_BLOCK_PREFIX = re.compile(r"(?:[>#]\s*)*")
_MAX_SPLITS = 4
"""Up to 16 unverified sentences are told apart exactly; each test parses the whole answer."""
_LINE_BLOCKS = ("|", "`" * 3, "~~~")
"""The beginnings of tables and code, where only whole lines can be marked."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The HTML of the blocks from number `start` on. They replace all earlier blocks with these numbers."""

    start: int
    html: tuple[str, ...]


class AnswerRenderer:
    """Renders a text that grows. `citable` are the numbers of the passages that it may cite."""

    def __init__(self, citable: Collection[int]) -> None:
        self._citable = frozenset(citable)
        self._finished_blocks = 0
        self._unfinished = ""

    @property
    def unfinished_characters(self) -> int:
        """Return the length of the text that each new piece makes it parse again."""
        return len(self._unfinished)

    def feed(self, text: str) -> Blocks:
        """Add a piece of text and return the blocks that changed. Finished blocks are not parsed again."""
        self._unfinished += text
        tokens = _PARSER.parse(self._unfinished)
        blocks = Blocks(self._finished_blocks, tuple(_render(tokens, self._citable)))
        last = next(reversed(list(top_level(tokens))), None)
        if last and last[0].map and len(blocks.html) > 1:
            lines = self._unfinished.split("\n")
            self._unfinished = "\n".join(lines[last[0].map[0] :])
            self._finished_blocks += len(blocks.html) - 1
        return blocks


def answer_html(text: str, citable: Collection[int], unverified: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the blocks of a complete answer. `unverified` are the sentences to mark, as they stand in the text."""
    text = text.replace(_BEGIN, "((").replace(_END, "))")
    spans = []
    end = 0
    for sentence in unverified:
        start = text.find(sentence, end)
        if start >= 0:
            end = start + len(sentence)
            spans.append(range(start, end))
    structure = _structure(text)
    inline = [span for span in spans if not text.startswith(_LINE_BLOCKS, span.start)]
    # If the marks would change how the text is parsed, mark the whole lines instead.
    marked = _that_fit(inline, lambda group: _structure(_insert(text, group)) == structure, _MAX_SPLITS)
    by_lines = set(spans).difference(marked)
    lines = {line for span in by_lines for line in _lines_of(span, text)}
    return tuple(_render(_PARSER.parse(_insert(text, marked)), frozenset(citable), lines))


def _that_fit(spans: Sequence[range], fit: Callable[[Sequence[range]], bool], splits: int) -> Sequence[range]:
    """Return the spans that can be marked. The others are found by halving, at most `splits` times.

    So the number of tests has a bound; a group that is not halved any more is left out as a whole.
    """
    if not spans or fit(spans):
        return spans
    if len(spans) == 1 or not splits:
        return ()
    half = len(spans) // 2
    return [*_that_fit(spans[:half], fit, splits - 1), *_that_fit(spans[half:], fit, splits - 1)]


def _insert(text: str, spans: Sequence[range]) -> str:
    """Return the text with marks around the spans, which are in order, but behind the marks of lists and the like."""
    pieces = []
    done = 0
    for marked in spans:
        prefix = _BLOCK_PREFIX.match(text, marked.start, marked.stop)
        start = prefix.end() if prefix else marked.start
        pieces += [text[done:start], _BEGIN, text[start : marked.stop], _END]
        done = marked.stop
    return "".join([*pieces, text[done:]])


def _structure(text: str) -> list[str]:
    return [token.type for token in _PARSER.parse(text)]


def _lines_of(span: range, text: str) -> range:
    first = text.count("\n", 0, span.start)
    return range(first, first + text.count("\n", span.start, span.stop) + 1)


def _render(tokens: Sequence[Token], citable: frozenset[int], unverified_lines: Collection[int] = ()) -> Iterator[str]:
    renderer = SafeRenderer()
    before = None
    for token in tokens:
        if token.type == "inline":
            token.children = list(_replace_markers(token.children or [], citable, renderer))
        can_be_marked = token.type in ("paragraph_open", "tr_open", "fence", "code_block")
        if can_be_marked and token.map and any(line in unverified_lines for line in range(*token.map)):
            # The paragraphs of a dense list have no element of their own.
            renderer.set(before if before and token.hidden else token, class_="unverified")
        before = token
    return renderer.blocks(tokens)


def _replace_markers(children: Sequence[Token], citable: frozenset[int], renderer: SafeRenderer) -> Iterator[Token]:
    """Replace citation markers by buttons, except inside links, and the marks of sentences by spans."""
    open_links = 0
    for child in children:
        open_links += child.nesting if child.type.startswith("link_") else 0
        if child.type == "text":
            yield from _split_text(child.content, citable if not open_links else frozenset(), renderer)
            continue
        child.content = child.content.replace(_BEGIN, "").replace(_END, "")
        yield child


def _split_text(text: str, citable: frozenset[int], renderer: SafeRenderer) -> Iterator[Token]:
    position = 0
    markers = [(found.start, found.end, found.number) for found in find_markers(text) if found.number in citable]
    marks = [(found.start(), found.end(), None) for found in _MARK.finditer(text)]
    for start, end, number in sorted([*markers, *marks], key=itemgetter(0)):
        before = text[position:start]
        # Buttons have a margin, so a space before one is dropped.
        yield _text(before if number is None else before.rstrip(" "))
        position = end
        if number is not None:
            button = Token("cite_open", "button", 1)
            renderer.set(button, type="button", class_="cite", data_cite=str(number))
            yield from (button, _text(str(number)), Token("cite_close", "button", -1))
        elif text[start] == _BEGIN:
            opening = span("unverified", nesting=1)
            renderer.set(opening, class_="unverified")
            yield opening
        else:
            yield span("unverified", nesting=-1)
    yield _text(text[position:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
