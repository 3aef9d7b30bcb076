"""The `.gitignore` files that are about a folder: those in it and, in a git repository, those above it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ingest.files.confined import read_below
from ingest.files.gitignore import IgnoreRules, is_ignored, parse_gitignore
from ingest.readers.encoding import decode
from rag.errors import DocumentError

GITIGNORE = ".gitignore"
_EXCLUDE = PurePosixPath(".git/info/exclude")
_MAX_BYTES = 1024 * 1024


class IgnoreFiles:
    """Reads each `.gitignore` once, when something in its folder is asked for.

    In a git repository, the rules of `.git/info/exclude` and of the folders from the repository's root down to the
    knowledge folder hold as well. Only what is below the knowledge folder is judged: whoever names a folder that git
    ignores means it. `on_problem` gets the path of a file that cannot be read, relative to `root`, and why; the rules
    of the others hold without it.
    """

    def __init__(self, root: Path, on_problem: Callable[[PurePosixPath, str], object]) -> None:
        self._root = Path(os.path.realpath(root))
        self._on_problem = on_problem
        self._repository = _repository_of(self._root)
        # Rules are relative to the repository's root, and so is what they are asked about.
        self._prefix = PurePosixPath(self._root.relative_to(self._repository))
        self._rules: dict[PurePosixPath, tuple[IgnoreRules, ...]] = {}

    def leave_out(self, place: PurePosixPath, *, is_folder: bool) -> bool:
        """Return whether git would ignore a file or folder below the root, if none of its parents is ignored."""
        path = self._prefix / place
        return is_ignored(path, is_folder=is_folder, rules=self._rules_for(path.parent))

    def leave_out_anywhere(self, place: PurePosixPath, *, is_folder: bool) -> bool:
        """Return whether git would ignore a file or folder below the root, or one that it is in."""
        parents = list(place.parents)[-2::-1]
        return any(self.leave_out(each, is_folder=True) for each in parents) or (
            place != PurePosixPath() and self.leave_out(place, is_folder=is_folder)
        )

    def _rules_for(self, folder: PurePosixPath) -> tuple[IgnoreRules, ...]:
        """Return the rules for what is in a folder of the repository, outermost first."""
        if folder not in self._rules:
            is_outermost = folder == PurePosixPath()
            above = self._read(_EXCLUDE, folder) if is_outermost else self._rules_for(folder.parent)
            self._rules[folder] = (*above, *self._read(folder / GITIGNORE, folder))
        return self._rules[folder]

    def _read(self, path: PurePosixPath, folder: PurePosixPath) -> tuple[IgnoreRules, ...]:
        """Return the rules of a file, if there is one. Like git, do not follow a link."""
        file = self._repository / path
        if not os.path.lexists(file) or file.is_symlink():
            return ()
        try:
            content = read_below(self._repository, path, max_bytes=_MAX_BYTES)
        except OSError as error:
            if error.errno != errno.ELOOP:
                self._report(file, f"cannot be read, so it leaves nothing out: {error.strerror}")
            return ()
        try:
            text = decode(path.name, content)
        except DocumentError as error:
            self._report(file, str(error).removeprefix(f"{path.name}: "))
            text = content.decode("utf-8", "surrogateescape")  # git compares bytes, so most rules hold all the same
        return (parse_gitignore(folder, text),)

    def _report(self, file: Path, problem: str) -> None:
        self._on_problem(PurePosixPath(os.path.relpath(file, self._root)), problem)


def _repository_of(root: Path) -> Path:
    """Return the root of the git repository that a folder is in; the folder itself if it is in none."""
    return next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), root)
