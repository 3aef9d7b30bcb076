"""A metadata condition is bounded by what it makes the server compare."""

from typing import Any

import pytest

from api.dify.metadata_filter import to_filter
from api.dify.schemas import MetadataCondition
from rag.errors import FilterError
from rag.store.document_metadata import DocumentMetadata

DOCUMENTS = [DocumentMetadata(f"{number}.md", "T", {"tags": ["a", f"t{number}"]}) for number in range(9)]


def condition(conditions: int, *, names: int = 1, values: int = 1, as_text: bool = False) -> MetadataCondition:
    listed: Any = [f"v{number}" for number in range(values)]
    one = {
        "name": [f"key{number}" for number in range(names)],
        "comparison_operator": "not in",
        "value": ",".join(listed) if as_text else listed,
    }
    return MetadataCondition.model_validate({"conditions": [one] * conditions})


@pytest.mark.parametrize(
    ("size", "comparisons"),
    [
        ({"conditions": 20, "values": 200}, 4000),
        ({"conditions": 3, "names": 20, "values": 20}, 1200),
        ({"conditions": 3, "values": 400, "as_text": True}, 1200),
        ({"conditions": 6, "values": 167}, 1002),
    ],
)
def test_more_comparisons_than_a_search_may_make_are_refused(size: dict[str, Any], comparisons: int) -> None:
    with pytest.raises(FilterError, match=f"metadata_condition makes {comparisons} comparisons; 1000 are allowed"):
        to_filter(condition(**size), DOCUMENTS)


@pytest.mark.parametrize("size", [{"conditions": 50, "names": 20}, {"conditions": 5, "values": 200}])
def test_a_thousand_comparisons_are_made(size: dict[str, Any]) -> None:
    assert to_filter(condition(**size), DOCUMENTS) is not None
