"""Records that are kept packed are a mapping like any other."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.packed_records import PackedRecords


@dataclass(frozen=True)
class Record:
    name: str
    number: int
    text: str


def pack(record: Record) -> Sequence[str]:
    return record.name, str(record.number), record.text


def unpack(texts: Sequence[str]) -> Record:
    name, number, *text = texts
    return Record(name, int(number), "\0".join(text))


def packed(records: Sequence[Record]) -> PackedRecords[Record]:
    return PackedRecords(records, pack=pack, unpack=unpack)


# The alphabet: names that begin with others, a separator of paths, Chinese, bytes that are no characters.
names = st.text("ab/-.潮\udcff\U0001f30a", max_size=4)
records = st.lists(st.builds(Record, names, st.integers(), st.text("a\0潮\ud800")), unique_by=lambda each: each.name)


@settings(deadline=None, derandomize=True)
@given(records, records, names)
def test_it_holds_what_a_dictionary_would_hold(first: list[Record], second: list[Record], name: str) -> None:
    expected = {record.name: record for record in first}
    found = packed(first)
    assert found == expected
    assert list(found) == [record.name for record in found.values()] == sorted(expected)
    assert (found.get(name), name in found) == (expected.get(name), name in expected)
    new = [record for record in second if record.name not in expected]
    assert found.including(new) == expected | {record.name: record for record in new}


def test_a_record_that_is_there_twice_is_there_once() -> None:
    record = Record("a", 1, "text")
    assert list(packed([record, Record("b", 2, ""), record]).values()) == [record, Record("b", 2, "")]


def test_a_name_with_a_nul_is_none() -> None:
    """Otherwise it would be taken for the name and the beginning of the text after it."""
    assert "a\0001" not in packed([Record("a", 1, "text")])
