"""A metadata condition of Dify as a filter of the store.

Milvus cannot search within texts and knows no dates, so what is said of documents is decided here, for each document,
and reaches the store as a list of sources. That is exact, whatever the operator, and the search is not cut short.
"""

from collections.abc import Callable, Collection, Sequence
from typing import get_args

from api.dify.comparisons import NEGATIONS, Wanted, holds
from api.dify.schemas import ConditionIn, MetadataCondition, Operator
from rag.errors import FilterError
from rag.store.document_metadata import DocumentMetadata
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Range
from rag.types import ChunkKind, MetadataValue

_KINDS: tuple[ChunkKind, ...] = get_args(ChunkKind)
_OWN = ("kind", "start_line", "end_line")
"""What a chunk has itself; everything else is said of its document."""
_NOTHING = Equals("kind", "")  # which no chunk's is
_FAR = 2**62


def to_filter(condition: MetadataCondition, documents: Sequence[DocumentMetadata]) -> Filter | None:
    """The chunks for which the condition holds; None is no condition. Raises FilterError."""
    either = condition.logical_operator == "or"
    parts: list[Filter] = []
    sources: list[set[str]] = []
    for one in condition.conditions or ():
        if any(name in _OWN for name in one.names):
            parts.append(_mixed(one, documents))
        else:
            sources.append(_sources(one, documents))
    if sources:
        # Conditions on documents are joined here, so that one list says them all.
        joined = set.union(*sources) if either else set.intersection(*sources)
        parts.append(_among_sources(joined, documents))
    if not parts:
        return None
    return AnyOf(tuple(parts)) if either else All(tuple(parts))


def _sources(condition: ConditionIn, documents: Sequence[DocumentMetadata]) -> set[str]:
    """The documents for which a condition on front matter holds.

    Of several names one is enough; a negated operator holds exactly where what it negates does not.
    """
    if not condition.names:
        raise FilterError("metadata_condition: a condition without a name")
    operator = condition.comparison_operator
    positive = NEGATIONS.get(operator, operator)
    found = {
        document.source
        for document in documents
        if any(holds(positive, _value(document, name), condition.value) for name in condition.names)
    }
    return {document.source for document in documents} - found if operator in NEGATIONS else found


def _mixed(condition: ConditionIn, documents: Sequence[DocumentMetadata]) -> Filter:
    """A condition with names of a chunk's own fields, and maybe of front matter too."""
    operator = condition.comparison_operator
    positive = NEGATIONS.get(operator, operator)
    parts = [_own(name, positive, condition.value) for name in condition.names if name in _OWN]
    said = [name for name in condition.names if name not in _OWN]
    if said:
        of_documents = condition.model_copy(update={"name": said, "comparison_operator": positive})
        parts.append(_among_sources(_sources(of_documents, documents), documents))
    found = AnyOf(tuple(parts))
    return Not(found) if operator in NEGATIONS else found


def _value(document: DocumentMetadata, name: str) -> MetadataValue:
    """What a document has under a name; Dify calls its file `document_name`."""
    if name in ("source", "document_name"):
        return document.source
    return document.title if name == "title" else document.metadata.get(name)


def _own(name: str, operator: Operator, wanted: Wanted) -> Filter:
    """A condition on a chunk's own kind or lines."""
    if name == "kind":
        return _among("kind", {kind for kind in _KINDS if holds(operator, kind, wanted)}, _KINDS)
    if operator == "not empty":
        return Not(_NOTHING)
    if operator in ("is", "in", "="):
        values = wanted if isinstance(wanted, list) else str(wanted).split(",")
        return In(name, tuple(_line(name, value) for value in values))
    if operator not in _BOUNDS:
        raise FilterError(f"metadata_condition: {name} is a number and cannot be compared by {operator!r}")
    line = _line(name, wanted)
    return Range(name, *_BOUNDS[operator](line))


_BOUNDS: dict[Operator, Callable[[int], tuple[int, int]]] = {
    ">": lambda line: (line + 1, _FAR),
    "≥": lambda line: (line, _FAR),
    "<": lambda line: (-_FAR, line - 1),
    "≤": lambda line: (-_FAR, line),
}


def _line(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise FilterError(
            f"metadata_condition: {name} is a whole number and cannot be compared with {value!r}"
        ) from error


def _among_sources(sources: Collection[str], documents: Sequence[DocumentMetadata]) -> Filter:
    return _among("source", sources, [document.source for document in documents])


def _among(field: str, chosen: Collection[str], known: Sequence[str]) -> Filter:
    """That a field is one of the chosen of all known values, said as briefly as it can be."""
    if not chosen:
        return _NOTHING
    others = tuple(value for value in known if value not in chosen)
    if len(others) < len(chosen):
        return Not(In(field, others)) if others else Not(_NOTHING)
    return In(field, tuple(sorted(chosen)))
