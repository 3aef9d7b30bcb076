"""What a caller may read: knowledge bases and, in each, all documents or those that a filter lets through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.errors import FilterError
from rag.store.filter_expressions import translate_filter
from rag.store.filters import All, AnyOf, Filter, Not

_WITHIN_DOCUMENTS = frozenset({"id", "anchor", "kind", "position", "group_id", "start_line", "end_line"})
"""The fields in which the chunks of one document differ."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Lets a caller read these knowledge bases, or all if None, and in each the documents for which `within` holds."""

    knowledge_bases: frozenset[str] | None = None
    within: Filter | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """Let a caller read what any of the grants lets it read; nothing without one.

    >>> from rag.store.filters import Equals
    >>> rights = Rights((Grant(frozenset({"handbook"}), Equals("tags", "hr")),))
    >>> rights.filters(["default", "handbook"])
    {'handbook': Equals(field='tags', value='hr')}
    """

    grants: tuple[Grant, ...] = ()

    @property
    def are_unlimited(self) -> bool:
        """Whether everything may be read."""
        return Grant() in self.grants

    @property
    def are_partial(self) -> bool:
        """Whether some grant lets through only a part of the documents."""
        return any(grant.within for grant in self.grants)

    @property
    def knowledge_bases(self) -> frozenset[str]:
        """The names of all knowledge bases that a grant names."""
        return frozenset().union(*(grant.knowledge_bases or () for grant in self.grants))

    def filters(self, knowledge_bases: Iterable[str]) -> Mapping[str, Filter | None]:
        """Return those of the knowledge bases that may be read, each with the filter for its documents, if any."""
        found: dict[str, Filter | None] = {}
        for name in knowledge_bases:
            some = [each.within for each in self.grants if each.knowledge_bases is None or name in each.knowledge_bases]
            # In one order, whichever group comes first, so that caches and traces know it again.
            filters = tuple(within for _, within in sorted({repr(within): within for within in some if within}.items()))
            if some:
                found[name] = None if None in some else filters[0] if len(filters) == 1 else AnyOf(filters)
        return found


UNLIMITED = Rights((Grant(),))
"""The right to read everything."""


def check_within(within: Filter) -> None:
    """Raise FilterError unless a filter is valid, and holds for all chunks of a document or for none."""
    translate_filter(within)
    for name in sorted(_fields(within) & _WITHIN_DOCUMENTS):
        raise FilterError(f"{name} differs within a document; use source, title or a front-matter key")


def _fields(search_filter: Filter) -> frozenset[str]:
    match search_filter:
        case All(of) | AnyOf(of):
            return frozenset().union(*map(_fields, of))
        case Not(of):
            return _fields(of)
        case _:
            return frozenset({search_filter.field})
