"""Chunks beside others: those at some positions of a document, and all parts of a table or list."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rag.store.filters import All, AnyOf, Equals, Filter, Range
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class Window:
    """The chunks of a document from one position to another, both included."""

    knowledge_base: str
    source: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The chunks in any of the windows, and those of the groups, which are `Chunk.group_key`s."""

    windows: tuple[Window, ...] = ()
    groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows or self.groups)

    def within(self, knowledge_base: str) -> "Neighbourhood":
        """Return the part of it in a knowledge base."""
        return Neighbourhood(
            tuple(window for window in self.windows if window.knowledge_base == knowledge_base),
            tuple(group for group in self.groups if group.startswith(f"{knowledge_base}/")),
        )

    @property
    def as_filter(self) -> Filter:
        """The filter for its chunks in the store of its knowledge base."""
        windows = (
            All((Equals("source", window.source), Range("position", window.first, window.last)))
            for window in self.windows
        )
        return AnyOf((*windows, *(Equals("group_id", group.partition("/")[2]) for group in self.groups)))


class ChunkPlaces:
    """All chunks of a generation by their place, for neighbourhoods in it."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._at: dict[tuple[str, int], list[Chunk]] = defaultdict(list)
        self._of_group: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            self._at[chunk.source, chunk.position].append(chunk)
            self._of_group[chunk.group_key].append(chunk)

    def chunks(self, wanted: Neighbourhood) -> list[Chunk]:
        """Return the chunks of a neighbourhood, each once."""
        places = (
            (window.source, position) for window in wanted.windows for position in range(window.first, window.last + 1)
        )
        found = [chunk for place in places for chunk in self._at.get(place, ())]
        found += (chunk for group in wanted.groups for chunk in self._of_group.get(group, ()))
        return list({chunk.id: chunk for chunk in found}.values())
