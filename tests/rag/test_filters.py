"""Conditions on chunks say in Milvus what they say in Python, and nothing that they hold can change that."""

from collections.abc import Callable, Iterator, Mapping
from typing import assert_never

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import FilterError
from rag.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range, to_expression
from rag.milvus import Milvus, literal
from rag.rows import chunk_collection, chunk_row
from rag.vocabulary import Chunk, Kind, MetadataValue, Scalar

Found = Callable[[Filter], list[int]]


def chunk(
    position: int,
    source: str,
    title: str,
    kind: Kind,
    start_line: int,
    metadata: Mapping[str, MetadataValue] | None = None,
) -> Chunk:
    return Chunk(
        id=f"{position:032x}",
        source=source,
        title=title,
        heading_path=("h",),
        anchor="h",
        kind=kind,
        position=position,
        group="g",
        start_line=start_line,
        end_line=start_line,
        content="c",
        metadata=metadata or {},
    )


CHUNKS = [
    chunk(0, "guide/a.md", "指南", "text", 1),
    chunk(1, "guide/b.md", "指南", "row", 7, {"lang": "zh"}),
    chunk(2, "guide/B.md", "", "row", 9, {"lang": "en", "n": 3}),
    chunk(3, "a%_.md", 'say "hi"', "list", 0),
    chunk(4, "a\\b.md", "\\", "code", 7),
    chunk(5, "a'b.md", "' or 1 == 1", "table", 2**40),
    chunk(6, "概述.md", "概述🙂", "text", 12, {"标签": ["a", "b"]}),
    chunk(7, "a", "{x} ${y} %s [1]", "text", 3, {"n": "3"}),
]
TEXT_FIELDS = ("source", "kind", "title")
NUMBER_FIELDS = ("position", "start_line")

text_fields = st.sampled_from(TEXT_FIELDS)
number_fields = st.sampled_from(NUMBER_FIELDS)
own_texts = st.sampled_from([getattr(chunk, field) for chunk in CHUNKS for field in TEXT_FIELDS])
texts = own_texts | st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=8)
numbers = st.integers(-3, 15) | st.sampled_from([2**40, 2**63 - 1, -(2**63)])


def bounded(field: str, low: int | None, high: int | None) -> Filter:
    return Range(field, low, high) if (low, high) != (None, None) else Range(field, 0)


single: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equals, text_fields, texts),
    st.builds(Equals, number_fields, numbers),
    st.builds(In, text_fields, st.lists(texts, min_size=1, max_size=4).map(tuple)),
    st.builds(In, number_fields, st.lists(numbers, min_size=1, max_size=4).map(tuple)),
    st.builds(Prefix, text_fields, texts | own_texts.map(lambda text: text[:2])),
    st.builds(bounded, number_fields, st.none() | numbers, st.none() | numbers),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    single,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The positions of the chunks that a filter finds in a real Milvus Lite."""
    milvus = Milvus(str(tmp_path_factory.mktemp("filters") / "m.db"))
    vector = np.array([1.0, 0.0], dtype=np.float32)
    milvus.create("chunks", chunk_collection(2, lexical=True))
    milvus.upsert("chunks", [chunk_row(chunk, vector, born=1) for chunk in CHUNKS])

    def positions(condition: Filter) -> list[int]:
        rows = milvus.rows("chunks", to_expression(condition, literal), ["position"])
        return sorted(row["position"] for row in rows)

    yield positions
    milvus.close()


def holds(condition: Filter, chunk: Chunk) -> bool:  # noqa: PLR0911
    """What a condition means."""
    match condition:
        case Equals(field, value):
            return bool(getattr(chunk, field) == value)
        case In(field, values):
            return getattr(chunk, field) in values
        case Prefix(field, value):
            return str(getattr(chunk, field)).startswith(value)
        case Range(field, low, high):
            value = getattr(chunk, field)
            return (low is None or value >= low) and (high is None or value <= high)
        case All(of):
            return all(holds(part, chunk) for part in of)
        case AnyOf(of):
            return any(holds(part, chunk) for part in of)
        case Not(of):
            return not holds(of, chunk)
    assert_never(condition)


def meant(condition: Filter) -> list[int]:
    return [chunk.position for chunk in CHUNKS if holds(condition, chunk)]


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        (Equals("source", "a.md"), 'source == "a.md"'),
        (Equals("lang", "zh"), 'metadata["lang"] == "zh"'),
        (Equals("draft", True), 'metadata["draft"] == true'),
        (In("kind", ("row", "table")), 'kind in ["row", "table"]'),
        (Prefix("source", "guide/"), '(source >= "guide/" and source < "guide/\U0010ffff")'),
        (Range("start_line", 1, 5), "(start_line >= 1 and start_line <= 5)"),
        (Range("start_line", at_most=5), "(start_line <= 5)"),
        (Range("weight", at_least=0.5), '(metadata["weight"] >= 0.5)'),
        (All((Equals("kind", "row"), Equals("n", 1))), '(kind == "row" and metadata["n"] == 1)'),
        (AnyOf((Equals("kind", "row"), Equals("n", 1))), '(kind == "row" or metadata["n"] == 1)'),
    ],
)
def test_each_condition_has_its_expression(condition: Filter, expression: str) -> None:
    assert to_expression(condition, literal) == expression


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        (Equals("source", "a.md"), 'source != "a.md"'),
        (In("kind", ("row",)), 'kind not in ["row"]'),
        (Prefix("source", "a"), '(source < "a" or source >= "a\U0010ffff")'),
        (Range("start_line", 1, 5), "(start_line < 1 or start_line > 5)"),
        (All((Equals("kind", "row"), Equals("n", 1))), '(kind != "row" or metadata["n"] != 1)'),
        (AnyOf((Equals("kind", "row"), Equals("n", 1))), '(kind != "row" and metadata["n"] != 1)'),
        (Not(Equals("kind", "row")), 'kind == "row"'),
    ],
)
def test_a_negation_is_carried_down_to_the_comparisons(condition: Filter, expression: str) -> None:
    assert to_expression(Not(condition), literal) == expression


@given(filters)
def test_milvus_finds_the_chunks_for_which_the_condition_holds(found: Found, condition: Filter) -> None:
    assert found(condition) == meant(condition)


@given(filters)
def test_a_condition_and_its_negation_share_out_all_chunks(found: Found, condition: Filter) -> None:
    assert sorted(found(condition) + found(Not(condition))) == list(range(len(CHUNKS)))


@given(st.lists(single, min_size=1, max_size=3).map(tuple))
def test_de_morgan_holds_in_milvus(found: Found, parts: tuple[Filter, ...]) -> None:
    negated = tuple(Not(part) for part in parts)
    assert found(Not(All(parts))) == found(AnyOf(negated))
    assert found(Not(AnyOf(parts))) == found(All(negated))


def test_front_matter_is_compared_with_its_own_types(found: Found) -> None:
    assert found(Equals("lang", "zh")) == [1]
    assert found(In("lang", ("zh", "en"))) == [1, 2]
    assert found(Prefix("lang", "e")) == [2]
    assert found(Equals("n", 3)) == [2]
    assert found(Equals("n", "3")) == [7]
    assert found(Range("n", 1, 5)) == [2]
    assert found(Equals("nothing_has_this", 1)) == []


def test_a_front_matter_key_named_like_an_internal_column_does_not_reach_it(found: Found) -> None:
    for field in ("born", "died", "row_id", "content", "terms", "vector", "metadata", "text_hash", "heading_path"):
        assert to_expression(Equals(field, 1), literal) == f'metadata["{field}"] == 1'
        assert found(Equals(field, 1)) == []


HOSTILE_TEXTS = [
    '" or source != "',
    "' or 1 == 1 or '",
    '\\" or 1 == 1 --',
    "\\",
    "\\\\",
    "a.md\\",
    "%",
    "_",
    "a%_.md",
    "{x}",
    "${x}",
    "/* */",
    "true",
    "null",
    "[1]",
    "\u2028\u2029",
    "\ufeff",
    "\u202e",
    "🙂" * 100,
    "x" * 70_000,
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_a_hostile_text_is_only_ever_compared(found: Found, field: str, text: str) -> None:
    for condition in (Equals(field, text), In(field, (text, "guide/a.md")), Prefix(field, text)):
        assert found(condition) == meant(condition)
        assert found(Not(condition)) == meant(Not(condition))


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "\x1b[0m", "\x7f", "a\x9fb"])
def test_a_control_character_in_a_value_is_refused(text: str) -> None:
    for condition in (Equals("source", text), In("source", (text,)), Prefix("lang", text)):
        with pytest.raises(FilterError, match="holds a control character"):
            to_expression(condition, literal)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_in_a_value_is_refused(found: Found, text: str) -> None:
    for condition in (Equals("source", text), Prefix("lang", text)):
        with pytest.raises(FilterError):
            found(condition)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    for condition in (Equals("weight", number), Range("weight", at_least=number), Range("weight", at_most=number)):
        with pytest.raises(FilterError, match="is not a finite number"):
            to_expression(condition, literal)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 2**64 + 1, 10**30])
def test_a_number_beyond_64_bits_is_compared_rightly_or_refused(found: Found, number: int) -> None:
    for condition in (
        Equals("position", number),
        In("position", (number, 1)),
        Range("position", at_least=number),
        Range("position", at_most=number),
    ):
        try:
            assert found(condition) == meant(condition)
        except FilterError:
            continue


HOSTILE_FIELDS = [
    "",
    " ",
    "a b",
    'x"] == 1 or metadata["y',
    "source == 'a' or source",
    "metadata['x']",
    "a.b",
    "a\n",
    "1a",
    "-a",
    "$meta",
    "a" * 65,
    "\0",
    "\ud800",
    "a\u200b",
    "count(*)",
]


@pytest.mark.parametrize("field", HOSTILE_FIELDS, ids=range(len(HOSTILE_FIELDS)))
def test_a_field_that_is_no_word_is_refused(field: str) -> None:
    for condition in (Equals(field, 1), In(field, (1,)), Prefix(field, "a"), Range(field, 1)):
        with pytest.raises(FilterError, match="cannot be a field"):
            to_expression(condition, literal)


@given(
    st.text(max_size=12) | st.sampled_from([*TEXT_FIELDS, *NUMBER_FIELDS]),
    st.text(max_size=12) | st.integers() | st.floats(allow_nan=False) | st.booleans(),
)
def test_whatever_field_and_value_hold_the_answer_is_right_or_a_filter_error(
    found: Found, field: str, value: Scalar
) -> None:
    own = field in (*TEXT_FIELDS, *NUMBER_FIELDS)
    for condition in (Equals(field, value), In(field, (value,)), In(field, (value, "a", 1))):
        try:
            positions = found(condition)
        except FilterError:
            continue
        if own:
            assert positions == meant(condition)
        else:
            assert positions == []


@pytest.mark.parametrize(
    "condition",
    [
        Equals("position", "1"),
        Equals("position", 1.0),
        Equals("position", 1.5),
        Equals("position", True),
        Equals("kind", 5),
        Equals("kind", True),
        In("source", ("guide/a.md", 5)),
        In("position", (1, "a")),
        In("position", (1, 2.0)),
        Range("position", 0.5, 2.0),
    ],
    ids=repr,
)
def test_comparing_a_column_with_a_value_of_another_type_is_right_or_a_filter_error(
    found: Found, condition: Filter
) -> None:
    try:
        assert found(condition) == meant(condition)
    except FilterError:
        return


@pytest.mark.parametrize(
    "condition", [Prefix("position", "1"), Range("source", 1, 2), Range("position", True)], ids=repr
)
def test_an_order_that_the_column_does_not_have_is_a_filter_error(found: Found, condition: Filter) -> None:
    with pytest.raises(FilterError):
        found(condition)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(("3", 3), [2, 7]), ((3, "zh"), [2]), ((3, True), [2]), ((3, 4.5), [2]), ((3.0, 4), [2])],
)
def test_a_list_of_several_types_for_a_front_matter_key_is_right_or_a_filter_error(
    found: Found, values: tuple[Scalar, ...], expected: list[int]
) -> None:
    try:
        assert found(In("n", values)) == expected
    except FilterError:
        return


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(FilterError, match="compares with nothing"):
        to_expression(Equals("source", None), literal)
    with pytest.raises(FilterError, match="compares with nothing"):
        to_expression(In("source", ("a", None)), literal)
    with pytest.raises(FilterError, match="lists no values"):
        to_expression(In("source", ()), literal)
    with pytest.raises(FilterError, match="has no bound"):
        to_expression(Range("position"), literal)


@pytest.mark.parametrize("empty", [All(()), AnyOf(()), Not(All(())), AnyOf((Equals("kind", "row"), All(())))])
def test_an_empty_group_is_refused(empty: Filter) -> None:
    with pytest.raises(FilterError, match="a group of conditions is empty"):
        to_expression(empty, literal)


def test_deep_nesting_is_refused_and_the_permitted_depth_runs(found: Found) -> None:
    condition: Filter = Equals("kind", "row")
    for _ in range(16):
        condition = All((condition,))
    assert found(condition) == [1, 2]
    with pytest.raises(FilterError, match="nested deeper than 16 levels"):
        to_expression(All((condition,)), literal)
    for _ in range(5000):
        condition = Not(condition)
    with pytest.raises(FilterError, match="nested deeper than 16 levels"):
        to_expression(condition, literal)
