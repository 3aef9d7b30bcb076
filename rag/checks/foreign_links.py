"""Remove links, images and HTML from a line of an answer, except for links to addresses that a cited passage has.

A prompt injection can make a model write an address that leaks what the model was told (`https://…/?q=…`), so an
address stays only if a passage that the answer cites has it, and is written as it stands there. Images never stay,
because browsers load them without a click.
"""

import re
import unicodedata
from collections.abc import Mapping
from itertools import takewhile

from rag.text.character_references import REFERENCE_PATTERN, read_reference
from rag.text.code_spans import CodeState, SpanEnds
from rag.text.raised_text import SCRIPT, write_script
from rag.text.urls import (
    HOST_PATTERN,
    URL_PATTERN,
    canonical_url,
    is_active_url,
    whole_word,
    without_punctuation,
)

LEFT_OUT = "…"
"""Replaces a foreign address."""

# A line can be as long as the answer, so every pattern must take linear time. `?+` decides once whether a bracket in
# the text of a link is itself a link: trying both for each of n brackets would take 2ⁿ steps. `SpanEnds` finds the ends
# of code and comments, because a pattern would scan the rest of the line at each beginning.
_BRACKETED = r"(?:[^\[\]\n]|\[[^\[\]\n]*\](?:\([^()\n]*\))?+)*"
# Markdown ends an address at the blanks of ASCII only.
_POINTING = r"[^\x00-\x20\x7f/.:#\\]*+[/.:#\\]"
_TARGET = (
    rf"(?={_POINTING})[^\x00-\x20\x7f]*+(?=[ \t]*(?:[\"'(].*)?$)"
    rf"|{_POINTING}[^\x00-\x20\x7f]*(?=[\"'(])"
)
_CONSTRUCT = re.compile(
    r"(?<![`\\])(?P<backticks>`+)"
    rf"|(?P<link>(?P<bang>!?)\[(?P<text>{_BRACKETED})\]\((?P<destination>(?:[^()\n]|\([^()\n]*\))*)(?:\)|$))"
    rf"|(?P<definition>^(?P<label> {{0,3}}\[[^\]\n]+\]:[ \t]*)(?P<target>{_TARGET}))"
    r"|<(?P<autolink>[A-Za-z][A-Za-z0-9+.-]*:[^<> \t\n]*|[^<> \t\n@]+@[^<> \t\n@]+)>"
    rf"|(?P<exponent>{SCRIPT.pattern})"
    r"|(?P<tag><[!?/]?(?P<element>[A-Za-z][A-Za-z0-9]*)[^<>\n]*>)"
    r"|(?P<opening><!--|<!\[CDATA\[|<\?)"
    # These may continue on the next line, or refer to an address elsewhere.
    r"|(?P<unfinished><(?=[A-Za-z/!?])|\](?=\(|:[ \t]*$)|!(?=\[))"
    rf"|(?P<address>{URL_PATTERN.pattern})"
    rf"|(?P<host>(?i:{HOST_PATTERN.pattern}))"
    rf"|(?P<reference>{REFERENCE_PATTERN.pattern})"
)
_OF_CONSTRUCTS = re.compile(r"[`\[\]<&.:/\\@]")
"""One of these is in every construct."""
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

_TAIL = re.compile(r"\)?\*{0,3}\)?[.,!?]?")
"""A bracket, the end of emphasis and a mark of punctuation: what may follow an address without a space."""

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]{2}")
_MAX_PASSES = 8
_PUNCTUATION = re.compile(r"[!-/:-@\[-_{-~]")
"""All of ASCII but backticks, which may belong to a code span that has begun before."""

# Characters that could join to an address or to markup if what is between them is removed.
_LEFT_EDGE = re.compile(r"[A-Za-z0-9+.\-:/<\[\]!?\\_~@=]")
_RIGHT_EDGE = re.compile(r"[A-Za-z0-9/:.\[(!?\\_~@<-]")


def remove_foreign_links(line: str, allowed: Mapping[str, str], state: CodeState) -> str:
    """Return the line without foreign links, images and HTML.

    `allowed` has the addresses that may stay, as `find_spellings` returns them; `state` is the state before the line.
    A foreign link becomes its text, a foreign address `…`, and the name of a foreign host code; images are removed, and
    so is HTML outside of code. This repeats until nothing changes, so that no link can arise from what is left; of a
    line that is made to change again and again, only words stay.
    """
    if not _OF_CONSTRUCTS.search(line):
        return line
    after = state.after(line)
    is_code = bool(state.fence) and after.trusts_code
    original = line
    for _ in range(_MAX_PASSES):
        clean = _clean_code(line, allowed) if is_code else _clean_once(line, allowed, after)
        if clean == line:
            return line
        line = clean
    pairs = zip(original, line, strict=False)
    unchanged = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return f"{line[:unchanged]} {_PUNCTUATION.sub(' ', line[unchanged:])}"


def _clean_once(line: str, allowed: Mapping[str, str], after: CodeState) -> str:
    ends = SpanEnds(line)
    clean, done, position = [], 0, 0
    while match := _CONSTRUCT.search(line, position):
        start, end = match.span()
        if match["backticks"]:
            position = ends.end_of_code(match) if after.trusts_code else -1
            if position < 0:
                position = end  # no code span, only backticks
                continue
            end = position
            replacement = _clean_code(line[start:end], allowed)
        elif match["opening"]:
            end = ends.end_of_markup(match)
            replacement = "" if end > 0 else "< "
            end = end if end > 0 else start + 1
        elif match["address"] or match["host"]:
            # Backticks would turn the beginning of a code block into something else.
            can_be_code = bool(match["host"]) and after.trusts_code and not after.fence
            replacement = _clean_address(line, match, allowed, can_be_code=can_be_code)
        else:
            replacement = _replacement(match, allowed)
        if not match["reference"]:
            replacement = _keep_apart(line, start, end, replacement)
        clean += [line[done:start], replacement]
        done = position = end
    return "".join([*clean, line[done:]])


def _replacement(match: re.Match[str], allowed: Mapping[str, str]) -> str:
    match match.lastgroup:
        case "unfinished":
            return f"{match[0]} "
        case "reference":
            return read_reference(match[0])
        case "exponent":
            return write_script(match["script"], match["raised"])
        case "tag":
            return match[0] if _is_placeholder(match) else ""
        case "autolink" | "definition":
            spelling = _spelling(match["autolink"] or match["target"], allowed)
            can_be_autolink = match["autolink"] and re.search("[:@]", spelling)
            return (match["label"] or "") + (f"<{spelling}>" if can_be_autolink else spelling or LEFT_OUT)
        case _:
            return _clean_link(match, allowed)


def _is_placeholder(tag: re.Match[str]) -> bool:
    """Return whether a tag is just text, such as `<your-name>` or `<String>`; `<example.com/>` is an address."""
    is_unknown = bool(tag["element"]) and tag["element"].lower() not in _ELEMENTS
    is_address = URL_PATTERN.search(tag[0]) or HOST_PATTERN.search(tag[0])
    return is_unknown and not tag[0].startswith(("<!", "<?")) and not set(tag[0]) & {"=", "&"} and not is_address


def _clean_link(link: re.Match[str], allowed: Mapping[str, str]) -> str:
    if link["bang"]:
        return ""
    text = remove_foreign_links(link["text"], allowed, CodeState(trusts_code=False))
    if spelling := _spelling(_address_of(link["destination"]), allowed):
        return f"[{text}](<{spelling}>)" if "(" in spelling else f"[{text}]({spelling})"
    # `[1](https://…)` is a citation marker with an address behind it; only the marker stays.
    return f"[{text}]" if text.isdecimal() else text


def _address_of(destination: str) -> str:
    """Return the address in the parentheses of a link, which may also hold a title."""
    destination = destination.strip()
    if destination.startswith("<"):
        return destination[1:].partition(">")[0]
    return destination.split()[0] if destination else ""


def _clean_code(text: str, allowed: Mapping[str, str]) -> str:
    """Return code without foreign addresses. Nothing makes links of what follows them, or of hosts."""

    def clean(match: re.Match[str]) -> str:
        address = without_punctuation(match[0])
        return (_spelling(address, allowed) or LEFT_OUT) + match[0][len(address) :]

    return URL_PATTERN.sub(clean, text)


def _clean_address(line: str, match: re.Match[str], allowed: Mapping[str, str], *, can_be_code: bool) -> str:
    """Return a bare address or host, with a space where a program could take more for a part of it."""
    start, end = match.span()
    address = without_punctuation(match[0])
    tail = match[0][len(address) :]
    spelling = _spelling(address, allowed)
    if not spelling:
        beside = line[start - 1 : start] + line[start + len(address) : start + len(address) + 1]
        return (f"`{address}`" if can_be_code and not set(beside) & {"`", "\\"} else LEFT_OUT) + tail
    space = " " if _can_lengthen_host(line[start - 1 : start]) and not _HAS_SCHEME.match(spelling) else ""
    is_before_tag = bool(tail) and line.startswith("<", end)
    if spelling == address and whole_word(line, start) in allowed and not is_before_tag:
        return space + match[0]  # in the passage, too, this follows
    if is_before_tag or not _TAIL.fullmatch(tail):
        return f"{space}{spelling} {tail}"
    return space + spelling + tail + (" " if re.match(r"[^ \t\r\n<]", line[end : end + 1]) else "")


def _can_lengthen_host(char: str) -> bool:
    """Return whether a program may take a character before a host for a part of it: any but blanks and punctuation."""
    return char == "." or (bool(char) and unicodedata.category(char)[0] not in "PZC")


def _spelling(address: str, allowed: Mapping[str, str]) -> str:
    """Return the address as a cited passage spells it, "" if none has it."""
    if is_active_url(address):
        return ""
    return allowed.get(address) or allowed.get(canonical_url(address), "")


def _keep_apart(line: str, start: int, end: int, replacement: str) -> str:
    """Return the replacement, after a space if the text on both sides could otherwise join to a new link."""
    if replacement == line[start:end]:
        return replacement
    before = line[start - 1 : start]
    after = replacement[:1] or line[end : end + 1]
    return f" {replacement}" if _LEFT_EDGE.match(before) and _RIGHT_EDGE.match(after) else replacement
