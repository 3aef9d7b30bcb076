"""Components and shortcodes: marks that are not HTML's, and what of them a reader sees."""

import re
from collections.abc import Iterator, Mapping

from rag.text.urls import is_external_url

# What people write for readers in attributes; the others are addresses, names of icons, sizes, switches.
_SHOWN = (
    "title",
    "label",
    "text",
    "header",
    "heading",
    "subtitle",
    "caption",
    "summary",
    "description",
    "tooltip",
    "alt",
    "content",
)
_TAB = re.compile(r"tab(?!s\Z|le)", re.IGNORECASE)
_NAMES_OF_TABS = ("tab", "name", "value")
BUILT_IN = frozenset(("badge", "clientonly", "client-only"))
"""Components of VitePress and VuePress that stand between words, in lower case; others are known by how they stand."""

_UNSEEN = frozenset(
    "align as class classname color context height href icon id key kind lang layout level link loading mode name "
    "position ref rel role size slot src srcset style target theme to type url value variant vertical width".split()
)
_SWITCH = re.compile(r"true|false|null|undefined|#[0-9a-fA-F]{3,8}|\s*")
_NUMBER = re.compile(r"[\d\s.,]*(?:px|r?em|%)?")
_TITLED = frozenset(
    "accordion admonition alert badge button callout caution card danger details example expand hint important info "
    "note notice question section spoiler step success summary tab tabitem tip tooltip warning".split()
)
_BETWEEN_WORDS = frozenset(("badge", "button", "spoiler", "tooltip"))
_OF_AN_API = re.compile(r"(?:swagger|api-method|openapi)(?:-[\w-]+)?")
_ADDRESSES = ("href", "to", "link", "url")
_ARGUMENT = re.compile(r"""(?:([\w:.-]+)\s*=\s*)?(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|`([^`]*)`|([^\s"'`=]+))""")


def shown_attributes(name: str, attributes: Mapping[str, str]) -> list[str]:
    """Return the values of a component's attributes that are text for a reader. A tab without a label shows its name.

    >>> shown_attributes("TabItem", {"value": "ubuntu", "label": "Ubuntu 24.04"})
    ['Ubuntu 24.04']
    """
    shown = [attributes[each].strip() for each in _SHOWN if attributes.get(each, "").strip()]
    names = [attributes[each].strip() for each in _NAMES_OF_TABS if attributes.get(each, "").strip()]
    return shown or (names[:1] if _TAB.search(name) else [])


def visible_strings(attributes: Mapping[str, str], *, with_numbers: bool = False) -> str:
    """Return what a reader sees of an element without content and title: its attributes that are words.

    Left out are names, addresses and looks (`id`, `name`, `src`, `style`, `type` …), switches, what has a `-` or `:` in
    its name and, unless `with_numbers`, numbers. `children` is how React calls the content.

    >>> visible_strings({"method": "get", "path": "/bookmarks", "context": "endpoint"})
    'get /bookmarks'
    """
    if attributes.get("children", "").strip():
        return attributes["children"].strip()
    words = (value.strip() for name, value in attributes.items() if name.isalpha() and name not in _UNSEEN)
    return " ".join(
        word for word in words if not _SWITCH.fullmatch(word) and (with_numbers or not _NUMBER.fullmatch(word))
    )


def shown_arguments(name: str, arguments: str) -> Iterator[str]:
    """Yield what a reader sees of a shortcode, such as `tab title="macOS"` or `admonition warning "小心"`.

    Named arguments count by their names. A quoted one without a name is shown if it reads as text, or if the shortcode
    is one of those that have a title.

    >>> list(shown_arguments("tab", '"macOS"')), list(shown_arguments("ref", '"install.md"'))
    (['macOS'], [])
    """
    named: dict[str, str] = {}
    for key, *quoted, bare in _ARGUMENT.findall(arguments):
        value = next(filter(None, quoted), "").replace('\\"', '"').strip()
        if key:
            named[key.lower()] = value or bare
        elif value and (name.lower() in _TITLED or " " in value or not value.isascii()):
            yield value
    yield from shown_attributes(name, named)
    if _OF_AN_API.fullmatch(name) and (words := " ".join(_words_of_api(named))):
        yield words


def _words_of_api(named: Mapping[str, str]) -> Iterator[str]:
    """Yield what GitBook says of a method or a parameter: `get`, `/users`, the name, the type; of a switch its name."""
    for name, value in named.items():
        if name not in (*_SHOWN, "src", "spec") and value != "false":
            yield name if value == "true" else value


def has_title_above(name: str) -> bool:
    """Return whether the title of a component or shortcode, such as `tab`, stands on a line above its content."""
    return name.lower().rpartition(".")[2] in _TITLED - _BETWEEN_WORDS


def outer_address(attributes: Mapping[str, str]) -> str:
    """Return the address that a component leads to if it is outside of the documents; otherwise "".

    >>> outer_address({"to": "https://x.cn/a"}), outer_address({"href": "/guide"})
    ('https://x.cn/a', '')
    """
    values = (attributes.get(name, "").strip() for name in _ADDRESSES)
    return next((value for value in values if is_external_url(value) and not re.search(r"[\s<>]", value)), "")


def argument(arguments: str, *names: str) -> str:
    """Return the value of the first named argument of these that there is, or ""."""
    values = named_arguments(arguments)
    return next((values[name] for name in names if values.get(name)), "")


def named_arguments(arguments: str) -> dict[str, str]:
    """Return the values of the arguments of a shortcode that have a name, by that in lower case."""
    return {key.lower(): next(filter(None, rest), "") for key, *rest in _ARGUMENT.findall(arguments) if key}
