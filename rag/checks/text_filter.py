"""The seam of the filters that streamed text passes through."""

from typing import Protocol


class TextFilter(Protocol):
    """Changes streamed text; the result does not depend on how the text is split.

    >>> from rag.checks.citation_markers import MarkerFilter
    >>> def filter_text(text_filter: TextFilter, pieces: list[str]) -> str:
    ...     return "".join([*map(text_filter.feed, pieces), text_filter.finish()])
    >>> filter_text(MarkerFilter([1]), ["Milvus [", "1][", "2]."])
    'Milvus [1].'
    """

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        ...

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        ...
