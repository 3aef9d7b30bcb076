"""A store and its generations as if they had only the documents for which a mandatory filter holds.

Everything that a reader gets of the store comes through here, so that no surface can forget the filter.
"""

from collections.abc import Iterator
from dataclasses import replace

from rag.store.filters import All, Filter
from rag.store.records import Commit, DocumentRecord, SnapshotIdentity, State
from rag.store.rows import each_once
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import TermStatistics
from rag.store.visible import VISIBLE_FIELDS, Visible, VisibleCache


class RestrictedSnapshot(Snapshot):
    """A generation with the documents that the filter `within` lets through.

    `cache` keeps which these are; without one, they are read each time, as for a generation that is not committed.
    """

    def __init__(self, snapshot: Snapshot, within: Filter, cache: VisibleCache | None = None) -> None:
        self.__dict__.update(snapshot.__dict__)
        self._within = within
        self._cache = cache

    @property
    def visible(self) -> Visible:
        """The documents that have text, and the statistics of their terms."""
        if self._cache is None:
            return self._read_visible()
        return self._cache.of(self.commit, filter_text(self._within), self._read_visible)

    @property
    def identities(self) -> tuple[SnapshotIdentity, ...]:
        return tuple(replace(each, within=filter_text(self._within)) for each in super().identities)

    @property
    def statistics(self) -> TermStatistics:
        return self.visible.statistics

    @property
    def _is_counted_with_others(self) -> bool:
        return True

    def _records(self, expression: str) -> Iterator[DocumentRecord]:
        sources = self.visible.sources
        return (record for record in super()._records(expression) if record.source in sources)

    def _expression(self, search_filter: Filter | None) -> str:
        return super()._expression(All((self._within, search_filter)) if search_filter else self._within)

    def _read_visible(self) -> Visible:
        found = self._milvus.rows(self._chunks, self._expression(None), VISIBLE_FIELDS, since=self._since)
        return Visible.of(each_once(found))

    @property
    def _whole(self) -> None:
        return None  # what is in memory has all documents


class RestrictedStore(Store):
    """A store for readers who may see the documents that a filter lets through. It is closed with the other one."""

    def __init__(self, store: Store, within: Filter) -> None:
        self.__dict__.update(store.__dict__)
        self._whole = store  # what it learns of the server outlasts a request
        self._within = within

    @property
    def within(self) -> str:
        """The filter, as a text that no other one has."""
        return filter_text(self._within)

    def live(self) -> Commit | None:
        live = self._whole.live()
        if live is None:
            return None
        visible = self.snapshot().visible
        return replace(live, documents=len(visible.sources), chunks=visible.statistics.chunks)

    def snapshot(self) -> RestrictedSnapshot:
        return RestrictedSnapshot(self._whole.snapshot(), self._within, self._visible_cache)

    def publish(self, state: State) -> None:
        raise TypeError("who may see only some of the documents cannot write a generation of all")


def filter_text(within: Filter) -> str:
    """Return a text that no other filter has. To Python, the values 1 and True are equal, so the filters are, too."""
    return repr(within)
