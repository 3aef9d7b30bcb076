"""Which files git would ignore: `.gitignore` files as git reads them. pathspec translates the patterns."""

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
    """One line. It speaks of a name at any depth, or, `with_path`, of a path; if `negated`, it takes back."""

    pattern: GitIgnoreSpecPattern
    with_path: bool
    folders_only: bool
    negated: bool

    def matches(self, path: PurePosixPath, *, is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        # Git compares bytes: a `?` is one of them.
        result = self.pattern.match_file(os.fsencode(str(path) if self.with_path else path.name))
        # pathspec also matches what lies below a match, and marks it by this group; git asks about each folder first.
        return result is not None and not result.match.groupdict().get("ps_d")


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """A `.gitignore`: it speaks of what is below its own folder."""

    folder: PurePosixPath
    rules: tuple[_Rule, ...]


def parse_gitignore(folder: PurePosixPath, text: str) -> IgnoreRules:
    """The rules of the `.gitignore` in `folder`; as in git, a pattern that cannot be understood matches nothing."""
    rules = (_rule(line.removesuffix("\r")) for line in text.removeprefix("\ufeff").split("\n"))
    return IgnoreRules(folder, tuple(rule for rule in rules if rule))


def is_ignored(path: PurePosixPath, *, is_folder: bool, rules: Sequence[IgnoreRules]) -> bool:
    """True if git would pass this file or folder over, its parents not being ignored.

    `rules` are those of the folders above it, the outermost first: the last line that matches decides, and a folder
    further in over one further out.
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
        return None  # names do not end like that, and pathspec would strip it
    try:
        # With a slash in front it is not tried at each depth; a name is tried on names instead.
        pattern = GitIgnoreSpecPattern(f"/{glob.removeprefix('/')}".encode())
    except (GitIgnorePatternError, re.error):
        return None
    return _Rule(pattern, "/" in glob, line.endswith("/"), negated)
