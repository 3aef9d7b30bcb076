"""A metadata condition of Dify, translated to a filter of the store.

Milvus cannot search inside texts and has no dates. Conditions on front matter are therefore evaluated here, for each
document, and reach the store as a list of sources. The result is exact for every operator, and the search still returns
as many hits as requested.
"""

from collections.abc import Callable, Collection, Sequence
from typing import get_args

from api.dify.operator_evaluation import NEGATIONS, Operand, comparison, count_comparisons
from api.dify.schemas import ConditionIn, MetadataCondition, Operator
from rag.errors import FilterError
from rag.store.document_metadata import DocumentMetadata
from rag.store.filter_expressions import MAX_COMPARISONS
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Range
from rag.types import ChunkKind, MetadataValue

_KINDS: tuple[ChunkKind, ...] = get_args(ChunkKind)
_CHUNK_FIELDS = ("kind", "start_line", "end_line")
"""The fields of chunks; all other names are fields of documents."""
_NOTHING = Equals("kind", "")  # no chunk has this kind
_INFINITY = 2**62


def to_filter(metadata_condition: MetadataCondition, documents: Sequence[DocumentMetadata]) -> Filter | None:
    """Return a filter for the chunks that meet the condition, or None if there is no condition.

    Raises FilterError, also if there are more comparisons than a search may make.
    """
    _check_size(metadata_condition)
    is_or = metadata_condition.logical_operator == "or"
    filters: list[Filter] = []
    sources: list[set[str]] = []
    for condition in metadata_condition.conditions or ():
        if any(name in _CHUNK_FIELDS for name in condition.names):
            filters.append(_chunk_filter(condition, documents))
        else:
            sources.append(_matching_sources(condition, documents))
    if sources:
        # Conditions on documents are combined here, so that the store gets a single list.
        combined = set.union(*sources) if is_or else set.intersection(*sources)
        filters.append(_source_filter(combined, documents))
    if not filters:
        return None
    return AnyOf(tuple(filters)) if is_or else All(tuple(filters))


def _check_size(metadata_condition: MetadataCondition) -> None:
    comparisons = sum(
        len(condition.names) * count_comparisons(condition.comparison_operator, condition.value)
        for condition in metadata_condition.conditions or ()
    )
    if comparisons > MAX_COMPARISONS:
        raise FilterError(f"metadata_condition makes {comparisons} comparisons; {MAX_COMPARISONS} are allowed")


def _matching_sources(condition: ConditionIn, documents: Sequence[DocumentMetadata]) -> set[str]:
    """Return the sources of the documents that meet a condition on front matter.

    If the condition has several names, one match is enough; a negated operator holds if none matches.
    """
    if not condition.names:
        raise FilterError("metadata_condition: a condition has no name")
    operator = condition.comparison_operator
    positive = NEGATIONS.get(operator, operator)
    matches = comparison(positive, condition.value)
    found = {
        document.source for document in documents if any(matches(_value(document, name)) for name in condition.names)
    }
    return {document.source for document in documents} - found if operator in NEGATIONS else found


def _chunk_filter(condition: ConditionIn, documents: Sequence[DocumentMetadata]) -> Filter:
    """Translate a condition on fields of chunks; it may also name fields of documents."""
    operator = condition.comparison_operator
    positive = NEGATIONS.get(operator, operator)
    filters = [_field_filter(name, positive, condition.value) for name in condition.names if name in _CHUNK_FIELDS]
    document_names = [name for name in condition.names if name not in _CHUNK_FIELDS]
    if document_names:
        on_documents = condition.model_copy(update={"name": document_names, "comparison_operator": positive})
        filters.append(_source_filter(_matching_sources(on_documents, documents), documents))
    found = AnyOf(tuple(filters))
    return Not(found) if operator in NEGATIONS else found


def _value(document: DocumentMetadata, name: str) -> MetadataValue:
    """Return the value that a document has for a name; Dify calls the source `document_name`."""
    if name in ("source", "document_name"):
        return document.source
    return document.title if name == "title" else document.metadata.get(name)


def _field_filter(name: str, operator: Operator, operand: Operand) -> Filter:
    """Translate a comparison with a field of chunks."""
    if name == "kind":
        return _in_filter("kind", set(filter(comparison(operator, operand), _KINDS)), _KINDS)
    if operator == "not empty":
        return Not(_NOTHING)
    if operator in ("is", "in", "="):
        values = operand if isinstance(operand, list) else str(operand).split(",")
        return In(name, tuple(_line(name, value) for value in values))
    if operator not in _BOUNDS:
        raise FilterError(f"metadata_condition: {name} is a number and cannot be compared by {operator!r}")
    line = _line(name, operand)
    return Range(name, *_BOUNDS[operator](line))


_BOUNDS: dict[Operator, Callable[[int], tuple[int, int]]] = {
    ">": lambda line: (line + 1, _INFINITY),
    "≥": lambda line: (line, _INFINITY),
    "<": lambda line: (-_INFINITY, line - 1),
    "≤": lambda line: (-_INFINITY, line),
}


def _line(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise FilterError(
            f"metadata_condition: {name} is a whole number and cannot be compared with {value!r}"
        ) from error


def _source_filter(sources: Collection[str], documents: Sequence[DocumentMetadata]) -> Filter:
    return _in_filter("source", sources, [document.source for document in documents])


def _in_filter(field: str, chosen: Collection[str], known: Sequence[str]) -> Filter:
    """Return a filter for the chosen ones of all known values of a field, listing whichever side is shorter."""
    if not chosen:
        return _NOTHING
    others = tuple(value for value in known if value not in chosen)
    if len(others) < len(chosen):
        return Not(In(field, others)) if others else Not(_NOTHING)
    return In(field, tuple(sorted(chosen)))
