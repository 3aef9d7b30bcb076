"""Shortcodes of Hugo (`{{< … >}}`, `{{% … %}}`) and tags of Jekyll, Liquid and GitBook (`{% … %}`).

Where one stands between words, it is replaced by what a reader sees of it. `{{ name }}` is the value of a variable,
which only the generator knows: it stays as it is written.
"""

import re
from collections.abc import Collection

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, backtick

from ingest.markup.components import argument, named_arguments, outer_address, shown_arguments, visible_strings
from ingest.markup.rules.links import push_link
from ingest.markup.rules.shortcode_tokens import linked_html, write_shortcode

# What a shortcode may contain; strings are bounded, and none contains another, so that a search stays short.
_STRING = r"\"(?:\\.|[^\"\\]){0,500}\""
_MARK = (
    rf"\{{\{{(?P<kind>[<%])\s*(?P<closing>/?)\s*(?P<name>[\w./-]*)"
    rf"(?P<arguments>(?:[^>%\"`{{]|\{{(?!\{{)|{_STRING}|`[^`]{{0,500}}`|>(?!\}}\}})|%(?!\}}\}}))*)[>%]\}}\}}"
    rf"|\{{%-?\s*(?P<tag>/?[\w.-]*)(?P<words>(?:[^%\"'{{]|\{{(?!%)|{_STRING}|'[^']{{0,500}}'|%(?!\}}))*)%\}}"
)
SHORTCODE = re.compile(rf"{_MARK}|\{{\{{/\*.*?\*/\}}\}}|\{{#.*?#\}}", re.DOTALL)
_IN_HTML = re.compile(_MARK)
"""It leaves comments out: in a large block of HTML, the search for their ends would take too long."""
_COMMENTS = ("{{/*", "{#")
_ESCAPED = re.compile(r"\{\{(?P<open>[<%])/\*(?P<text>.*?)\*/(?P<close>[>%])\}\}", re.DOTALL)
_CODE = re.compile(r"(<(script|pre|style|textarea|code)\b.*?(?:</\2\s*>|\Z))", re.DOTALL | re.IGNORECASE)
_RAW = re.compile(r"\{%-? ?raw ?-?%\}(?P<text>.{0,500}?)\{%-? ?endraw ?-?%\}", re.DOTALL)
_DESTINATION = re.compile(
    rf"\(\s*(?:[^()\s<>{{}}]*)(?P<code>{SHORTCODE.pattern}|\{{\{{[^{{}}\n]*\}}\}})(?P<rest>[^()\n]*)\)"
)
_TAG = re.compile(rf"<(?:a|img|source|iframe|video)\s[^<>{{}}\n]*=\s*[\"']?(?:{_MARK})[^<>{{}}\n]*>", re.IGNORECASE)
"""A tag with a shortcode in one of its attributes, which CommonMark takes for text because of the quotes in it."""
_REFERENCE = re.compile(r"""["'`]?([^\s"'`]+)""")
_BEFORE_VALUES = ('="', "='", "=")
_CLOSING = re.compile(r"\{\{[<%]\s*/\s*([\w./-]+)")
_FILES = ("file", "page", "path")
_REFERENCES = ("ref", "relref", "link", "post_url")
_INCLUDES = ("include", "render")
_WRITTEN_ABOUT = frozenset("details figure gist highlight instagram param qr ref relref tweet vimeo x youtube".split())
"""The shortcodes of Hugo itself: in a code span they are rather shown than used."""


def use_shortcodes(parser: MarkdownIt) -> None:
    """Add the rules for shortcodes in a paragraph and in the address of a link."""
    parser.inline.ruler.before("link", "shortcode", _shortcode)
    parser.inline.ruler.before("shortcode", "shortcode_link", _link)
    parser.inline.ruler.before("html_inline", "shortcode_tag", _tag)
    parser.inline.ruler.at("backticks", _code_span)


def shortcode_of(found: re.Match[str]) -> tuple[str, str]:
    """Return the name of a shortcode in lower case, "" at its end, and its arguments."""
    if found["kind"]:
        return ("end" if found["closing"] else found["name"].lower()), found["arguments"]
    return (found["tag"] or "").lower(), found["words"] or ""


def address_of(found: re.Match[str]) -> str:
    """Return the address outside of the documents that a shortcode leads to, "" if there is none."""
    name, arguments = shortcode_of(found)
    named = named_arguments(arguments)
    return outer_address({"href": named["src"], **named} if name == "file" and "src" in named else named)


def without_shortcodes(html: str) -> str:
    """Return HTML with what a reader sees of the shortcodes in it; in an attribute, that is an address.

    Code shows them, but for `{% raw %}`.
    """
    if "{" not in html:
        return html
    closed = frozenset(_CLOSING.findall(html))

    def shown(found: re.Match[str]) -> str:
        is_attribute = found.string.endswith(_BEFORE_VALUES, 0, found.start())
        text = _referred(found) if is_attribute else linked_html(_shown(found, closed), address_of(found))
        return text + "\n" * (found[0].count("\n") - text.count("\n"))

    parts = []
    position = 0
    for code in _CODE.finditer(html):
        parts += [_IN_HTML.sub(shown, html[position : code.start()]), _RAW.sub(_without_marks, code[0])]
        position = code.end()
    return "".join([*parts, _IN_HTML.sub(shown, html[position:])])


def is_comment(found: re.Match[str]) -> bool:
    """Return whether the match is a comment, which nobody sees."""
    return found[0].startswith(_COMMENTS)


def _shortcode(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{" or state.src[state.pos + 1 : state.pos + 2] not in ("{", "%"):
        return False
    if state.html_terminator_last("}") < state.pos + 3:
        return False
    if escaped := _ESCAPED.match(state.src, state.pos, state.posMax):
        return _take(state, escaped, _unescaped(escaped), silent=silent)
    found = SHORTCODE.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    text = _shown(found, _closed(state))
    write_shortcode(state, found, text, address_of(found), silent=silent)
    return True


def _tag(state: StateInline, silent: bool) -> bool:
    """Read a tag such as `<a href="{{< ref "page.md" >}}">`."""
    found = _TAG.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "<" else None
    if not found:
        return False
    if not silent:
        state.push("html_inline", "", 0).content = without_shortcodes(found[0])
    state.pos = found.end()
    return True


def _closed(state: StateInline) -> Collection[str]:
    """Return the names of the shortcodes that end in a paragraph, found once for all that begin there."""
    closed: Collection[str] | None = vars(state).get("closed_shortcodes")
    if closed is None:
        closed = vars(state)["closed_shortcodes"] = frozenset(_CLOSING.findall(state.src))
    return closed


def _shown(found: re.Match[str], closed: Collection[str]) -> str:
    """Return what a reader sees of a shortcode that stands between words.

    One of Hugo, or a file that Liquid includes, shows its arguments that are words or numbers, if it has neither
    content nor title. `closed` have content. Of a parameter of the site only the name is known.
    """
    name, arguments = shortcode_of(found)
    shown = " ".join(shown_arguments(name, arguments))
    if shown or name in ("", "end", *_REFERENCES) or found["name"] in closed:
        return shown
    if name == "param":
        return arguments.strip("\"'` ")
    if not found["kind"] and not name.startswith(_INCLUDES):
        return ""
    named = named_arguments(arguments).items()
    words = {key: value for key, value in named if key not in _FILES and "/" not in value}
    return visible_strings(words, with_numbers=True)


def _code_span(state: StateInline, silent: bool) -> bool:
    """Read code between backticks, in which Hugo and Jekyll replace shortcodes, too, before Markdown is read."""
    count = len(state.tokens)
    if not backtick(state, silent):
        return False
    for token in state.tokens[count:]:
        if token.type == "code_inline" and (bare := _RAW.sub(_without_marks, token.content)) != token.content:
            token.content = bare
        elif token.type == "code_inline" and "{{" in token.content:
            token.content = _ESCAPED.sub(_unescaped, SHORTCODE.sub(_shown_in_code, token.content))
    return True


def _without_marks(raw: re.Match[str]) -> str:
    """Return what `{% raw %}` protects; where it protects nothing, somebody writes about it."""
    return raw["text"] if "{" in raw["text"] else raw[0]


def _shown_in_code(found: re.Match[str]) -> str:
    is_used = found["kind"] and not found["closing"] and found["name"].lower() not in _WRITTEN_ABOUT
    return (is_used and _shown(found, ())) or found[0]


def _unescaped(escaped: re.Match[str]) -> str:
    return f"{{{{{escaped['open']}{escaped['text']}{escaped['close']}}}}}"


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
        push_link(state, state.pos + 1, label_end, _address(found))
    state.pos = found.end()
    return True


def _address(found: re.Match[str]) -> str:
    code = SHORTCODE.match(found["code"])
    return _referred(code) if code else ""


def _referred(code: re.Match[str]) -> str:
    """Return the address of the page that a shortcode refers to, "" for one that does not."""
    name, arguments = shortcode_of(code)
    if name not in _REFERENCES:
        return ""
    reference = _REFERENCE.search(arguments)
    return argument(arguments, "path") or (reference[1] if reference else "")
