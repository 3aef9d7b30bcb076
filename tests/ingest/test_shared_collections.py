"""Knowledge bases of one file share its collections, and none notices the others."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.staging.rollback import roll_back
from ingest.sync import ingest
from rag.knowledge_base_names import DEFAULT, collection_of
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.records import SHARED
from rag.store.store import Store
from rag.wiring import Services
from tests.kit.corpus import Folder, document, settings_for
from tests.kit.ingest_process import ForkedProcess
from tests.kit.knowledge_bases import ingest_all, ingest_in_child, ingest_one, reopened, several
from tests.kit.pictures import clean_picture, difference, dump, look
from tests.kit.raw_rows import connection_of, litter

HANDBOOK = "handbook"
NAMES = (DEFAULT, HANDBOOK, "products")
COMMON = "Every lantern of the harbour has a number."


def texts_of(name: str, documents: int) -> dict[str, str]:
    return {
        f"{number}.md": document(f"{name}{number}", note=f" {COMMON}" * (number % 3 + 1)) for number in range(documents)
    }


# In each, the common words are common in another measure, and documents of the same name differ.
TEXTS = {DEFAULT: texts_of("quay", 2), HANDBOOK: texts_of("leave", 6), "products": texts_of("falcon", 12)}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with several(tmp_path, TEXTS) as opened:
        ingest_all(opened)
        yield opened


def pictures(services: Services) -> dict[str, list[str]]:
    return {name: dump(services.of(name).store) for name in services.knowledge_bases}


def expected(services: Services, name: str) -> list[str]:
    chosen = services.of(name)
    return clean_picture(chosen.settings.knowledge.path, chosen.settings, chosen.embedder)


def change(folder: Folder) -> None:
    """Edit, add and remove documents."""
    folder.edit("0.md", "0 here", "0 there")
    folder.write("new.md", document("newcomer"))
    folder.delete("1.md")


def test_each_has_what_its_folder_holds(services: Services) -> None:
    for name, picture in pictures(services).items():
        assert not difference(picture, expected(services, name)), name
        assert connection_of(services.of(name).store).is_shared(f"{collection_of('zhiwen', name)}_g1_chunks")


@pytest.mark.parametrize("terms", [["lantern"], ["harbour", "word", "leave3"], ["第", "falcon1", "number"]])
def test_words_count_as_in_an_index_that_has_no_others(services: Services, tmp_path: Path, terms: list[str]) -> None:
    for name in NAMES:
        with several(tmp_path / f"only-{name}", {DEFAULT: TEXTS[name]}) as alone:
            ingest_all(alone)
            assert alone.store.snapshot().commit.index == ""
            expected = dict(alone.store.snapshot().rank_by_terms(terms, limit=100))
        snapshot = services.of(name).store.snapshot()
        found = snapshot.rank_by_terms(terms, limit=100)
        assert dict(found) == pytest.approx(expected, rel=1e-5)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)


def test_words_count_the_same_after_an_update(services: Services, tmp_path: Path) -> None:
    change(Folder(tmp_path / HANDBOOK))
    ingest_one(services, HANDBOOK)
    statistics = services.of(HANDBOOK).store.snapshot().statistics
    with several(tmp_path / "again", {DEFAULT: {}, HANDBOOK: {}}) as again:
        for source in Folder(tmp_path / HANDBOOK).sources():
            Folder(tmp_path / "again" / HANDBOOK).write(source, (tmp_path / HANDBOOK / source).read_bytes())
        ingest_one(again, HANDBOOK)
        assert again.of(HANDBOOK).store.snapshot().statistics == statistics
    assert statistics.mean_length > 1


def test_a_rollback_and_a_rebuild_of_one_leave_the_others(services: Services, tmp_path: Path) -> None:
    before = pictures(services)
    change(Folder(tmp_path / HANDBOOK))
    ingest_one(services, HANDBOOK)
    roll_back(services.of(HANDBOOK).store)
    assert pictures(services) == before
    chosen = services.of(HANDBOOK)
    other = ScriptedEmbedder(dimension=chosen.embedder.dimension, max_tokens=chosen.embedder.max_tokens - 1)
    for _ in range(2):
        Folder(tmp_path / HANDBOOK).touch("2.md")
        ingest(chosen.settings, chosen.store, other)
    assert {name: picture for name, picture in pictures(services).items() if name != HANDBOOK} == {
        name: before[name] for name in (DEFAULT, "products")
    }
    assert litter(chosen.store) == []


FIRST_POINTS = ("namespace_created", "chunks_inserted", "documents_put", "terms_written")
LATER_POINTS = ("chunks_inserted", "tombstones_written", "documents_put", "terms_written", "committed")


@pytest.mark.parametrize("point", FIRST_POINTS)
def test_a_kill_in_the_first_ingest_of_one_leaves_the_others(point: str, tmp_path: Path) -> None:
    with several(tmp_path, TEXTS) as services:
        for name in (DEFAULT, "products"):
            ingest_one(services, name)
        before = {name: dump(services.of(name).store) for name in (DEFAULT, "products")}
    kill_ingest(tmp_path, point)
    with reopened(tmp_path, NAMES) as services:
        assert services.of(HANDBOOK).store.live() is None
        assert {name: dump(services.of(name).store) for name in before} == before
        assert_rerun_is_clean(services, before)


@pytest.mark.parametrize("point", LATER_POINTS)
def test_a_kill_in_a_later_ingest_of_one_leaves_it_and_the_others(point: str, tmp_path: Path) -> None:
    with several(tmp_path, TEXTS) as services:
        ingest_all(services)
        before = pictures(services)
    change(Folder(tmp_path / HANDBOOK))
    kill_ingest(tmp_path, point)
    with reopened(tmp_path, NAMES) as services:
        after = expected(services, HANDBOOK) if point == "committed" else before[HANDBOOK]
        assert not difference(dump(services.of(HANDBOOK).store), after)
        others = {name: before[name] for name in (DEFAULT, "products")}
        assert {name: dump(services.of(name).store) for name in others} == others
        assert_rerun_is_clean(services, others)
        [_, live] = look(services.of(HANDBOOK).store).generations
        assert not difference(live, expected(services, HANDBOOK))


def kill_ingest(place: Path, point: str) -> None:
    process = ForkedProcess(ingest_in_child, place, NAMES, HANDBOOK, point)
    assert process.join() == -9


def assert_rerun_is_clean(services: Services, others: Mapping[str, list[str]]) -> None:
    ingest_one(services, HANDBOOK)
    store = services.of(HANDBOOK).store
    assert not difference(dump(store), expected(services, HANDBOOK))
    assert litter(store) == []
    assert {name: dump(services.of(name).store) for name in others} == others


@pytest.fixture
def older(tmp_path: Path) -> dict[str, list[str]]:
    """The pictures of an index with collections of its own for each, as an earlier zhiwen wrote it."""
    with several(tmp_path, TEXTS):
        pass
    store = Store.open(settings_for(tmp_path / DEFAULT, tmp_path / "m.db").store)
    written = {}
    for name in NAMES:
        own = store if name == DEFAULT else store.beside(collection_of("zhiwen", name), name)
        ingest(settings_for(tmp_path / name, tmp_path / "m.db"), own, ScriptedEmbedder())
        written[name] = dump(own)
        assert own.snapshot().commit.index == ""
    store.close()
    return written


def test_collections_of_their_own_are_read_and_replaced_at_the_next_ingest(
    older: dict[str, list[str]], tmp_path: Path
) -> None:
    with reopened(tmp_path, NAMES) as services:
        assert pictures(services) == older
        assert services.of(HANDBOOK).searcher.search("leave3").hits[0].chunk.source == "3.md"
        for name in NAMES:
            report = ingest_one(services, name)
            assert (report.embedded, report.generation) == (0, 2)
            assert pictures(services) == older
            assert services.of(name).store.snapshot().commit.index == SHARED
        roll_back(services.of(HANDBOOK).store)
        assert pictures(services) == older
        assert services.of(HANDBOOK).store.snapshot().commit.index == ""
        for _ in range(2):
            change_once_more(Folder(tmp_path / HANDBOOK))
            ingest_one(services, HANDBOOK)
        assert litter(services.of(HANDBOOK).store) == []
        assert not difference(dump(services.of(HANDBOOK).store), expected(services, HANDBOOK))


def change_once_more(folder: Folder) -> None:
    folder.write("0.md", (folder.root / "0.md").read_text(encoding="utf-8") + "\nOnce more.\n")


def test_one_that_is_left_alone_stays_where_it_is(tmp_path: Path) -> None:
    with several(tmp_path, TEXTS) as services:
        ingest_all(services)
        before = pictures(services)
    with reopened(tmp_path, [DEFAULT]) as alone:
        version = alone.store.state()
        assert ingest_one(alone, DEFAULT).generation == 1
        assert alone.store.state() == version
        assert dump(alone.store) == before[DEFAULT]
        change_once_more(Folder(tmp_path / DEFAULT))
        assert ingest_one(alone, DEFAULT).embedded < 3
    with reopened(tmp_path, NAMES) as services:
        assert {name: dump(services.of(name).store) for name in NAMES[1:]} == {name: before[name] for name in NAMES[1:]}
        assert not difference(dump(services.store), expected(services, DEFAULT))
