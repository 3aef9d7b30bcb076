"""Remove links, images and HTML from a line of an answer, except for addresses that a cited passage has.

A prompt injection can make a model write an address that leaks what the model was told (`![](https://…/?q=…)`), and
browsers load images without a click. So an address stays only if a passage that the answer cites has the same address.
"""

import re

from rag.checks.code_spans import CodeState, SpanEnds
from rag.text.raised_text import SCRIPT, write_script
from rag.text.urls import TRAILING_PUNCTUATION, URL_PATTERN, canonical_url, is_active_url

LEFT_OUT = "…"
"""Replaces a foreign address."""

# A line can be as long as the answer, so every pattern must take linear time. `?+` decides once whether a bracket in
# the text of a link is itself a link: trying both for each of n brackets would take 2ⁿ steps. `SpanEnds` finds the ends
# of code and comments, because a pattern would scan the rest of the line at each beginning.
_BRACKETED = r"(?:[^\[\]\n]|\[[^\[\]\n]*\](?:\([^()\n]*\))?+)*"
_POINTING = r"[^\s/.:#\\]*+[/.:#\\]"
_TARGET = rf"(?={_POINTING})\S*+(?=[ \t]*(?:[\"'(].*)?$)|{_POINTING}\S*(?=[\"'(])"
_CONSTRUCT = re.compile(
    r"(?<![`\\])(?P<backticks>`+)"
    rf"|(?P<link>(?P<bang>!?)\[(?P<text>{_BRACKETED})\]\((?P<destination>(?:[^()\n]|\([^()\n]*\))*)(?:\)|$))"
    rf"|(?P<definition>^(?P<label> {{0,3}}\[[^\]\n]+\]:[ \t]*)(?P<target>{_TARGET}))"
    r"|<(?P<autolink>[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*)>"
    rf"|(?P<exponent>{SCRIPT.pattern})"
    r"|(?P<tag><[!?/]?(?P<element>[A-Za-z][A-Za-z0-9]*)[^<>\n]*>)"
    r"|(?P<opening><!--|<!\[CDATA\[|<\?)"
    # These may continue on the next line.
    r"|(?P<unfinished><(?=[A-Za-z/!?])|\](?=\(|:[ \t]*$))"
    rf"|(?P<address>{URL_PATTERN.pattern})"
)
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

# Characters that could join to an address or to markup if what is between them is removed.
_LEFT_EDGE = re.compile(r"[A-Za-z0-9+.\-:/<\[\]!?\\_~@=]")
_RIGHT_EDGE = re.compile(r"[A-Za-z0-9/:.\[(!?\\_~@<-]")


def remove_foreign_links(line: str, allowed: frozenset[str], state: CodeState) -> str:
    """Return the line without foreign links, images and HTML.

    `allowed` has the canonical addresses that may stay; `state` is the state before the line. A foreign link becomes
    its text, a foreign address `…`; foreign images are removed, and so is HTML outside of code. This repeats until
    nothing changes, so that no link can arise from what is left.
    """
    trusts_code = state.after(line).trusts_code
    while True:
        if state.fence and trusts_code:
            clean = _replace_addresses(line, allowed)
        else:
            clean = _clean_once(line, allowed, trusts_code=trusts_code)
        if clean == line:
            return line
        line = clean


def _clean_once(line: str, allowed: frozenset[str], *, trusts_code: bool) -> str:
    ends = SpanEnds(line)
    clean, done, position = [], 0, 0
    while match := _CONSTRUCT.search(line, position):
        start, end = match.span()
        if match["backticks"]:
            position = ends.end_of_code(match) if trusts_code else -1
            if position < 0:
                position = end  # no code span, only backticks
                continue
            end = position
            replacement = _replace_addresses(line[start:end], allowed)
        elif match["opening"]:
            end = ends.end_of_markup(match)
            replacement = "" if end > 0 else "< "
            end = end if end > 0 else start + 1
        else:
            replacement = _replacement(match, allowed)
        clean += [line[done:start], _keep_apart(line, start, end, replacement)]
        done = position = end
    return "".join([*clean, line[done:]])


def _replacement(match: re.Match[str], allowed: frozenset[str]) -> str:
    match match.lastgroup:
        case "address":
            return _clean_address(match[0], allowed)
        case "unfinished":
            return f"{match[0]} "
        case "exponent":
            return write_script(match["script"], match["raised"])
        case "tag":
            return match[0] if _is_placeholder(match) else ""
        case "autolink" | "definition":
            address = match["autolink"] or match["target"]
            return match[0] if _is_allowed(address, allowed) else (match["label"] or "") + LEFT_OUT
        case _:
            return _clean_link(match, allowed)


def _is_placeholder(tag: re.Match[str]) -> bool:
    """Return whether a tag is just text, such as `<your-name>` or `<String>`; `<example.com/>` is an address."""
    is_unknown = bool(tag["element"]) and tag["element"].lower() not in _ELEMENTS
    return is_unknown and "=" not in tag[0] and not URL_PATTERN.search(tag[0])


def _clean_link(link: re.Match[str], allowed: frozenset[str]) -> str:
    text = remove_foreign_links(link["text"], allowed, CodeState(trusts_code=False))
    if _is_allowed(_address_of(link["destination"]), allowed):
        return link[0].replace(link["text"], text, 1)
    if link["bang"]:
        return ""
    # `[1](https://…)` is a citation marker with an address behind it; only the marker stays.
    return f"[{text}]" if text.isdecimal() else text


def _address_of(destination: str) -> str:
    """Return the address in the parentheses of a link, which may also hold a title."""
    destination = destination.strip()
    if destination.startswith("<"):
        return destination[1:].partition(">")[0]
    return destination.split()[0] if destination else ""


def _replace_addresses(text: str, allowed: frozenset[str]) -> str:
    return URL_PATTERN.sub(lambda match: _clean_address(match[0], allowed), text)


def _clean_address(address: str, allowed: frozenset[str]) -> str:
    if _is_allowed(address, allowed):
        return address
    return LEFT_OUT + address[len(address.rstrip(TRAILING_PUNCTUATION)) :]


def _is_allowed(address: str, allowed: frozenset[str]) -> bool:
    return not is_active_url(address) and canonical_url(address) in allowed


def _keep_apart(line: str, start: int, end: int, replacement: str) -> str:
    """Return the replacement, after a space if the text on both sides could otherwise join to a new link."""
    if replacement == line[start:end]:
        return replacement
    before = line[start - 1 : start]
    after = replacement[:1] or line[end : end + 1]
    return f" {replacement}" if _LEFT_EDGE.match(before) and _RIGHT_EDGE.match(after) else replacement
