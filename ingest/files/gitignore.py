"""The rules of `.gitignore` files, applied as git does. pathspec translates the patterns."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_TRAILING_SPACES = re.compile(r"(?<!\\) +$")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of the file: a pattern for names at any depth or, `with_path`, for paths. `negated` includes again."""

    pattern: GitIgnoreSpecPattern
    with_path: bool
    folders_only: bool
    negated: bool

    def matches(self, path: PurePosixPath, *, is_folder: bool) -> bool:
        """Return whether the line is about `path`, which is relative to the folder of the `.gitignore`."""
        if self.folders_only and not is_folder:
            return False
        # git compares bytes: a `?` matches one byte.
        result = self.pattern.match_file(os.fsencode(str(path) if self.with_path else path.name))
        # pathspec also matches paths below a match and marks them by this group; git checks each folder first.
        return result is not None and not result.match.groupdict().get("ps_d")


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The lines of a `.gitignore`, which apply to everything below its `folder`."""

    folder: PurePosixPath
    rules: tuple[_Rule, ...]


def parse_gitignore(folder: PurePosixPath, text: str) -> IgnoreRules:
    """Return the rules of the `.gitignore` in `folder`. As in git, an invalid pattern matches nothing.

    Bytes that are no text are surrogates, as in the names of files.
    """
    rules = (_rule(line.removesuffix("\r")) for line in text.removeprefix("\ufeff").split("\n"))
    return IgnoreRules(folder, tuple(rule for rule in rules if rule))


def is_ignored(path: PurePosixPath, *, is_folder: bool, rules: Sequence[IgnoreRules]) -> bool:
    """Return whether git would ignore this file or folder, if none of its parents is ignored.

    `rules` are those of the folders above it, outermost first. The last matching line of the innermost folder decides.
    """
    for file in reversed(rules):
        below = path.relative_to(file.folder)
        for rule in reversed(file.rules):
            if rule.matches(below, is_folder=is_folder):
                return not rule.negated
    return False


def _rule(line: str) -> _Rule | None:
    line = _TRAILING_SPACES.sub("", line)
    if line.startswith("#"):
        return None
    negated = line.startswith("!")
    glob = line.removeprefix("!").removesuffix("/")
    if not glob or glob.endswith(("\t", "\r", "\v", "\f")):
        return None  # pathspec would strip these characters, and names do not end with them
    try:
        # A leading slash stops pathspec from trying each depth; `matches` tries a name on names instead.
        pattern = GitIgnoreSpecPattern(f"/{glob.removeprefix('/')}".encode("utf-8", "surrogateescape"))
    except (GitIgnorePatternError, re.error):
        return None
    return _Rule(pattern, "/" in glob, line.endswith("/"), negated)
