"""How git proves to a server that it may read a repository: by a token or an SSH key, which no command line shows."""

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from rag.private_files import open_private
from rag.source_settings import SourceSettings

# Bound to one server: another one, to which the first redirects, is told nothing.
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$ZHIWEN_GIT_USER" "$ZHIWEN_GIT_TOKEN"; }; f'


@contextmanager
def git_access(settings: SourceSettings, known_hosts: Path) -> Iterator[Mapping[str, str]]:
    """Yield the environment with which git reaches the repository.

    An SSH key lies in a file meanwhile, which only its owner may read. The servers that ssh has met are remembered in
    `known_hosts`, so that another one in the place of one of them is noticed.
    """
    token, key = settings.git_token.get_secret_value(), settings.git_ssh_key.get_secret_value()
    if protocol_of(settings.git_url) == "ssh":
        with tempfile.TemporaryDirectory(prefix="zhiwen-") as folder:
            options = _key_options(Path(folder) / "key", key) if key else []
            yield {"GIT_SSH_COMMAND": _ssh_command(known_hosts, options)}
    elif token:
        parts = urlsplit(settings.git_url)
        yield {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"credential.{parts.scheme}://{parts.netloc}.helper",
            "GIT_CONFIG_VALUE_0": _HELPER,
            "ZHIWEN_GIT_USER": settings.git_user,
            "ZHIWEN_GIT_TOKEN": token,
        }
    else:
        yield {}


def protocol_of(url: str) -> str:
    """Return the name that git has for the protocol of an address.

    >>> protocol_of("git@github.com:acme/handbook.git"), protocol_of("https://github.com/acme/handbook")
    ('ssh', 'https')
    """
    return url.partition("://")[0] if "://" in url else "ssh"


def _key_options(file: Path, key: str) -> list[str]:
    """Write the key, and return the options that make ssh use it and no other."""
    # In a variable, the line ends of a key often become `\\n`.
    text = key.strip().replace("\\n", "\n")
    with open(file, "x", encoding="utf-8", opener=open_private) as out:
        out.write(f"{text}\n")
    return ["-F", os.devnull, "-oIdentitiesOnly=yes", "-i", str(file)]


def _ssh_command(known_hosts: Path, options: Sequence[str]) -> str:
    files = f'-oUserKnownHostsFile="{known_hosts.resolve()}" ~/.ssh/known_hosts'
    return shlex.join(
        ["ssh", "-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new", "-oConnectTimeout=20", files, *options]
    )
