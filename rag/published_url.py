"""Where passages are published: citations can lead there instead of to this service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from string import Formatter
from urllib.parse import quote, urlsplit

from rag.document_url import passage_url
from rag.types import Chunk

_PLACEHOLDERS = ("path", "source", "anchor", "line", "end_line", "commit")
_FRONT_MATTER = ("url", "permalink")
_OF_FOLDER = ("index", "_index", "readme")
_URL_CHARACTERS = ":/?#[]@!$&'*+,;=%~"
"""What a complete address may contain; parentheses and spaces would end it in Markdown."""


@dataclass(frozen=True, slots=True)
class PassageUrls:
    """Makes the addresses of passages by `url_template`, which `check_url_template` has accepted.

    `template` is that of the default knowledge base, `others` has those of the others, by name.
    """

    template: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def of(self, chunk: Chunk, lines: range = range(0)) -> str:
        """Return where a passage can be read: its page if that is published, otherwise the URL path on this service.

        `lines` are those quoted; by default they are those of the chunk.
        """
        return self.published(chunk, lines) or passage_url(chunk)

    def published(self, chunk: Chunk, lines: range = range(0)) -> str:
        """Return the address of the published page of a passage, "" if there is none."""
        for key in _FRONT_MATTER:
            if address := _web_address(chunk.metadata.get(key)):
                return f"{address}#{quote(chunk.anchor)}" if chunk.anchor and "#" not in address else address
        template = self.others.get(chunk.knowledge_base, self.template)
        if not template or ("{commit}" in template and not chunk.commit):
            return ""  # a folder, or a backup of one, has no commit
        lines = lines or range(chunk.start_line, chunk.end_line + 1)
        values = {"source": quote(chunk.source), "path": quote(_page_path(chunk.source)), "anchor": quote(chunk.anchor)}
        values["commit"] = quote(chunk.commit)
        return template.format(**values, line=lines[0], end_line=lines[-1]).removesuffix("#")


def check_url_template(template: str) -> str:
    """Return the template if it is "", or a web address with the known placeholders. Raises ValueError with the rule.

    >>> check_url_template("https://docs.example.com/{path}#{anchor}")
    'https://docs.example.com/{path}#{anchor}'
    """
    known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"has a brace that is no placeholder ({error}); there are {known}") from error
    names = [name for _, name, _, _ in parts if name is not None]
    for _, name, form, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or form or conversion):
            raise ValueError(f"has the unknown placeholder {{{name}}}; there are {known}")
    if template and not _web_address(template):
        raise ValueError("must begin with https:// or http:// and a host")
    if template and not {"path", "source"} & set(names):
        raise ValueError("must contain {path} or {source}, otherwise all documents have the same address")
    return template


def _page_path(source: str) -> str:
    """Return the path of the page that a site generator makes of a document.

    >>> _page_path("guide/setup.md"), _page_path("guide/index.md")
    ('guide/setup', 'guide/')
    """
    path = PurePosixPath(source).with_suffix("")
    return str(path) if path.name.lower() not in _OF_FOLDER else str(path)[: -len(path.name)]


def _web_address(value: object) -> str:
    """Return a value as an address if it is an absolute one of the web, else ""."""
    if not isinstance(value, str):
        return ""
    try:
        url = urlsplit(value.strip())
    except ValueError:
        return ""
    return quote(value.strip(), safe=_URL_CHARACTERS) if url.scheme in ("http", "https") and url.hostname else ""
