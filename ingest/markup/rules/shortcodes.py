"""Shortcodes of Hugo (`{{< … >}}`, `{{% … %}}`) and tags of Jekyll, Liquid and GitBook (`{% … %}`).

Where one stands between words, it is replaced by what a reader sees of it. `{{ name }}` is the value of a variable,
which only the generator knows: it stays as it is written.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from ingest.markup.components import argument, shown_arguments

# What a shortcode may contain; strings are bounded, and none contains another, so that a search stays short.
_STRING = r"\"(?:\\.|[^\"\\]){0,500}\""
SHORTCODE = re.compile(
    rf"\{{\{{(?P<kind>[<%])\s*(?P<closing>/?)\s*(?P<name>[\w./-]*)"
    rf"(?P<arguments>(?:[^>%\"`{{]|\{{(?!\{{)|{_STRING}|`[^`]{{0,500}}`|>(?!\}}\}})|%(?!\}}\}}))*)[>%]\}}\}}"
    rf"|\{{%-?\s*(?P<tag>/?[\w.-]*)(?P<words>(?:[^%\"'{{]|\{{(?!%)|{_STRING}|'[^']{{0,500}}'|%(?!\}}))*)%\}}"
    r"|\{\{/\*.*?\*/\}\}|\{#.*?#\}",
    re.DOTALL,
)
_COMMENTS = ("{{/*", "{#")
_ESCAPED = re.compile(r"\{\{(?P<open>[<%])/\*(?P<text>.*?)\*/(?P<close>[>%])\}\}", re.DOTALL)
_DESTINATION = re.compile(
    rf"\(\s*(?:[^()\s<>{{}}]*)(?P<code>{SHORTCODE.pattern}|\{{\{{[^{{}}\n]*\}}\}})(?P<rest>[^()\n]*)\)"
)
_REFERENCE = re.compile(r"""["'`]?([^\s"'`]+)""")


def use_shortcodes(parser: MarkdownIt) -> None:
    """Add the rules for shortcodes in a paragraph and in the address of a link."""
    parser.inline.ruler.before("link", "shortcode", _shortcode)
    parser.inline.ruler.before("shortcode", "shortcode_link", _link)


def shortcode_of(found: re.Match[str]) -> tuple[str, str]:
    """Return the name of a shortcode in lower case, "" at its end, and its arguments."""
    if found["kind"]:
        return ("end" if found["closing"] else found["name"].lower()), found["arguments"]
    return (found["tag"] or "").lower(), found["words"] or ""


def is_comment(found: re.Match[str]) -> bool:
    """Return whether the match is a comment, which nobody sees."""
    return found[0].startswith(_COMMENTS)


def _shortcode(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{" or state.src[state.pos + 1 : state.pos + 2] not in ("{", "%"):
        return False
    if state.html_terminator_last("}") < state.pos + 3:
        return False
    if escaped := _ESCAPED.match(state.src, state.pos, state.posMax):
        text = f"{{{{{escaped['open']}{escaped['text']}{escaped['close']}}}}}"
        return _take(state, escaped, text, silent=silent)
    found = SHORTCODE.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    name, arguments = shortcode_of(found)
    return _take(state, found, " ".join(shown_arguments(name, arguments)), silent=silent)


def _take(state: StateInline, found: re.Match[str], text: str, *, silent: bool) -> bool:
    if not silent:
        state.append_pending(text)
    state.pos = found.end()
    return True


def _link(state: StateInline, silent: bool) -> bool:
    """Read `[text]({{< ref "page.md" >}})`, whose address has spaces that CommonMark does not allow."""
    if state.src[state.pos] != "[" or state.html_terminator_last("}") < state.pos:
        return False
    label_end = state.md.helpers.parseLinkLabel(state, state.pos, True)
    if label_end < 0:
        return False
    found = _DESTINATION.match(state.src, label_end + 1, state.posMax)
    if not found:
        return False
    if not silent:
        label_start, last = state.pos + 1, state.posMax
        state.pos, state.posMax = label_start, label_end
        state.push("link_open", "a", 1).attrs = {"href": _address(found)}
        state.linkLevel += 1
        state.md.inline.tokenize(state)
        state.linkLevel -= 1
        state.push("link_close", "a", -1)
        state.posMax = last
    state.pos = found.end()
    return True


def _address(found: re.Match[str]) -> str:
    code = SHORTCODE.match(found["code"])
    if not code:
        return ""
    name, arguments = shortcode_of(code)
    if name not in ("ref", "relref", "link", "post_url"):
        return ""
    reference = _REFERENCE.search(arguments)
    return argument(arguments, "path") or (reference[1] if reference else "")
