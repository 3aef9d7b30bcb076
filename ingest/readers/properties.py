"""What a document's front matter says to a reader of the knowledge base, without the switches of publishing tools."""

import re
from collections.abc import Mapping

from ingest.readers.metadata_values import text_of
from rag.types import MetadataValue

# From the documentation of Hugo, Docusaurus, VitePress and VuePress, MkDocs-Material, Jekyll and Just the Docs,
# Obsidian and GitBook. A key that says something in other folders stays, such as `type`, `status`, `id` and `version`.
_PUBLISHING_KEYS = frozenset(
    """
    keywords draft published publish unlisted hidden headless pin listed
    layout template slug permalink url weight order nav pageclass bodyclass classes cssclass cssclasses
    build cascade markup menu menus outputs resources sitemap translationkey iscjklanguage titletemplate
    titlemeta displayedsidebar parsenumberprefixes customediturl editurl editlink lastupdated contributors
    navbar aside outline head footer prev next home search boost social comments rendermacros inherits readtime
    renderwithliquid excerptseparator redirectfrom redirectto parent grandparent haschildren hastoc
    authorprofile share math mathjax katex mermaid lang dir robots
    image images cover covery coverx thumbnail banner icon metalinks if excalidrawplugin kanbanplugin
    """.split()
)
_PUBLISHING_GROUPS = ("sidebar", "hide", "toc", "pagination", "nav")
# What programs write for programs, such as base64, a hash or a `data:` address: alone, or as one value of a mapping.
_UNREAD = re.compile(r"(?:[^;:]{1,100}: )?(?!https?://)[!-~]{201,}")
_DRAWING = re.compile(r"(?:[^\s;:][^;:]{0,99}: )?<svg\b.*?</svg>(?:; )?", re.DOTALL)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W_A-Za-z]+")


def properties_of(metadata: Mapping[str, MetadataValue]) -> list[tuple[str, str]]:
    """Return the properties that say something, as pairs of key and text, in their order.

    Left out are the title, which the document shows anyway, the keys of publishing tools, drawings, and values that are
    empty or have more than 200 characters of ASCII without white space; links stay.

    >>> properties_of({"title": "投影仪", "负责人": ["王芳", "李雷"], "可借用": True, "sidebar_position": 3})
    [('负责人', '王芳, 李雷'), ('可借用', 'true')]
    """
    texts = ((key, _text(value)) for key, value in metadata.items() if key != "title" and not _is_publishing(key))
    return [(key, text) for key, text in texts if text]


def _is_publishing(key: str) -> bool:
    """Return whether a key, written as `editLink`, `edit_link` or `edit-link`, is for a publishing tool."""
    words = [word.lower() for word in _WORD.findall(key)]
    return "".join(words) in _PUBLISHING_KEYS or (bool(words) and words[0] in _PUBLISHING_GROUPS)


def _text(value: MetadataValue) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    written = text_of(value)
    last = written.rfind("</svg>") + len("</svg>; ")  # behind it, each opening would be searched to the end of the text
    text = f"{_DRAWING.sub('', written[:last])}{written[last:]}".strip()
    # `metadata_value` writes a mapping as `key: value; key: value`.
    return "; ".join(part for part in text.split("; ") if not _UNREAD.fullmatch(part))
