"""Links, images and HTML in an answer: what is kept leads only where a cited passage leads.

A model can be talked into an address that carries off what it was told (`![](https://…/?q=…)`), and the reader's
browser asks for an image unbidden. So an address is kept only if it stands, whole, in a passage that the answer cites.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rag.addresses import ADDRESS, TRAILING, addresses, canonical, is_active
from rag.citations import cited_numbers

LEFT_OUT = "…"
"""Stands where a foreign address stood."""

_CODE = r"(?P<code>(?<![`\\])(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
_BRACKETED = r"(?:[^\[\]\n]|\[[^\[\]\n]*\](?:\([^()\n]*\))?)*"
_CONSTRUCT = (
    rf"(?P<link>(?P<bang>!?)\[(?P<text>{_BRACKETED})\]\((?P<destination>(?:[^()\n]|\([^()\n]*\))*)(?:\)|$))"
    r"|(?P<definition>^(?P<label> {0,3}\[[^\]\n]+\]:[ \t]*)(?P<target>\S*[/.:#\\]\S*)(?=[ \t]*(?:[\"'(].*)?$))"
    r"|<(?P<autolink>[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*)>"
    r"|(?P<tag><!--.*?-->|<[!?/]?(?P<element>[A-Za-z][A-Za-z0-9]*)[^<>\n]*>|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)"
    # The rest of these would stand on the next line.
    r"|(?P<torn><(?=[A-Za-z/!?])|\](?=\(|:[ \t]*$))"
    rf"|(?P<address>{ADDRESS.pattern})"
)
_OUTSIDE_CODE = re.compile(f"{_CODE}|{_CONSTRUCT}")
_ANYWHERE = re.compile(f"(?P<code>(?!))|{_CONSTRUCT}")
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
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_FENCE_ELSEWHERE = re.compile(r"\s*(?:[-*+>]|\d{1,9}[.)]|\s)[\s>]*(?:`{3}|~{3})")
_ONLY_MARKERS = re.compile(r"\s*(?:\[\d{1,4}\]\s*)*")
_ESCAPED = re.compile(r"\\.")
_CODE_SPAN = re.compile(_CODE)

# Where a line may begin to change. All that stands before passes at once; a marker passes when it is known that no
# address follows it.
_SUSPECT = re.compile(
    rf"!?\[(?!(?:\d{{1,4}}\]\[)*\d{{1,4}}\][^(\[:])|!\Z|\](?=[(:]|\Z)|<(?=[A-Za-z/!?]|\Z)|{ADDRESS.pattern}"
)
_UNFINISHED_WORD = re.compile(r"[A-Za-z0-9+.@_:/?\\~-]+\Z")
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
        self._addresses = {number: addresses(text) for number, text in passages.items()}
        self._surroundings = _Surroundings()
        self._cited: frozenset[int] = frozenset()
        self._lines = ""
        self._line = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        released = ""
        for piece in re.split(r"(?<=\n)", text):
            self._line += piece
            if piece.endswith("\n"):
                self._lines, self._line = self._lines + self._line, ""
                released += self._settle(is_end=False)
        return released + self._advance()

    def finish(self) -> str:
        self._lines, self._line = self._lines + self._line, ""
        return self._settle(is_end=True)

    def _advance(self) -> str:
        """What is certain of the line that is being written."""
        if self._lines:
            return ""
        suspect = _SUSPECT.search(self._line)
        unfinished = _UNFINISHED_WORD.search(self._line)
        cut = min(found.start() if found else len(self._line) for found in (suspect, unfinished))
        released = self._line[self._shown : cut]
        self._shown = max(cut, self._shown)
        return released

    def _settle(self, *, is_end: bool) -> str:
        # Only markers count that will be seen: not one in a tag that is left out.
        seen, _ = _clean_lines(self._lines, frozenset(), self._surroundings)
        cited = self._cited | frozenset(cited_numbers(seen))
        if not is_end and self._awaits_citation(cited):
            return ""
        self._cited = cited
        kept = frozenset[str]().union(*(self._addresses.get(number, ()) for number in cited))
        clean, self._surroundings = _clean_lines(self._lines, kept, self._surroundings)
        released = clean[self._shown :]
        self._lines, self._shown = "", 0
        return released

    def _awaits_citation(self, cited: frozenset[int]) -> bool:
        _, after = _clean_lines(self._lines, frozenset(), self._surroundings)
        is_paragraph_end = self._lines.endswith("\n\n") and not after.fence
        used = addresses(self._lines)
        uncited = (found for number, found in self._addresses.items() if number not in cited)
        return not is_paragraph_end and any(used & found for found in uncited)


def _clean_lines(lines: str, kept: frozenset[str], surroundings: _Surroundings) -> tuple[str, _Surroundings]:
    clean = ""
    for line in _LINE.findall(lines):
        clean += _clean(line, kept, surroundings)
        surroundings = _after(line, surroundings)
    return clean, surroundings


def _after(line: str, surroundings: _Surroundings) -> _Surroundings:
    fence = _FENCE.match(line)
    if surroundings.fence:
        closes = fence and fence["mark"].startswith(surroundings.fence) and _ONLY_MARKERS.fullmatch(fence["info"])
        return replace(surroundings, fence="") if closes else surroundings
    if fence and "`" not in fence["info"]:
        return replace(surroundings, fence=fence["mark"])
    is_paired = "`" not in _CODE_SPAN.sub("", _ESCAPED.sub("", line))
    return surroundings if is_paired and not _FENCE_ELSEWHERE.match(line) else replace(surroundings, trusts_code=False)


def _clean(line: str, kept: frozenset[str], surroundings: _Surroundings) -> str:
    """The line with what is foreign left out, again and again, until nothing foreign arises from what is left."""
    trusts_code = _after(line, surroundings).trusts_code
    while True:
        if surroundings.fence and trusts_code:
            clean = ADDRESS.sub(lambda match: _address(match[0], kept), line)
        else:
            pattern = _OUTSIDE_CODE if trusts_code else _ANYWHERE
            clean = pattern.sub(lambda match: _spaced(match, _replacement(match, kept)), line)
        if clean == line:
            return line
        line = clean


def _replacement(match: re.Match[str], kept: frozenset[str]) -> str:
    match match.lastgroup:
        case "code":
            return ADDRESS.sub(lambda found: _address(found[0], kept), match[0])
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
    """`<your-name>` or `<String>`, which no browser knows."""
    return bool(match["element"]) and match["element"].lower() not in _ELEMENTS and "=" not in match[0]


def _link(match: re.Match[str], kept: frozenset[str]) -> str:
    text = _clean(match["text"], kept, _Surroundings(trusts_code=False))
    if _is_kept(_destination(match["destination"]), kept):
        return match[0].replace(match["text"], text, 1)
    if match["bang"]:
        return ""
    return f"[{text}]" if text.isdecimal() else text


def _spaced(match: re.Match[str], replacement: str) -> str:
    if replacement == match[0]:
        return replacement
    before = match.string[match.start() - 1 : match.start()]
    after = replacement[:1] or match.string[match.end() : match.end() + 1]
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
    return LEFT_OUT + found[len(found.rstrip(TRAILING)) :]


def _is_kept(address: str, kept: frozenset[str]) -> bool:
    return not is_active(address) and canonical(address) in kept
