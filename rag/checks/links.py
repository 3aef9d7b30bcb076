"""Links, images and HTML in an answer: what is kept leads only where a cited passage leads.

A model can be talked into an address that carries off what it was told (`![](https://…/?q=…)`), and the reader's
browser asks for an image unbidden. So an address is kept only if it stands, whole, in a passage that the answer cites.
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rag.checks.citations import cited_numbers
from rag.checks.link_buffer import LinkBuffer
from rag.text.urls import TRAILING_PUNCTUATION, URL_PATTERN, canonical_url, find_urls, is_active_url

LEFT_OUT = "…"
"""Stands where a foreign address stood."""

# A line can be as long as an answer, so nothing here may be tried in more ways than a few. Whether something in a text
# of a link is a link is decided once (`?+`), for two ways each would be 2ⁿ together; and `_Closings` finds the ends of
# code and comments, for which an expression would look through the rest of the line at each beginning.
_BRACKETED = r"(?:[^\[\]\n]|\[[^\[\]\n]*\](?:\([^()\n]*\))?+)*"
_POINTING = r"[^\s/.:#\\]*+[/.:#\\]"
_TARGET = rf"(?={_POINTING})\S*+(?=[ \t]*(?:[\"'(].*)?$)|{_POINTING}\S*(?=[\"'(])"
_CONSTRUCT = re.compile(
    r"(?<![`\\])(?P<ticks>`+)"
    rf"|(?P<link>(?P<bang>!?)\[(?P<text>{_BRACKETED})\]\((?P<destination>(?:[^()\n]|\([^()\n]*\))*)(?:\)|$))"
    rf"|(?P<definition>^(?P<label> {{0,3}}\[[^\]\n]+\]:[ \t]*)(?P<target>{_TARGET}))"
    r"|<(?P<autolink>[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*)>"
    r"|(?P<tag><[!?/]?(?P<element>[A-Za-z][A-Za-z0-9]*)[^<>\n]*>)"
    r"|(?P<opening><!--|<!\[CDATA\[|<\?)"
    # The rest of these would stand on the next line.
    r"|(?P<torn><(?=[A-Za-z/!?])|\](?=\(|:[ \t]*$))"
    rf"|(?P<address>{URL_PATTERN.pattern})"
)
_CLOSING = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_ELEMENTS = frozenset(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button
    canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img
    input ins isindex kbd keygen label legend li link listing main map mark marquee math menu menuitem meta meter nav
    nobr noembed noframes noscript object ol optgroup option output p param picture plaintext portal pre progress q rb
    rp rt rtc ruby s samp script search section select slot small source span strike strong style sub summary sup svg
    table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp
    """.split()
)
_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_FENCE_ELSEWHERE = re.compile(r"\s*+(?:(?:[-*+>]|\d{1,9}[.)])[\s>]*+|(?<=\s))(?:`{3}|~{3})")
_ONLY_MARKERS = re.compile(r"\s*(?:\[\d{1,4}\]\s*)*")
_ESCAPED = re.compile(r"\\.")
_TICKS = re.compile("`+")

# What must not grow together where something between them was left out.
_LEFT_EDGE = re.compile(r"[A-Za-z0-9+.\-:/<\[\]!?\\_~@=]")
_RIGHT_EDGE = re.compile(r"[A-Za-z0-9/:.\[(!?\\_~@<-]")


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What the lines before say about a line: the mark of the code block it stands in, and whether backticks mean code.

    Once they are not paired within their line, or a code block hangs below a list item or a quotation, they may mean
    another thing to whoever shows the text.
    """

    fence: str = ""
    trusts_code: bool = True


class LinkFilter:
    """Passes streamed text on without foreign links, images and HTML.

    `passages` has the text of each passage offered, by its number. A foreign link becomes its text, a foreign bare
    address `…`; foreign images are left out, and so is HTML outside of code. Text is passed on as it comes up to the
    first thing in a line that may be a link. From there it waits for the end of the line, or, where a passage that is
    not cited yet has the address, for the end of the paragraph. The text must have passed a MarkerFilter.
    """

    def __init__(self, passages: Mapping[int, str]) -> None:
        self._addresses = {number: find_urls(text) for number, text in passages.items()}
        self._surroundings = self._ahead = _Surroundings()
        """Of the lines that wait, and of what comes after them."""
        self._cited: set[int] = set()
        self._waiting: list[str] = []
        self._used: set[str] = set()
        """The addresses in the lines that wait."""
        self._line = LinkBuffer()
        self._shown = 0

    def feed(self, text: str) -> str:
        released = ""
        for piece in re.split(r"(?<=\n)", text):
            self._line.add(piece)
            if piece.endswith("\n"):
                released += self._end_line()
        # Of what follows lines that wait, nothing is certain.
        return released if self._waiting else released + self._line.advance()

    def finish(self) -> str:
        return self._end_line(is_end=True)

    def _end_line(self, *, is_end: bool = False) -> str:
        """Take in a line; return it and those that waited, unless a passage that is not cited yet has their address."""
        line, self._line, shown = self._line.text, LinkBuffer(), self._line.shown
        # Only markers count that will be seen: not one in a tag that is left out.
        self._cited |= set(cited_numbers(_clean(line, frozenset(), self._ahead)))
        self._ahead = _after(line, self._ahead)
        # With the line before, on which a link may begin.
        before = self._waiting[-1] if self._waiting else ""
        self._used |= find_urls(before + line)
        self._shown = shown if not self._waiting else self._shown
        self._waiting.append(line)
        is_paragraph_end = (before + line).endswith("\n\n") and not self._ahead.fence
        return "" if not (is_end or is_paragraph_end) and self._awaits_citation() else self._release()

    def _awaits_citation(self) -> bool:
        uncited = (found for number, found in self._addresses.items() if number not in self._cited)
        return any(self._used & found for found in uncited)

    def _release(self) -> str:
        kept = frozenset[str]().union(*(self._addresses.get(number, ()) for number in self._cited))
        clean = []
        for line in self._waiting:
            clean.append(_clean(line, kept, self._surroundings))
            self._surroundings = _after(line, self._surroundings)
        self._waiting, self._used = [], set()
        return "".join(clean)[self._shown :]


def _after(line: str, surroundings: _Surroundings) -> _Surroundings:
    fence = _FENCE.match(line)
    if surroundings.fence:
        closes = fence and fence["mark"].startswith(surroundings.fence) and _ONLY_MARKERS.fullmatch(fence["info"])
        return replace(surroundings, fence="") if closes else surroundings
    if fence and "`" not in fence["info"]:
        return replace(surroundings, fence=fence["mark"])
    is_paired = _is_paired(_ESCAPED.sub("", line))
    return surroundings if is_paired and not _FENCE_ELSEWHERE.match(line) else replace(surroundings, trusts_code=False)


def _is_paired(line: str) -> bool:
    """Whether all backticks of a line without escapes begin code, end it, or stand in it."""
    closings, at = _Closings(line), 0
    while ticks := _TICKS.search(line, at):
        at = closings.of_code(ticks)
        if at < 0 or line[ticks.start() - 1 : ticks.start()] == "\\":
            return False
    return True


def _clean(line: str, kept: frozenset[str], surroundings: _Surroundings) -> str:
    """The line with what is foreign left out, again and again, until nothing foreign arises from what is left."""
    trusts_code = _after(line, surroundings).trusts_code
    while True:
        if surroundings.fence and trusts_code:
            clean = URL_PATTERN.sub(lambda match: _address(match[0], kept), line)
        else:
            clean = _without_foreign(line, kept, trusts_code=trusts_code)
        if clean == line:
            return line
        line = clean


def _without_foreign(line: str, kept: frozenset[str], *, trusts_code: bool) -> str:
    closings = _Closings(line)
    clean, at, look_at = [], 0, 0
    while match := _CONSTRUCT.search(line, look_at):
        start, end = match.span()
        if match["ticks"]:
            look_at = closings.of_code(match) if trusts_code else -1
            if look_at < 0:
                look_at = end  # just backticks
                continue
            end = look_at
            replacement = URL_PATTERN.sub(lambda found: _address(found[0], kept), line[start:end])
        elif match["opening"]:
            end = closings.of_opening(match)
            replacement = "" if end > 0 else "< "
            end = end if end > 0 else start + 1
        else:
            replacement = _replacement(match, kept)
        clean += [line[at:start], _spaced(line, start, end, replacement)]
        at = look_at = end
    return "".join([*clean, line[at:]])


class _Closings:
    """Where in a line ends what begins in it. In all it takes the time of reading the line once or twice."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._runs: dict[int, deque[int]] | None = None
        self._missing: set[str] = set()

    def of_code(self, ticks: re.Match[str]) -> int:
        """The end of the code that these backticks begin, -1 if none end it. To be asked from left to right."""
        if self._runs is None:
            self._runs = {}
            for run in _TICKS.finditer(self._line):
                self._runs.setdefault(len(run[0]), deque()).append(run.end())
        ends = self._runs.get(len(ticks[0]), deque())
        while ends and ends[0] <= ticks.end():
            ends.popleft()
        return ends[0] if ends else -1

    def of_opening(self, opening: re.Match[str]) -> int:
        """The end of the comment or the like that is opened, -1 if it is not closed. Asked from left to right, too."""
        closing = _CLOSING[opening[0]]
        at = -1 if closing in self._missing else self._line.find(closing, opening.end())
        if at < 0:
            self._missing.add(closing)
            return -1
        return at + len(closing)


def _replacement(match: re.Match[str], kept: frozenset[str]) -> str:
    match match.lastgroup:
        case "address":
            return _address(match[0], kept)
        case "torn":
            return f"{match[0]} "
        case "tag":
            return match[0] if _is_placeholder(match) else ""
        case "autolink" | "definition":
            address = match["autolink"] or match["target"]
            return match[0] if _is_kept(address, kept) else (match["label"] or "") + LEFT_OUT
        case _:
            return _link(match, kept)


def _is_placeholder(match: re.Match[str]) -> bool:
    """`<your-name>` or `<String>`, which no browser knows; `<example.com/>` is an address."""
    is_unknown = bool(match["element"]) and match["element"].lower() not in _ELEMENTS
    return is_unknown and "=" not in match[0] and not URL_PATTERN.search(match[0])


def _link(match: re.Match[str], kept: frozenset[str]) -> str:
    text = _clean(match["text"], kept, _Surroundings(trusts_code=False))
    if _is_kept(_destination(match["destination"]), kept):
        return match[0].replace(match["text"], text, 1)
    if match["bang"]:
        return ""
    return f"[{text}]" if text.isdecimal() else text


def _spaced(line: str, start: int, end: int, replacement: str) -> str:
    if replacement == line[start:end]:
        return replacement
    before = line[start - 1 : start]
    after = replacement[:1] or line[end : end + 1]
    return f" {replacement}" if _LEFT_EDGE.match(before) and _RIGHT_EDGE.match(after) else replacement


def _destination(inside: str) -> str:
    """The address in the parentheses of a link, which may also hold a title."""
    inside = inside.strip()
    if inside.startswith("<"):
        return inside[1:].partition(">")[0]
    return inside.split()[0] if inside else ""


def _address(found: str, kept: frozenset[str]) -> str:
    if _is_kept(found, kept):
        return found
    return LEFT_OUT + found[len(found.rstrip(TRAILING_PUNCTUATION)) :]


def _is_kept(address: str, kept: frozenset[str]) -> bool:
    return not is_active_url(address) and canonical_url(address) in kept
