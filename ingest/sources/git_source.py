"""A branch of a git repository as a source: fetched shallow, and checked out into the copy."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.sources.git_access import git_access, protocol_of
from ingest.sources.git_command import Git, GitFailed
from ingest.sources.protocol import OnWait
from rag.errors import SourceError
from rag.private_files import make_private_folder
from rag.source_settings import SourceSettings, secret_variable
from rag.store.failpoints import reach_failpoint

_FETCHED = "refs/zhiwen/fetched"
_COMMIT = re.compile(r"^([0-9a-f]{40,64})\t(\S+)$", re.MULTILINE)
# What a server says of a repository that it does not show to this caller.
_REFUSALS = re.compile(
    r"authentication failed|could not read username|permission denied|access denied|invalid credentials|not found"
    r"|error: 40[134]|repository .*does not exist|terminal prompts disabled",
    re.IGNORECASE,
)
_NO_SUCH_HOST_KEY = re.compile(r"host key verification failed", re.IGNORECASE)
# Files are what was committed, byte for byte, and no program is asked for them.
_ATTRIBUTES = "* -text -eol -filter -ident -working-tree-encoding\n"
_GLOB = re.compile(r"([*?\[\]\\!# ])")


class GitSource:
    """The documents of one branch, or of a folder in it.

    `copy` is a repository of ours. Hooks, submodules, filters and the user's settings for git have no effect there.
    """

    def __init__(self, settings: SourceSettings, copy: Path, knowledge_base: str) -> None:
        self.copy = copy
        self._settings = settings
        self._knowledge_base = knowledge_base

    def version(self, on_wait: OnWait) -> str:
        """Return the commit that the branch is at now. Raises SourceError."""
        try:
            with tempfile.TemporaryDirectory(prefix="zhiwen-") as nowhere, self._git(Path(nowhere), on_wait) as git:
                return self._remote_commit(git)
        except OSError as error:
            raise self._error(f"git cannot be run: {error}") from error

    probe = version

    def update(self, lock: int, on_wait: OnWait) -> str:
        """Fetch the branch, check its commit out, and return the commit. Raises SourceError."""
        try:
            make_private_folder(self.copy)
            self._remove_remains()
            with self._git(self.copy, on_wait, lock) as git:
                self._remote_commit(git)  # says more clearly than a fetch what is wrong
                commit = self._fetch(git)
                reach_failpoint("fetched")
                self._check_folder(git, commit)
                self._check_out(git, commit)
        except OSError as error:
            raise self._error(f"{self.copy}, the copy of it, cannot be written: {error}") from error
        return commit

    @contextmanager
    def _git(self, folder: Path, on_wait: OnWait, *kept_open: int) -> Iterator[Git]:
        settings = self._settings
        with git_access(settings, self.copy.with_name("known_hosts")) as environment:
            protocols = {"http": "http:https"}.get(protocol_of(settings.git_url), protocol_of(settings.git_url))
            yield Git(folder, protocols, environment, settings.fetch_timeout_seconds, on_wait, kept_open)

    def _remove_remains(self) -> None:
        """Remove the locks and parts of a git that was killed: no other one is at work here."""
        repository = self.copy / ".git"
        for pattern in ("*.lock", "refs/**/*.lock", "objects/*.lock", "objects/pack/tmp_*"):
            for file in list(repository.glob(pattern)):
                file.unlink(missing_ok=True)

    def _remote_commit(self, git: Git) -> str:
        name = f"refs/heads/{self._settings.git_branch}" if self._settings.git_branch else "HEAD"
        try:
            listed = git.run("ls-remote", "--quiet", "--", self._settings.git_url, name)
        except GitFailed as error:
            raise self._unreachable(error) from error
        for commit, reference in _COMMIT.findall(listed):
            if reference == name:
                return str(commit)
        branch = self._settings.git_branch
        problem = f"there is no branch {branch}" if branch else "it has no default branch with a commit"
        raise self._error(f"{problem}: create it, or set git_branch to another one")

    def _fetch(self, git: Git) -> str:
        branch, depth = self._settings.git_branch, self._settings.git_depth
        name = f"refs/heads/{branch}" if branch else "HEAD"
        is_shallow = (self.copy / ".git" / "shallow").exists()
        history = [f"--depth={depth}"] if depth else ["--unshallow"] if is_shallow else []
        options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", *history]
        try:
            git.run("init", "--quiet", "--template=")  # does no harm to what is there
            git.run("fetch", *options, "--", self._settings.git_url, f"+{name}:{_FETCHED}")
            return git.run("rev-parse", "--verify", f"{_FETCHED}^{{commit}}").strip()
        except GitFailed as error:
            raise self._unreachable(error) from error

    def _check_folder(self, git: Git, commit: str) -> None:
        """Raise SourceError if the folder is none: a link in its place could lead out of the repository."""
        folder = self._settings.git_folder
        if not folder:
            return
        try:
            kind = git.run("cat-file", "-t", f"{commit}:{folder}").strip()
        except GitFailed:
            kind = ""
        if kind != "tree":
            raise self._error(f"commit {commit[:12]} has no folder {folder}; set git_folder to one that it has")

    def _check_out(self, git: Git, commit: str) -> None:
        info = self.copy / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
        wanted = _GLOB.sub(r"\\\1", self._settings.git_folder)
        (info / "sparse-checkout").write_text(f"/{wanted}/\n" if wanted else "/*\n", encoding="utf-8")
        sparse = ("-c", "core.sparseCheckout=true")
        try:
            git.run(*sparse, "update-ref", "--no-deref", "HEAD", commit)
            git.run(*sparse, "reset", "--quiet", "--hard", commit)
            git.run(*sparse, "clean", "--quiet", "-ffdx")
        except GitFailed as error:
            raise self._error(
                f"commit {commit[:12]} cannot be checked out: {error}; free disk space, or remove {self.copy}, which "
                "is only a copy"
            ) from error

    def _unreachable(self, error: GitFailed) -> SourceError:
        said = str(error)
        if _NO_SUCH_HOST_KEY.search(said):
            way_out = f"if the server has a new key, remove {self.copy.with_name('known_hosts')}"
        elif _REFUSALS.search(said):
            is_ssh = protocol_of(self._settings.git_url) == "ssh"
            secret = secret_variable("git_ssh_key" if is_ssh else "git_token", self._knowledge_base)
            way_out = f"check git_url, and that {secret} holds a {'key' if is_ssh else 'token'} that may read it"
        else:
            way_out = "check git_url and the network"
        return self._error(f"{said}; {way_out}")

    def _error(self, problem: str) -> SourceError:
        return SourceError(f"{self._settings.git_url}: {problem}. The live generation stays as it is")
