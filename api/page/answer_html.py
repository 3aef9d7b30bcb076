"""An answer as HTML, block by block while it is written: its citations are buttons, what is unverified is marked."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.token import Token

from api.page.safe_html import SafeRenderer, span, top_level

# Chinese text goes on right behind an address, without a space.
_ADDRESS = re.compile(r"//[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d+)?(?:[/?#](?:[!-~]*[A-Za-z0-9/=_#&%+~-])?)?")


def _parser() -> MarkdownIt:
    """HTML that a model writes is shown as the text it is, whole addresses as links. What nests deeper is no answer."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": 20})
    linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False})
    for scheme in ("http:", "https:"):
        linkify.add(scheme, {"validate": _address_length})
    for scheme in ("ftp:", "mailto:", "//"):
        linkify.add(scheme, None)
    parser.linkify = linkify
    return parser.enable(["table", "strikethrough", "linkify"])


def _address_length(linkify: LinkifyIt, text: str, position: int) -> int:
    """How many characters of an address stand behind its scheme; 0 if there is none."""
    match = _ADDRESS.match(text, position)
    return len(match[0]) if match else 0


_PARSER = _parser()
# They count as punctuation beside the marks of emphasis, and no answer needs them.
_BEGIN, _END = "⸨", "⸩"
_PLACE = re.compile(rf"\[(\d{{1,4}})\]|[{_BEGIN}{_END}]")
_PREFIX = re.compile(r"(?:[>#]\s*)*")
_BY_LINES = ("|", "`" * 3, "~~~")


@dataclass(frozen=True, slots=True)
class Blocks:
    """The HTML of the blocks from number `start` on; what was there before from that number on is no more."""

    start: int
    html: tuple[str, ...]


class AnswerRenderer:
    """The HTML of a text that grows. `offered` are the numbers of the passages that it may cite."""

    def __init__(self, offered: Collection[int]) -> None:
        self._offered = frozenset(offered)
        self._settled = 0
        self._open = ""

    @property
    def unsettled_characters(self) -> int:
        """Of the text that is looked at again with each piece."""
        return len(self._open)

    def feed(self, text: str) -> Blocks:
        """The blocks that changed. Only those are looked at that the text before has not ended."""
        self._open += text
        tokens = _PARSER.parse(self._open)
        blocks = Blocks(self._settled, tuple(_html(tokens, self._offered)))
        last = next(reversed(list(top_level(tokens))), None)
        if last and last[0].map and len(blocks.html) > 1:
            lines = self._open.split("\n")
            self._open = "\n".join(lines[last[0].map[0] :])
            self._settled += len(blocks.html) - 1
        return blocks


def answer_html(text: str, offered: Collection[int], unverified: Sequence[str] = ()) -> tuple[str, ...]:
    """The blocks of a whole answer; the sentences in `unverified`, as they stand in it, are marked."""
    text = text.replace(_BEGIN, "((").replace(_END, "))")
    shape = _shape(text)
    signs: list[tuple[int, str]] = []
    lines = set[int]()
    end = 0
    for sentence in unverified:
        start = text.find(sentence, end)
        if start < 0:
            continue
        end = start + len(sentence)
        prefix = _PREFIX.match(sentence)
        signed = [(start + (prefix.end() if prefix else 0), _BEGIN), (end, _END)]
        # Signs that would make another thing of the text are not put there; its lines are marked as a whole.
        if sentence.startswith(_BY_LINES) or _shape(_inserted(text, signed)) != shape:
            lines.update(_lines_of(start, sentence, text))
        else:
            signs += signed
    return tuple(_html(_PARSER.parse(_inserted(text, signs)), frozenset(offered), lines))


def _inserted(text: str, signs: Sequence[tuple[int, str]]) -> str:
    for position, sign in reversed(signs):
        text = text[:position] + sign + text[position:]
    return text


def _shape(text: str) -> list[str]:
    return [token.type for token in _PARSER.parse(text)]


def _lines_of(start: int, sentence: str, text: str) -> range:
    first = text.count("\n", 0, start)
    return range(first, first + sentence.count("\n") + 1)


def _html(tokens: Sequence[Token], offered: frozenset[int], unverified_lines: Collection[int] = ()) -> Iterator[str]:
    markup = SafeRenderer()
    for token in tokens:
        if token.type == "inline":
            token.children = list(_with_places(token.children or [], offered, markup))
        marks = token.type in ("paragraph_open", "tr_open", "fence", "code_block") and not token.hidden
        if marks and token.map and any(line in unverified_lines for line in range(*token.map)):
            markup.set(token, class_="unverified")
    return markup.blocks(tokens)


def _with_places(children: Sequence[Token], offered: frozenset[int], markup: SafeRenderer) -> Iterator[Token]:
    """The tokens of a line, with markers as buttons and signs as the marks that they stand for."""
    links = 0
    for child in children:
        links += child.nesting if child.type.startswith("link_") else 0
        if child.type == "text":
            yield from _pieces(child.content, offered if not links else frozenset(), markup)
            continue
        child.content = child.content.replace(_BEGIN, "").replace(_END, "")
        yield child


def _pieces(text: str, offered: frozenset[int], markup: SafeRenderer) -> Iterator[Token]:
    position = 0
    for place in _PLACE.finditer(text):
        if place[1] and int(place[1]) not in offered:
            continue
        # A button keeps its distance by itself.
        yield _text(text[position : place.start()].rstrip(" ") if place[1] else text[position : place.start()])
        position = place.end()
        if place[1]:
            button = Token("cite_open", "button", 1)
            markup.set(button, type="button", class_="cite", data_cite=str(int(place[1])))
            yield from (button, _text(str(int(place[1]))), Token("cite_close", "button", -1))
        elif place[0] == _BEGIN:
            mark = span("unverified", nesting=1)
            markup.set(mark, class_="unverified")
            yield mark
        else:
            yield span("unverified", nesting=-1)
    yield _text(text[position:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
