"""Which files of the folder are wanted: `knowledge.include` and `knowledge.exclude`."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from pathspec import GitIgnoreSpec

_SUFFIX = re.compile(r"\.([A-Za-z0-9]+)$")


class Selection:
    """The patterns of gitignore that say what is included and what is excluded.

    The suffix at the end of a pattern matches in any case: `*.md` is also about `README.MD`. Paths are relative to the
    root, in NFC.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str] = ()) -> None:
        self._included = GitIgnoreSpec.from_lines(_with_suffix_in_any_case(line) for line in include)
        self._excluded = GitIgnoreSpec.from_lines(_with_suffix_in_any_case(line) for line in exclude)
        self._suffixes = {PurePosixPath(line).suffix.lower() for line in include}
        # A later pattern can take back a file of a folder that an earlier one excludes, so it has to be looked into.
        self._prunes = not any(line.startswith("!") for line in exclude)

    def includes(self, path: str) -> bool:
        """Return whether `include` names a file."""
        return self._included.match_file(path)

    def excludes(self, path: str, *, is_folder: bool = False) -> bool:
        """Return whether `exclude` names a file, or a folder and with it everything below."""
        return bool(self._excluded) and self._excluded.match_file(f"{path}/" if is_folder else path)

    def prunes(self, folder: str) -> bool:
        """Return whether nothing below a folder can be wanted, so that it need not be opened."""
        return self._prunes and self.excludes(folder, is_folder=True)

    def has_included_suffix(self, path: str) -> bool:
        """Return whether a pattern of `include` ends in the suffix of this file."""
        return PurePosixPath(path).suffix.lower() in self._suffixes


def _with_suffix_in_any_case(pattern: str) -> str:
    """Return the pattern with a class of two letters for each letter of its suffix.

    >>> _with_suffix_in_any_case("guides/*.md")
    'guides/*.[mM][dD]'
    """
    return _SUFFIX.sub(lambda found: "." + "".join(map(_in_any_case, found[1])), pattern.rstrip())


def _in_any_case(char: str) -> str:
    return f"[{char.lower()}{char.upper()}]" if char.isalpha() else char
