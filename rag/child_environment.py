"""The environment of our child processes: what a program needs to run, and none of the secrets in ours."""

import os
from collections.abc import Mapping

_NAMES = frozenset({"HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ", "TZDIR", "VIRTUAL_ENV"})
_BEGINNINGS = ("DYLD_", "GLOG_", "LC_", "LD_", "MALLOC_", "OMP_", "PYTHON")


def child_environment(environment: Mapping[str, str] = os.environ, /, **own: str) -> dict[str, str]:
    """Return the variables that tell a program where its libraries and folders are, with some more of its own.

    >>> child_environment({"PATH": "/bin", "LC_ALL": "C", "EDITOR": "vi"}, HOME="/tmp/x")
    {'PATH': '/bin', 'LC_ALL': 'C', 'HOME': '/tmp/x'}
    """
    kept = {name: value for name, value in environment.items() if name in _NAMES or name.startswith(_BEGINNINGS)}
    return kept | own
