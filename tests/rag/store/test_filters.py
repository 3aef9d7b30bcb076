"""Filters mean in Milvus what they mean in Python, and nothing that they hold can change that."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import FilterError
from rag.store.columns import SCHEMA_VERSION
from rag.store.filter_expressions import translate_filter
from rag.store.filter_keys import filter_keys_of, kind_key, value_key
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.store.records import Commit
from rag.store.snapshot import Snapshot
from rag.types import Chunk, ChunkKind, MetadataValue, Scalar
from rag.wiring import open_store
from tests.kit.corpus import settings_for
from tests.kit.filter_model import Bound, holds

Found = Callable[[Filter], list[int]]


def chunk(
    position: int,
    source: str,
    title: str,
    kind: ChunkKind,
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
    chunk(1, "guide/b.md", "指南", "row", 7, {"lang": "zh", "tags": ["ops"]}),
    chunk(2, "guide/B.md", "", "row", 9, {"lang": "en", "n": 3, "tags": ["ops", "db", 3]}),
    chunk(3, "a%_.md", 'say "hi"', "list", 0, {"n": 3.5, "tags": []}),
    chunk(4, "a\\b.md", "\\", "code", 7, {"n": True, "date": "2024-05-31"}),
    chunk(5, "a'b.md", "' or 1 == 1", "table", 2**40, {"n": None, "date": "2025-01-01"}),
    chunk(6, "概述.md", "概述🙂", "text", 12, {"标签": ["a", "b"], "n": [3, True, None], "date": ["2024-06-01"]}),
    chunk(7, "a", "{x} ${y} %s [1]", "text", 3, {"n": "3", "tags": "ops", "lang": 'z"\\n\n'}),
    chunk(8, "b", "or", "text", 3, {"n": 2**53 + 1, "lang": "", "tags": [""]}),
    chunk(9, "c", "and", "text", 3, {"n": -1e300, "lang": "\U0001f642", "tags": ["d\0b"]}),
]
VECTOR = np.array([1.0, 0.0], dtype=np.float32)
TEXT_FIELDS = ("source", "kind", "title")
NUMBER_FIELDS = ("position", "start_line")
KEYS = ("lang", "n", "tags", "date", "标签", "nothing_has_this")

text_fields = st.sampled_from(TEXT_FIELDS)
number_fields = st.sampled_from(NUMBER_FIELDS)
keys = st.sampled_from(KEYS)
own_texts = st.sampled_from([getattr(chunk, field) for chunk in CHUNKS for field in TEXT_FIELDS])
# U+10FFFF marks the end of the texts with a prefix, so no text may hold it.
printable = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\U0010ffff")
texts = own_texts | st.text(alphabet=printable, max_size=8)
numbers = st.integers(-3, 15) | st.sampled_from([2**40, 2**63 - 1, -(2**63) + 1])
front_matter_texts = st.sampled_from(["zh", "en", "ops", "db", "3", "a", "", "2024-05-31", "2024-06", "🙂"]) | texts
front_matter_numbers = (
    st.sampled_from([3, 3.0, 3.5, 1, 1.0, 0, 2**53, 2**53 + 1, float(2**53), -1e300, 1e308])
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
front_matter_values = front_matter_texts | front_matter_numbers | st.booleans()


def bounded(field: str, bounds: tuple[Bound, Bound]) -> Filter:
    return Range(field, *bounds)


def bounds_of(bound: st.SearchStrategy[Bound]) -> st.SearchStrategy[tuple[Bound, Bound]]:
    return st.tuples(bound, bound) | st.tuples(bound, st.none()) | st.tuples(st.none(), bound)


def lists_of(values: st.SearchStrategy[Scalar]) -> st.SearchStrategy[tuple[Scalar, ...]]:
    return st.lists(values, min_size=1, max_size=4).map(tuple)


single: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equals, text_fields, texts),
    st.builds(Equals, number_fields, numbers),
    st.builds(Equals, keys, front_matter_values),
    st.builds(In, text_fields, lists_of(texts)),
    st.builds(In, number_fields, lists_of(numbers)),
    st.builds(In, keys, lists_of(front_matter_values)),
    st.builds(Prefix, text_fields, texts | own_texts.map(lambda text: text[:2])),
    st.builds(Prefix, keys, front_matter_texts),
    st.builds(bounded, number_fields, bounds_of(numbers)),
    st.builds(bounded, text_fields, bounds_of(texts)),
    st.builds(bounded, keys, bounds_of(front_matter_texts) | bounds_of(front_matter_numbers)),
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
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """A generation of the chunks in a real Milvus Lite."""
    folder = tmp_path_factory.mktemp("filters")
    with open_store(settings_for(folder, folder / "m.db")) as store:
        namespace = store.new_namespace(1)
        namespace.create(dimension=2, lexical=True)
        namespace.insert_chunks(CHUNKS, np.stack([VECTOR] * len(CHUNKS)), born=1)
        yield store.snapshot_of(
            Commit(1, namespace.name, "e", "f", 2, SCHEMA_VERSION, "hybrid", "2024-05-31", "/docs", 1, len(CHUNKS))
        )


@pytest.fixture(scope="module")
def found(snapshot: Snapshot) -> Found:
    """The positions of the chunks that a filter finds."""

    def positions(search_filter: Filter) -> list[int]:
        return sorted(chunk.position for chunk in snapshot.chunks(search_filter))

    return positions


ZH = value_key("lang", "zh")
WEIGHT_IS_A_NUMBER = kind_key("weight", "number")


def meant(search_filter: Filter) -> list[int]:
    return [chunk.position for chunk in CHUNKS if holds(search_filter, partial(value_of, chunk))]


def value_of(chunk: Chunk, field: str) -> MetadataValue:
    value: MetadataValue = chunk.metadata.get(field) if field in KEYS else getattr(chunk, field)
    return value


@pytest.mark.parametrize(
    ("search_filter", "expression"),
    [
        (Equals("source", "a.md"), 'source in ["a.md"]'),
        (Equals("lang", "zh"), f'facets["{ZH}"] == true'),
        (In("kind", ("row", "table")), 'kind in ["row", "table"]'),
        (Prefix("source", "guide/"), '(source >= "guide/" and source < "guide/\U0010ffff")'),
        (Range("start_line", 1, 5), "(start_line >= 1 and start_line <= 5)"),
        (Range("start_line", at_most=5), "start_line <= 5"),
        (Range("weight", at_least=0.5), 'metadata["weight"] >= 0.5'),
        (All((Equals("kind", "row"), Equals("lang", "zh"))), f'(kind in ["row"] and facets["{ZH}"] == true)'),
        (AnyOf((Equals("kind", "row"), Equals("lang", "zh"))), f'(kind in ["row"] or facets["{ZH}"] == true)'),
    ],
)
def test_each_filter_has_its_expression(search_filter: Filter, expression: str) -> None:
    assert translate_filter(search_filter).text == expression


@pytest.mark.parametrize(
    ("search_filter", "expression"),
    [
        (Equals("source", "a.md"), 'source not in ["a.md"]'),
        (Prefix("source", "a"), '(source < "a" or source >= "a\U0010ffff")'),
        (Range("start_line", 1, 5), "(start_line < 1 or start_line > 5)"),
        (Range("weight", at_least=1), f'(metadata["weight"] < 1 or facets["{WEIGHT_IS_A_NUMBER}"] != true)'),
        (All((Equals("kind", "row"), Equals("lang", "zh"))), f'(kind not in ["row"] or facets["{ZH}"] != true)'),
        (AnyOf((Equals("kind", "row"), Equals("lang", "zh"))), f'(kind not in ["row"] and facets["{ZH}"] != true)'),
        (Not(Equals("kind", "row")), 'kind in ["row"]'),
    ],
)
def test_a_negation_is_carried_down_to_the_comparisons(search_filter: Filter, expression: str) -> None:
    assert translate_filter(Not(search_filter)).text == expression


@given(filters)
def test_milvus_finds_the_chunks_for_which_the_filter_holds(found: Found, search_filter: Filter) -> None:
    assert found(search_filter) == meant(search_filter)


@settings(max_examples=50)
@given(filters)
def test_both_searches_find_nothing_else(snapshot: Snapshot, search_filter: Filter) -> None:
    limit = len(CHUNKS)
    by_vector = snapshot.search_vectors(VECTOR, limit=limit, search_filter=search_filter)
    by_terms = snapshot.search_terms(["c"], limit=limit, search_filter=search_filter)
    for hits in (by_vector, by_terms):
        assert sorted(stored.chunk.position for stored, _ in hits) == meant(search_filter)


@given(filters)
def test_a_filter_and_its_negation_divide_all_chunks_between_them(found: Found, search_filter: Filter) -> None:
    assert sorted(found(search_filter) + found(Not(search_filter))) == list(range(len(CHUNKS)))


@given(st.lists(single, min_size=1, max_size=3).map(tuple))
def test_de_morgan_holds_in_milvus(found: Found, parts: tuple[Filter, ...]) -> None:
    negated = tuple(Not(part) for part in parts)
    assert found(Not(All(parts))) == found(AnyOf(negated))
    assert found(Not(AnyOf(parts))) == found(All(negated))


def test_front_matter_is_compared_with_its_own_types(found: Found) -> None:
    assert found(Equals("lang", "zh")) == [1]
    assert found(In("lang", ("zh", "en"))) == [1, 2]
    assert found(Prefix("lang", "e")) == [2]
    assert found(Equals("n", 3)) == [2, 6]
    assert found(Equals("n", "3")) == [7]
    assert found(Equals("n", True)) == [4, 6]
    assert found(Range("n", 1, 5)) == [2, 3]
    assert found(Range("date", at_least="2024-05-31", at_most="2024-12-31")) == [4]
    assert found(Equals("nothing_has_this", 1)) == []


def test_a_list_equals_each_of_its_values_and_is_in_no_range(found: Found) -> None:
    assert found(Equals("tags", "ops")) == [1, 2, 7]
    assert found(In("tags", ("db", ""))) == [2, 8]
    assert found(All((Equals("tags", "ops"), Equals("tags", "db")))) == [2]
    assert found(Prefix("tags", "o")) == [7]
    assert found(Not(Equals("tags", "ops"))) == [0, 3, 4, 5, 6, 8, 9]
    assert found(Range("date", at_least="2024-06-01")) == [5]


def test_a_negation_holds_for_chunks_without_the_key_too(found: Found) -> None:
    assert found(Not(Range("n", at_least=3))) == [0, 1, 4, 5, 6, 7, 9]
    assert found(Not(Prefix("lang", "e"))) == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert found(Not(Equals("nothing_has_this", 1))) == list(range(len(CHUNKS)))


def test_a_front_matter_key_named_like_an_internal_column_does_not_reach_it(found: Found) -> None:
    for field in (
        "born",
        "died",
        "row_id",
        "content",
        "terms",
        "vector",
        "metadata",
        "text_hash",
        "heading_path",
        "facets",
    ):
        assert translate_filter(Range(field, 1)).text == f'metadata["{field}"] >= 1'
        assert found(Equals(field, 1)) == found(Range(field, 1)) == found(Prefix(field, "")) == []


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
    for search_filter in (Equals(field, text), In(field, (text, "guide/a.md")), Prefix(field, text)):
        assert found(search_filter) == meant(search_filter)
        assert found(Not(search_filter)) == meant(Not(search_filter))


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "\x1b[0m", "\x7f", "a\x9fb"])
def test_a_control_character_in_a_value_is_refused(text: str) -> None:
    for search_filter in (Equals("source", text), In("source", (text,)), Prefix("lang", text)):
        with pytest.raises(FilterError, match="holds a control character"):
            translate_filter(search_filter)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_in_a_value_is_refused(found: Found, text: str) -> None:
    for search_filter in (Equals("source", text), Prefix("lang", text)):
        with pytest.raises(FilterError):
            found(search_filter)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    for search_filter in (Equals("weight", number), Range("weight", at_least=number), Range("weight", at_most=number)):
        with pytest.raises(FilterError, match="is not a finite number"):
            translate_filter(search_filter)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 2**64 + 1, 10**30])
def test_a_number_beyond_64_bits_is_compared_correctly_or_refused(found: Found, number: int) -> None:
    for search_filter in (
        Equals("position", number),
        In("position", (number, 1)),
        Range("position", at_least=number),
        Range("position", at_most=number),
    ):
        try:
            assert found(search_filter) == meant(search_filter)
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
def test_a_field_that_is_not_a_word_is_refused(field: str) -> None:
    for search_filter in (Equals(field, 1), In(field, (1,)), Prefix(field, "a"), Range(field, 1)):
        with pytest.raises(FilterError, match="cannot be a field"):
            translate_filter(search_filter)


@given(
    st.text(max_size=12) | st.sampled_from([*TEXT_FIELDS, *NUMBER_FIELDS]),
    st.text(max_size=12) | st.integers() | st.floats(allow_nan=False) | st.booleans(),
)
def test_whatever_field_and_value_hold_the_answer_is_right_or_a_filter_error(
    found: Found, field: str, value: Scalar
) -> None:
    own = field in (*TEXT_FIELDS, *NUMBER_FIELDS)
    for search_filter in (Equals(field, value), In(field, (value,)), In(field, (value, "a", 1))):
        try:
            positions = found(search_filter)
        except FilterError:
            continue
        if own:
            assert positions == meant(search_filter)
        else:
            assert positions == []


@pytest.mark.parametrize(
    "search_filter",
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
    found: Found, search_filter: Filter
) -> None:
    try:
        assert found(search_filter) == meant(search_filter)
    except FilterError:
        return


@pytest.mark.parametrize(
    "search_filter",
    [
        Prefix("position", "1"),
        Range("source", 1, 2),
        Range("position", True),
        Range("n", False, True),
        Range("n", 1, "5"),
        Range("position", "1"),
    ],
    ids=repr,
)
def test_an_order_that_the_column_does_not_have_is_a_filter_error(found: Found, search_filter: Filter) -> None:
    with pytest.raises(FilterError):
        found(search_filter)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(("3", 3), [2, 6, 7]), ((3, True), [2, 4, 6]), ((1, True), [4, 6]), ((3, 3.5), [2, 3, 6]), ((3.0, 4), [2, 6])],
)
def test_a_list_of_several_types_is_compared_one_by_one(
    found: Found, values: tuple[Scalar, ...], expected: list[int]
) -> None:
    assert found(In("n", values)) == expected


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(FilterError, match="compares with nothing"):
        translate_filter(Equals("source", None))
    with pytest.raises(FilterError, match="compares with nothing"):
        translate_filter(In("source", ("a", None)))
    with pytest.raises(FilterError, match="lists no values"):
        translate_filter(In("source", ()))
    with pytest.raises(FilterError, match="has no bound"):
        translate_filter(Range("position"))


@pytest.mark.parametrize("empty", [All(()), AnyOf(()), Not(All(())), AnyOf((Equals("kind", "row"), All(())))])
def test_an_empty_group_is_refused(empty: Filter) -> None:
    with pytest.raises(FilterError, match="a group of conditions is empty"):
        translate_filter(empty)


def test_deep_nesting_is_refused_and_the_permitted_depth_runs(found: Found) -> None:
    search_filter: Filter = Equals("kind", "row")
    for _ in range(16):
        search_filter = All((search_filter,))
    assert found(search_filter) == [1, 2]
    with pytest.raises(FilterError, match="nested deeper than 16 levels"):
        translate_filter(All((search_filter,)))
    for _ in range(5000):
        search_filter = Not(search_filter)
    with pytest.raises(FilterError, match="nested deeper than 16 levels"):
        translate_filter(search_filter)


def test_a_wide_filter_runs_and_one_that_is_wider_still_is_refused(found: Found) -> None:
    many = tuple(Equals("n", number) for number in range(1000))
    assert found(AnyOf(many)) == [2, 6]
    assert found(All(tuple(Not(one) for one in many))) == [0, 1, 3, 4, 5, 7, 8, 9]
    assert found(In("tags", ("ops", *map(str, range(999))))) == [1, 2, 7]
    assert found(In("source", ("a", *map(str, range(5000))))) == [7]
    with pytest.raises(FilterError, match="makes 1001 comparisons; 1000 are allowed"):
        translate_filter(AnyOf((*many, Equals("n", 1000))))


def test_a_filter_that_is_deep_and_wide_runs_or_is_refused(found: Found) -> None:
    for width in (2, 4, 8, 32):
        search_filter: Filter = Equals("kind", "row")
        for level in range(16):
            group = (*(Equals("title", f"{level}-{number}") for number in range(width)), search_filter)
            search_filter = AnyOf(group) if level % 2 else All(group)
        try:
            assert found(search_filter) == meant(search_filter)
        except FilterError as error:
            assert "nested too deep for its size" in str(error)
            assert width > 2


def test_a_chunk_without_front_matter_has_no_filter_keys_and_one_with_it_has_few() -> None:
    assert filter_keys_of({}) == frozenset()
    assert filter_keys_of({"n": 3, "tags": ["a", "a", 3.0, 3]}) == {
        value_key("n", 3),
        kind_key("n", "number"),
        value_key("tags", "a"),
        value_key("tags", 3),
    }


def test_filter_keys_of_different_keys_and_values_differ() -> None:
    facts = [("a", "b"), ("ab", ""), ("a", "text"), ("a", 1), ("a", "1"), ("a", True), ("a", "true"), ("a", 1.5)]
    assert len({value_key(key, value) for key, value in facts} | {kind_key("a", "text")}) == len(facts) + 1
