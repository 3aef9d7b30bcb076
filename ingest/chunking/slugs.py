"""Heading anchors as GitHub makes them, Chinese kept."""

import re
from collections.abc import Callable

_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def slug(heading: str) -> str:
    """`AI 工程架构` → `ai-工程架构`. Source: the rules of GitHub's heading anchors."""
    return _NOT_IN_SLUG.sub("", heading.strip().lower()).replace(" ", "-")


def unique_slugger() -> Callable[[str], str]:
    """A `slug` for one document: a heading that comes again gets `-1`, `-2`, …"""
    taken: dict[str, int] = {}

    def unique(heading: str) -> str:
        base = candidate = slug(heading)
        while candidate in taken:
            taken[base] += 1
            candidate = f"{base}-{taken[base]}"
        taken[candidate] = 0
        return candidate

    return unique
