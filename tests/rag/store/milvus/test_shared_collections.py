"""A part of a shared collection is to its users a collection of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError
from rag.store import rows
from rag.store.collection_spec import PAYLOADS_BY_KEY, CollectionSpec, Field, Row
from rag.store.milvus.client import Milvus
from rag.store.milvus.shared_collections import SharingMilvus

WORDS = CollectionSpec(
    fields=(Field("row_id", "text", 64), Field("born", "integer"), Field("terms", "text", 1000)),
    dimension=2,
    terms_field="terms",
    is_searched=True,
)
ANY = 'row_id != ""'


def row(name: str, terms: str, *, born: int = 1, angle: float = 0.0) -> Row:
    return {"row_id": name, "born": born, "terms": terms, "vector": [float(np.cos(angle)), float(np.sin(angle))]}


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "m.db")


@pytest.fixture
def milvus(database: str) -> Iterator[SharingMilvus]:
    milvus = SharingMilvus(database, shares=True)
    yield milvus
    milvus.close()


@pytest.fixture
def two(milvus: SharingMilvus) -> SharingMilvus:
    """Two parts whose rows have the same keys."""
    for name, word in (("one", "tide"), ("two", "reef")):
        milvus.create(name, WORDS)
        milvus.insert(name, [row(f"k{number}", f"{word} {word}{number}", angle=number / 10) for number in range(6)])
    return milvus


def of_milvus(milvus: SharingMilvus) -> list[str]:
    """The collections that Milvus has."""
    return Milvus.collections(milvus)


def contents(milvus: Milvus, name: str, expression: str = ANY) -> dict[str, str]:
    return {row["row_id"]: row["terms"] for row in milvus.rows(name, expression, ["row_id", "terms"])}


def test_collections_with_the_same_fields_are_one(two: SharingMilvus) -> None:
    before = of_milvus(two)
    two.create("three", WORDS)
    assert of_milvus(two) == before
    assert two.collections() == ["one", "three", "two"]
    two.create("states", PAYLOADS_BY_KEY)
    assert of_milvus(two) == before, "the list of the parts is among the payloads by key"
    two.create("wider", CollectionSpec(WORDS.fields, dimension=3, terms_field="terms", is_searched=True))
    assert len(of_milvus(two)) == len(before) + 1


def test_rows_with_the_same_key_stay_apart(two: SharingMilvus) -> None:
    two.upsert("one", [row("k0", "tide again")])
    assert contents(two, "one", 'row_id == "k0"') == {"k0": "tide again"}
    assert contents(two, "two", 'row_id == "k0"') == {"k0": "reef reef0"}
    two.delete("one", 'row_id in ["k0", "k1"]')
    assert sorted(contents(two, "one")) == ["k2", "k3", "k4", "k5"]
    assert two.count("one", ANY) == 4
    assert two.count("two", ANY) == 6


@pytest.mark.parametrize("expression", ['row_id == "k1" or row_id == "k2"', "born > 0 or born < 0", "born >= 1"])
def test_no_expression_reaches_the_rows_of_others(two: SharingMilvus, expression: str) -> None:
    found = contents(two, "one", expression)
    assert found
    assert all(terms.startswith("tide") for terms in found.values())
    nearest = two.search("one", np.array([1, 0], np.float32), expression=expression, limit=50)
    assert {key for key, _ in nearest} == found.keys()
    by_terms = two.search("one", "tide reef", expression=expression, limit=50)
    assert {key for key, _ in by_terms} == found.keys()
    two.delete("one", expression)
    assert two.count("two", ANY) == 6
    assert two.count("one", ANY) == 6 - len(found)


def test_a_row_has_the_fields_that_it_was_written_with(two: SharingMilvus) -> None:
    [found] = two.rows("two", 'row_id == "k0"', ["*"])
    assert {name: value for name, value in found.items() if name != "vector"} == {
        "row_id": "k0",
        "born": 1,
        "terms": "reef reef0",
    }
    two.insert("two", [found | {"row_id": "copy"}])
    assert contents(two, "two", 'row_id == "copy"') == {"copy": "reef reef0"}


def test_more_rows_than_a_page_are_all_read(milvus: SharingMilvus) -> None:
    for name in ("many", "others"):
        milvus.create(name, PAYLOADS_BY_KEY)
        milvus.insert(name, [rows.to_state_row(f"k{number:05}", {"of": name}) for number in range(2100)])
    found = list(milvus.rows("many", 'key >= "k00050"', ["key", "payload"]))
    assert sorted(row["key"] for row in found) == [f"k{number:05}" for number in range(50, 2100)]
    assert {row["payload"]["of"] for row in found} == {"many"}


def test_to_drop_one_leaves_the_other_and_the_last_takes_the_collection(two: SharingMilvus) -> None:
    shared = of_milvus(two)
    two.drop("one")
    assert two.collections() == ["two"]
    assert len(contents(two, "two")) == 6
    two.create("one", WORDS)
    assert contents(two, "one") == {}
    assert of_milvus(two) == shared
    two.drop("one")
    two.drop("two")
    assert two.collections() == []
    assert len(of_milvus(two)) == 1, "the list of the parts stays"


class BreakingMilvus(SharingMilvus):
    """Fails in the deletion with this number, before or after it."""

    fails_at = 0
    deletions = 0

    def _count(self) -> None:
        self.deletions += 1
        if self.deletions == self.fails_at:
            raise StoreError("broken off")

    def _delete_rows(self, part: object) -> None:
        self._count()
        super()._delete_rows(part)  # type: ignore[arg-type]
        self._count()


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_drop_that_was_broken_off_can_be_repeated(database: str, fails_at: int) -> None:
    for attempt in range(2):
        milvus = BreakingMilvus(database, shares=True)
        if not attempt:
            for name in ("one", "two"):
                milvus.create(name, WORDS)
                milvus.insert(name, [row(f"k{number}", name) for number in range(3)])
            milvus.fails_at = fails_at
            with pytest.raises(StoreError):
                milvus.drop("one")
        assert milvus.collections() == ["one", "two"]
        if attempt:
            milvus.drop("one")
            assert milvus.collections() == ["two"]
        assert contents(milvus, "two") == {"k0": "two", "k1": "two", "k2": "two"}
        milvus.close()


def test_parts_are_found_again_by_a_connection_that_shares_nothing(database: str, two: SharingMilvus) -> None:
    two.close()
    again = SharingMilvus(database)
    again.create("own", WORDS)
    again.insert("own", [row("k0", "tide")])
    again.load("one")
    assert again.collections() == ["one", "own", "two"]
    assert [again.is_shared(name) for name in ("one", "two", "own")] == [True, True, False]
    assert contents(again, "one")["k5"] == "tide tide5"
    assert "own" in of_milvus(again)
    again.drop("own")
    assert again.collections() == ["one", "two"]
    again.close()


def test_a_connection_that_shares_finds_collections_of_their_own(database: str) -> None:
    before = Milvus(database)
    before.create("old", WORDS)
    before.insert("old", [row("k0", "tide")])
    before.close()
    milvus = SharingMilvus(database, shares=True)
    milvus.create("new", WORDS)
    milvus.insert("new", [row("k0", "reef")])
    assert milvus.collections() == ["new", "old"]
    assert contents(milvus, "old") == {"k0": "tide"}
    assert not milvus.is_shared("old")
    milvus.drop("old")
    assert contents(milvus, "new") == {"k0": "reef"}
    milvus.close()


def test_to_look_for_parts_creates_no_file(database: str) -> None:
    milvus = SharingMilvus(database, shares=True)
    assert milvus.collections() == []
    assert not milvus.is_shared("one")
    assert not Path(database).exists()
    milvus.close()
