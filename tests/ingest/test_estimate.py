"""The time that an ingest will take, foreseen from a sample."""

import shutil

import pytest

from ingest.estimate import estimate_seconds
from ingest.sync import preview
from rag.errors import EmbedderError
from tests.kit.batch_embedder import BatchEmbedder
from tests.kit.corpus import Library, MakeLibrary, document
from tests.kit.raw_rows import collections_of

DOCUMENTS = 120
PARAGRAPHS = 10


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    """Documents of about the same length, not ingested yet."""
    library = make_library()
    for number in range(DOCUMENTS):
        library.folder.write(f"page{number:03}.md", document(f"page{number:03}", paragraphs=PARAGRAPHS))
    library.begin_to_count()
    return library


class Clock:
    """A clock that stands still, except that a model takes 20 ms for each text."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def model(self) -> BatchEmbedder:
        return BatchEmbedder(batch_size=1, before_batch=self._take_time)

    def _take_time(self) -> None:
        self.now += 0.02


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("ingest.estimate.time", clock)
    return clock


def estimate(library: Library, embedder: BatchEmbedder) -> float | None:
    plan = preview(library.settings, library.store, embedder)
    return estimate_seconds(library.settings, library.store, embedder, plan)


def test_a_sample_says_how_long_all_of_it_will_take(library: Library, clock: Clock) -> None:
    embedder = clock.model()
    seconds = estimate(library, embedder)
    assert seconds is not None
    assert seconds > DOCUMENTS * PARAGRAPHS * 0.02
    assert len(embedder.texts) < DOCUMENTS * PARAGRAPHS / 4


def test_an_estimate_writes_nothing(library: Library) -> None:
    estimate(library, BatchEmbedder())
    assert library.writes == 0
    assert collections_of(library.store) == []


def test_what_has_vectors_already_takes_no_time(library: Library) -> None:
    library.ingest()
    assert estimate(library, BatchEmbedder()) is None
    shutil.copytree(library.folder.root, library.folder.root / "copies")
    embedder = BatchEmbedder()
    assert estimate(library, embedder) == 0
    assert embedder.texts == []


def test_what_was_moved_takes_no_time(library: Library) -> None:
    library.ingest()
    (library.folder.root / "old").mkdir()
    for source in library.folder.sources():
        library.folder.rename(source, f"old/{source}")
    embedder = BatchEmbedder()
    assert estimate(library, embedder) == 0
    assert embedder.texts == []


def test_what_an_interrupted_ingest_has_embedded_takes_no_time(library: Library, clock: Clock) -> None:
    whole = estimate(library, clock.model())
    library.embedder.fails_at_call = 9
    with pytest.raises(EmbedderError):
        library.ingest()
    assert library.store.state() is None
    library.begin_to_count()
    rest = estimate(library, clock.model())
    assert whole is not None
    assert rest is not None
    assert rest < whole
    assert library.writes == 0


def test_documents_that_cannot_be_read_or_embedded_do_not_keep_it_from_an_estimate(library: Library) -> None:
    library.folder.write("page000.md", b"\xff\xff")
    assert estimate(library, BatchEmbedder(refuses="page")) is not None
