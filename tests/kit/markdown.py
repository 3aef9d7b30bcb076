"""A Markdown file of the repository as the tests of the documents see it: code blocks, tables, commands, links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, pairwise
from pathlib import Path
from urllib.parse import urlsplit

from ingest.chunking.slugs import slug
from tests.kit.paths import ROOT

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Za-z_]+=")


@dataclass(frozen=True, slots=True)
class Call:
    """A `curl` line: the method and path it calls, and the body it sends, "" for none."""

    method: str
    path: str
    body: str


@dataclass(frozen=True)
class MarkdownFile:
    """`name` is the path below the root of the repository."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @property
    def may_name_what_is_new(self) -> bool:
        """Whether the page is on extending zhiwen: it names modules and commands that its reader will write."""
        return self.name.startswith("docs/extending/")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCED.sub("", self.text)

    @property
    def headings(self) -> list[str]:
        return _HEADING.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What a link can name behind `#`."""
        return {slug(heading.lstrip("#")) for heading in self.headings}

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @property
    def codes(self) -> list[str]:
        """The inline code."""
        return _INLINE.findall(self.prose)

    def blocks(self, language: str) -> list[str]:
        """The code blocks in a language."""
        return [block for found, block in _FENCED.findall(self.text) if found == language]

    def table_rows(self) -> Iterator[list[str]]:
        """The cells of each row of each table, headers included."""
        for line in self.prose.splitlines():
            if line.startswith("| "):
                yield [cell.strip() for cell in line.strip().strip("|").split("|")]

    def coded_rows(self) -> list[list[str]]:
        """The inline code of each row of each table."""
        return [_INLINE.findall(" ".join(row)) for row in self.table_rows()]

    def shell_lines(self) -> list[list[str]]:
        """The lines of the shell blocks as words, without comments."""
        lines = [shlex.split(line, comments=True) for block in self.blocks("sh") for line in block.splitlines()]
        return [line for line in lines if line]

    def assignments(self) -> Iterator[tuple[str, str]]:
        """Each variable that is given a value, in shell blocks and in the prose, with the value."""
        words = [word for line in self.shell_lines() for word in line]
        for word in (*words, *self.codes):
            name, separator, value = word.partition("=")
            if separator and re.fullmatch(r"[A-Z_]+", name):
                yield name, value

    def command_lines(self, command: str) -> list[list[str]]:
        """The arguments of each use of a command, in shell blocks and in the prose."""
        inline = [shlex.split(code) for code in self.codes if code.startswith(f"{command} ")]
        lines = [_in_container(line) for line in (*self.shell_lines(), *inline)]
        lines = [list(dropwhile(_ASSIGNMENT.match, line)) for line in lines]
        return [line[1:] for line in lines if line[:1] == [command]]

    def curl_calls(self) -> list[Call]:
        """Each call of the HTTP API that a `curl` line makes."""
        calls = []
        for line in self.command_lines("curl"):
            options = dict(pairwise(line))
            address = next(word for word in line if word.startswith("localhost"))
            body = options.get("-d", "")
            method = options.get("-X", "POST" if body else "GET")
            calls.append(Call(method, urlsplit(f"//{address}").path, body))
        return calls


def files_in(folder: str) -> list[MarkdownFile]:
    """The Markdown files of a folder and the folders below it, by name."""
    return [MarkdownFile(path.relative_to(ROOT).as_posix()) for path in sorted((ROOT / folder).rglob("*.md"))]


READMES = (MarkdownFile("README.md"), MarkdownFile("README.zh-CN.md"))
GUIDES = files_in("docs/guides")
DOCUMENTS = [
    *READMES,
    *(MarkdownFile(name) for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "bench/README.md")),
    *files_in("docs"),
]
"""Everything that people read."""
TRANSLATIONS = [READMES] + [
    (guide, MarkdownFile(guide.name.removesuffix(".md") + ".zh-CN.md"))
    for guide in GUIDES
    if not guide.name.endswith(".zh-CN.md")
]
"""Each page that there is in both languages: the English one, then the Chinese one."""


def guide(topic: str) -> tuple[MarkdownFile, MarkdownFile]:
    """A guide in English and in Chinese."""
    return MarkdownFile(f"docs/guides/{topic}.md"), MarkdownFile(f"docs/guides/{topic}.zh-CN.md")


def _in_container(line: list[str]) -> list[str]:
    """`docker compose run … zhiwen keys new` is `zhiwen keys new`, because that is what the image starts.

    With `exec`, the name of the service comes before the whole command.
    """
    match line[:3]:
        case ["docker", "compose", "run"]:
            return line[line.index("zhiwen") :]
        case ["docker", "compose", "exec"]:
            return line[line.index("zhiwen") + 1 :]
        case _:
            return line
