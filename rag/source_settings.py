"""The settings of a git repository that documents come from, instead of a folder."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from rag.forge_links import forge_template
from rag.knowledge_base_names import DEFAULT
from rag.pasted_values import clean
from rag.settings_section import Key, Name, Seconds, Section
from rag.url_credentials import refuse_credentials

GIT_SECRETS = ("git_token", "git_ssh_key", "git_webhook_secret")
"""The settings that are read from environment variables only."""

_SCHEMES = ("https", "http", "ssh", "file")
# user@host:path, as git takes it for ssh
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)[^\s:]+")
_NO_BRANCH = re.compile(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")
_DAY_SECONDS = 86_400


def check_git_url(value: str) -> str:
    """Return the address of a repository. Raises ValueError for another scheme, and for a password or token in it.

    >>> check_git_url("git@github.com:acme/handbook.git"), check_git_url("https://github.com/acme/handbook ")
    ('git@github.com:acme/handbook.git', 'https://github.com/acme/handbook')
    """
    url = clean(value)
    if not url or _SCP.fullmatch(url):
        return url
    parts = urlsplit(url)
    if parts.scheme == "ssh":
        # The user of ssh is no secret.
        refuse_credentials(url.replace(f"{parts.username or ''}@", "", 1), instead="set the variable of git_ssh_key")
    else:
        refuse_credentials(url, instead="set the variable of git_token, such as ZHIWEN_KNOWLEDGE__GIT_TOKEN")
    has_place = bool(parts.hostname) or parts.scheme == "file"
    if parts.scheme not in _SCHEMES or not has_place or not parts.path.strip("/") or re.search(r"\s", url):
        raise ValueError("must be the address of a repository: https://…, ssh://…, user@host:path or file:///…")
    return url


def check_branch(value: str) -> str:
    """Return the name of a branch. Raises ValueError if git has no such names."""
    branch = clean(value).removeprefix("refs/heads/")
    if _NO_BRANCH.search(branch):
        raise ValueError("must be the name of a branch, such as main")
    return branch


def check_repository_folder(value: str) -> str:
    """Return a folder of a repository without slashes around it. Raises ValueError if it leads out of it."""
    folder = clean(value).strip("/")
    if any(part in ("", ".", "..", ".git") for part in folder.split("/")) and folder:
        raise ValueError("must be a folder of the repository, such as docs or docs/guides")
    return folder


def secret_variable(setting: str, knowledge_base: str) -> str:
    """Return the environment variable of a secret of a knowledge base.

    >>> secret_variable("git_token", "default"), secret_variable("git_token", "hr-handbook")
    ('ZHIWEN_KNOWLEDGE__GIT_TOKEN', 'ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__GIT_TOKEN')
    """
    section = "knowledge" if knowledge_base == DEFAULT else f"knowledge_bases__{knowledge_base.replace('-', '_')}"
    return f"ZHIWEN_{section}__{setting}".upper()


class SourceSettings(Section):
    """Where documents come from if not from a folder: nowhere else if `git_url` is empty."""

    git_url: Annotated[str, AfterValidator(check_git_url)] = ""
    git_branch: Annotated[str, AfterValidator(check_branch)] = ""
    git_folder: Annotated[str, AfterValidator(check_repository_folder)] = ""
    git_every_seconds: float = Field(default=300, ge=0, le=_DAY_SECONDS)
    git_depth: int = Field(default=1, ge=0)
    git_timeout_seconds: Seconds = 300
    git_forge: Literal["", "github", "gitlab", "gitea"] = ""
    git_user: Name = "x-access-token"
    git_token: Key = SecretStr("")
    git_ssh_key: SecretStr = SecretStr("")
    git_webhook_secret: SecretStr = SecretStr("")

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether the folder of documents is a copy of what is somewhere else."""
        return bool(self.git_url)

    @property
    def forge_template(self) -> str:
        """The `url_template` that leads to the lines at their commit on the forge; "" without one."""
        return forge_template(self.git_forge, self.git_url, self.git_folder)

    @property
    def depth_in_copy(self) -> int:
        """How many folders below the copy of the repository the folder of documents is."""
        return len(PurePosixPath(self.git_folder).parts)
