"""Anchors of headings by GitHub's rules; Chinese characters stay."""

import re
from collections.abc import Callable

_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def slug(heading: str) -> str:
    """Return the anchor of a heading, by the rules of GitHub.

    >>> slug("AI 工程架构")
    'ai-工程架构'
    """
    return _NOT_IN_SLUG.sub("", heading.strip().lower()).replace(" ", "-")


def unique_slugger() -> Callable[[str], str]:
    """Return a `slug` for one document: repeated headings get `-1`, `-2`, …"""
    taken: dict[str, int] = {}

    def unique(heading: str) -> str:
        base = candidate = slug(heading)
        while candidate in taken:
            taken[base] += 1
            candidate = f"{base}-{taken[base]}"
        taken[candidate] = 0
        return candidate

    return unique
