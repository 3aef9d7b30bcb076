"""The settings of where documents come from, instead of a folder: a git repository, a bucket or a web site."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from rag.forge_links import forge_template
from rag.knowledge_base_names import DEFAULT, section_of
from rag.pasted_values import add_scheme, clean
from rag.settings_section import BaseURL, Key, Name, Seconds, Section, no_credentials, secrets_in, variable_of
from rag.url_credentials import refuse_credentials
from rag.web_address import page_address

ADDRESSES = ("git_url", "s3_url", "web_url")
"""The settings that say where documents come from; at most one of them has a value."""

_SCHEMES = ("https", "http", "ssh", "file")
# user@host:path, as git takes it for ssh
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)[^\s:]+")
_NO_BRANCH = re.compile(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")
_DAY_SECONDS = 86_400
AWS_INSTEAD = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def check_git_url(value: str) -> str:
    """Return the address of a repository. Raises ValueError for another scheme, and for a password or token in it.

    >>> check_git_url("git@github.com:acme/handbook.git"), check_git_url("https://github.com/acme/handbook ")
    ('git@github.com:acme/handbook.git', 'https://github.com/acme/handbook')
    """
    url = clean(value)
    if not url or _SCP.fullmatch(url):
        return url
    parts = urlsplit(url)
    if parts.scheme != "ssh" or parts.password is not None:  # the user of ssh is no secret
        secret = "git_ssh_key" if parts.scheme == "ssh" else "git_token"  # pragma: allowlist secret  (its name)
        refuse_credentials(url, instead=f"set {secret_variable(secret, DEFAULT)}, or that of its knowledge base")
    has_place = bool(parts.hostname) or parts.scheme == "file"
    is_bare = not (parts.query or parts.fragment or re.search(r"\s", url))
    if parts.scheme not in _SCHEMES or not has_place or not parts.path.strip("/") or not is_bare:
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


def check_s3_url(value: str) -> str:
    """Return the address of a bucket or a prefix in it. Raises ValueError if it is none, or holds a key.

    >>> check_s3_url("s3://handbook/docs/"), check_s3_url("s3://handbook")
    ('s3://handbook/docs', 's3://handbook')
    """
    url = clean(value).rstrip("/")
    refuse_credentials(url, instead=AWS_INSTEAD)
    if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#@]+)?", url):
        raise ValueError("must be a bucket, or a prefix in one: s3://handbook/docs")
    return url


def check_web_url(value: str) -> str:
    """Return the address of a sitemap or a page. Raises ValueError if it is none.

    >>> check_web_url("docs.example.com/sitemap.xml"), check_web_url("https://docs.example.com")
    ('https://docs.example.com/sitemap.xml', 'https://docs.example.com/')
    """
    url = add_scheme(value)
    refuse_credentials(url, instead=f"set {secret_variable('web_token', DEFAULT)}, or that of its knowledge base")
    if url and not (address := page_address(url)):
        raise ValueError("must be the address of a sitemap or a page: https://docs.example.com/sitemap.xml")
    return address if url else ""


def check_import_url(value: str) -> str:
    """Return the address of the folder of a bulk import. Raises ValueError if it is none, or holds a key.

    >>> check_import_url("s3://milvus/zhiwen/"), check_import_url("file:///var/lib/milvus/import")
    ('s3://milvus/zhiwen', 'file:///var/lib/milvus/import')
    """
    url = clean(value).rstrip("/")
    if url.startswith("s3:"):
        return check_s3_url(url)
    if url and not re.fullmatch(r"file:///[^\s?#]+", url):
        raise ValueError(
            "must be a bucket, or a prefix in one: s3://milvus/zhiwen; or a folder: file:///var/lib/milvus/import"
        )
    return url


def secret_variable(setting: str, knowledge_base: str) -> str:
    """Return the environment variable of a secret of a knowledge base.

    >>> secret_variable("git_token", "default"), secret_variable("git_token", "hr-handbook")
    ('ZHIWEN_KNOWLEDGE__GIT_TOKEN', 'ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__GIT_TOKEN')
    """
    return variable_of(section_of(knowledge_base), setting)


class SourceSettings(Section):
    """Where documents come from if not from a folder of this machine: nowhere else if all addresses are empty."""

    gitignore: bool = True
    fetch_every_seconds: float = Field(default=300, ge=0, le=_DAY_SECONDS)
    fetch_timeout_seconds: Seconds = 300
    git_url: Annotated[str, AfterValidator(check_git_url)] = ""
    git_branch: Annotated[str, AfterValidator(check_branch)] = ""
    git_folder: Annotated[str, AfterValidator(check_repository_folder)] = ""
    git_depth: int = Field(default=1, ge=0)
    git_forge: Literal["", "github", "gitlab", "gitea"] = ""
    git_user: Name = "x-access-token"
    git_token: Key = SecretStr("")
    git_ssh_key: SecretStr = SecretStr("")
    git_webhook_secret: SecretStr = SecretStr("")
    s3_url: Annotated[str, AfterValidator(check_s3_url)] = ""
    s3_endpoint: Annotated[BaseURL, no_credentials(AWS_INSTEAD)] = ""
    s3_region: Name = ""

    web_url: Annotated[str, AfterValidator(check_web_url)] = ""
    web_user: Name = ""
    web_token: Key = SecretStr("")
    web_max_pages: int = Field(default=2000, ge=1, le=100_000)
    web_pause_seconds: float = Field(default=0.25, ge=0, le=60)
    web_every_seconds: float = Field(default=3600, ge=0, le=_DAY_SECONDS)
    web_timeout_seconds: float = Field(default=3600, gt=0, le=_DAY_SECONDS)

    @model_validator(mode="after")
    def _check_one_source(self) -> Self:
        addresses = [address for address in ADDRESSES if getattr(self, address)]
        if len(addresses) > 1:
            raise ValueError(f"has {' and '.join(addresses)}; keep the one that has the documents")
        return self

    @property
    def source_url(self) -> str:
        """The address that the documents come from; "" if they are in a folder of this machine."""
        return getattr(self, self.source_setting) if self.source_setting else ""

    @property
    def source_setting(self) -> str:
        """The name of the setting that has this address, "" if none has one."""
        return next((address for address in ADDRESSES if getattr(self, address)), "")

    @property
    def folder_in_copy(self) -> str:
        """The folder of documents in the copy of what is at `source_url`; "" for all of it."""
        return self.git_folder if self.git_url else ""

    @property
    def heeds_gitignore(self) -> bool:
        """Whether `.gitignore` files count: not those above a copy that git has nothing to do with."""
        return self.gitignore and not (self.s3_url or self.web_url)

    @property
    def seconds_between_looks(self) -> float:
        """The pause between two looks at the source. With 0, it is looked at only at the start and after webhooks."""
        return self.web_every_seconds if self.web_url else self.fetch_every_seconds

    @property
    def forge_template(self) -> str:
        """The `url_template` that leads to the lines at their commit on the forge; "" without one."""
        return forge_template(self.git_forge, self.git_url, self.git_folder)


SOURCE_SECRETS = secrets_in(SourceSettings)
"""The settings that are read from environment variables only."""
