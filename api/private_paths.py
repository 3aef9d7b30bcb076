"""Hides paths of the server's machine in responses: only administrators see the folders."""

import re
from functools import lru_cache
from pathlib import Path

from api.current_caller import current_caller

# After a word a path needs a second slash, as in `sentence-transformers//models/m`, and after a scheme a fourth, except
# for `file`.
_START = r"(?:(?<![\w:/.~-])/{1,2}|(?<=[\w-])//|(?<=:///)/|(?<=file://)/)"
_PATH = re.compile(_START + r"(?P<first>[^\s/:;,'\"`()]+)(?:/+[^\s/:;,'\"`()]+)+/?")


def shown(text: str) -> str:
    """Return the text as the caller of this request may see it: paths of this machine without their folders.

    Only a path whose first folder exists on this machine counts, so routes of the API stay as they are. Outside of a
    request, as on the command line, nothing changes.
    """
    return text if current_caller().is_administrator else _PATH.sub(_without_folders, text)


def _without_folders(path: re.Match[str]) -> str:
    # No name on a disk is longer, and what callers send must not fill the memory.
    is_name = len(path["first"].encode()) < 256
    return f"…/{path[0].rstrip('/').rpartition('/')[2]}" if is_name and _is_folder(path["first"]) else path[0]


@lru_cache(maxsize=256)
def _is_folder(first: str) -> bool:
    return Path("/", first).is_dir()
