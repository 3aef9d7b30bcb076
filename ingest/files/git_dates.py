"""When files were last changed, as the git repository that they are in has it: a checkout gives all files one date.

The folder may be somebody else's, and so may the settings of its repository. So git is only asked what it reads without
running anything that they name: no pager, no signature check, no look at the work tree, no network.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Timer

from ingest.files.scan import File
from rag.child_environment import child_environment
from rag.errors import DocumentError

_SECONDS = 10.0
"""What a long history takes longer to tell is not waited for: those files have the date of the file."""
_MAX_BYTES = 32 * 1024 * 1024
"""A few objects of a repository can stand for billions of files, so what git may say is bounded, too."""
_MAX_LINE_BYTES = 64 * 1024
_COMMIT = "\x01"
_LIST = ("ls-tree", "-r", "-z", "HEAD", ".")
_LOG = (
    "log",
    f"--format={_COMMIT}%as %p",
    "--name-only",
    "--no-renames",
    "--relative",
    "--no-show-signature",
    "--",
    ".",
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}
_SETTINGS = (
    "core.fsmonitor=false",
    "core.quotePath=false",
    "log.showSignature=false",
    "diff.external=",
    "log.follow=0",
)


def git_dates(files: Sequence[File], *, max_bytes: int) -> dict[str, str]:
    """Return the day of the last commit of each file, by its author's clock, as `2026-01-31`, by source.

    A file that differs from that commit or is larger than `max_bytes` has none, nor has any outside of a repository,
    without git, or beyond the history of a shallow clone.
    """
    git = shutil.which("git")
    root = files[0].root if files else Path()
    if not files or git is None or not _is_in_repository(root):
        return {}
    committed = _blobs(git, root)
    sources = {file.path: file.source for file in files if _is_blob(file, committed, max_bytes)}
    dates: dict[str, str] = {}
    if not sources:
        return dates
    with closing(_changes(git, root, is_shallow=_is_shallow(git, root))) as changes:
        for day, path in changes:
            if path in sources:
                dates[sources.pop(path)] = day
            if not sources:
                break
    return dates


def _is_in_repository(root: Path) -> bool:
    return any(os.path.lexists(folder / ".git") for folder in (root.resolve(), *root.resolve().parents))


def _blobs(git: str, root: Path) -> dict[str, str]:
    """Return the id of each file's content in the last commit, by its path below the root."""
    entries = (entry.partition(b"\t") for entry in b"".join(_lines(git, root, _LIST)).split(b"\0")[:-1])
    return {os.fsdecode(name): meta.split()[2].decode() for meta, _, name in entries}


def _is_blob(file: File, committed: Mapping[str, str], max_bytes: int) -> bool:
    """Return whether the file is as it was committed."""
    blob = committed.get(file.path, "")
    try:
        content = file.read(max_bytes) if blob else b""
    except DocumentError:
        return False  # the ingest reports it
    digest = hashlib.sha256 if len(blob) == 64 else hashlib.sha1  # git's own ids
    return digest(b"blob %d\0" % len(content) + content).hexdigest() == blob


def _is_shallow(git: str, root: Path) -> bool:
    return b"".join(_lines(git, root, ("rev-parse", "--is-shallow-repository"))).strip() == b"true"


def _changes(git: str, root: Path, *, is_shallow: bool) -> Generator[tuple[str, str], None, None]:
    """Yield the day and the path of each change, newest first."""
    day = ""
    with closing(_lines(git, root, _LOG)) as lines:
        for line in map(os.fsdecode, lines):
            if line.startswith(_COMMIT):
                day, _, parents = line.strip().removeprefix(_COMMIT).partition(" ")
                # The oldest commit of a shallow clone seems to have added everything.
                day = "" if is_shallow and not parents else day
            elif day and line.strip():
                yield day, line.rstrip("\n")


def _lines(git: str, root: Path, arguments: Sequence[str]) -> Generator[bytes, None, None]:
    """Yield the lines that git prints; fewer if git fails, takes too long or says too much."""
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    process = subprocess.Popen(  # noqa: S603  (git from the path, with arguments of ours)
        [git, "--no-pager", *settings, *arguments],
        cwd=root,
        env=child_environment(**_ENVIRONMENT),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    timer = Timer(_SECONDS, process.kill)
    timer.start()
    try:
        assert process.stdout  # noqa: S101  (a pipe)
        room = _MAX_BYTES
        while room > 0 and (line := process.stdout.readline(_MAX_LINE_BYTES)):
            room -= len(line)
            yield line
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
