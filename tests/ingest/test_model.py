"""Random edits, failures, crashes and rollbacks, compared with a model of what must be live."""

import itertools
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ingest.staging.lease import write_lease
from ingest.staging.report import IngestReport, Progress
from ingest.staging.rollback import roll_back
from rag.errors import EmbedderError, KnowledgeError, StoreEmpty, StoreError
from rag.models.embedders.scripted import ScriptedEmbedder
from tests.kit.corpus import NOT_TEXT, Library, MakeLibrary
from tests.kit.pictures import chunks_of
from tests.kit.raw_rows import drop_collections_of

EXAMPLES = 10
STEPS = 25
FIRST_DOCUMENTS = 4

Picture = dict[str, bytes]
"""The documents that a generation shows, by source, with the bytes it shows them from."""


class _Crash(BaseException):
    """Not an error that anything in between may handle."""


class LiveDocuments(RuleBasedStateMachine):
    """`folder` is what is on the disk, `history` what the kept generations show, the live one last."""

    make_library: ClassVar[MakeLibrary]

    def __init__(self) -> None:
        super().__init__()
        self.base = TemporaryDirectory()
        self.folder: Picture = {}
        self.history: list[Picture] = []
        self.may_have_changed = True
        """Whether anything happened to the folder or the store since the last ingest that was completed."""
        self.dead_words: list[str] = []
        self.words = (f"word{number}" for number in itertools.count(1))
        self.library: Library = type(self).make_library(Path(self.base.name) / "docs")

    def teardown(self) -> None:
        drop_collections_of(self.library.store)
        self.base.cleanup()

    @initialize(is_ingested=st.sampled_from((True, True, False)))
    def begin(self, is_ingested: bool) -> None:
        for _ in range(FIRST_DOCUMENTS):
            self._write_new()
        if is_ingested:
            self.ingest(verify=False)

    @rule()
    def add(self) -> None:
        self._write_new()

    @rule()
    def add_and_ingest(self) -> None:
        self._write_new()
        self.ingest(verify=False)

    @precondition(lambda self: self._healthy())
    @rule(data=st.data())
    def edit_and_ingest(self, data: st.DataObject) -> None:
        self.edit_a_paragraph(data)
        self.ingest(verify=False)

    @precondition(lambda self: self._healthy())
    @rule(data=st.data())
    def edit_a_paragraph(self, data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(self._healthy()))
        paragraphs = self.folder[source].decode().split("\n\n")
        number = data.draw(st.integers(1, len(paragraphs) - 1))
        paragraphs[number] = self._paragraph()
        self._write(source, "\n\n".join(paragraphs).encode())

    @precondition(lambda self: self.folder)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(sorted(self.folder)))
        del self.folder[source]
        self.library.folder.delete(source)
        self.may_have_changed = True

    @precondition(lambda self: self.folder)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(sorted(self.folder)))
        target = self._new_source()
        self.folder[target] = self.folder.pop(source)
        self.library.folder.rename(source, target)
        self.may_have_changed = True

    @precondition(lambda self: self._healthy())
    @rule(data=st.data())
    def break_a_file(self, data: st.DataObject) -> None:
        self._write(data.draw(st.sampled_from(self._healthy())), NOT_TEXT)

    @precondition(lambda self: self._broken())
    @rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        """A document that gets back the content that is live has not changed after all."""
        source = data.draw(st.sampled_from(self._broken()))
        live = self.live.get(source)
        self._write(source, live if live and data.draw(st.booleans()) else self._text())

    @precondition(lambda self: self.folder)
    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        self.library.folder.touch(data.draw(st.sampled_from(sorted(self.folder))))
        self.may_have_changed = True

    @precondition(lambda self: self.may_have_changed)
    @rule(verify=st.booleans())
    def ingest(self, verify: bool) -> None:
        if not self.folder:
            with pytest.raises(KnowledgeError):
                self._ingest()
            return
        before, expected = self.library.embedder.calls, self._next_picture()
        is_change = expected != self.live
        report = self._ingest(verify=verify)
        assert [failure.source for failure in report.failures] == self._broken()
        assert report.generation == (self.library.store.snapshot().generation if self.history or is_change else 0)
        if not is_change:
            assert self.library.embedder.calls == before
        self._commit(expected)

    @precondition(lambda self: self.folder and self.may_have_changed)
    @rule(call=st.integers(1, 4))
    def ingest_with_an_embedder_that_fails(self, call: int) -> None:
        expected = self._next_picture()
        try:
            self._ingest(embedder=ScriptedEmbedder(fails_at_call=call))
        except EmbedderError:
            return
        self._commit(expected)

    @precondition(lambda self: self.folder and self.may_have_changed)
    @rule(sign=st.integers(1, 20))
    def ingest_that_crashes(self, sign: int) -> None:
        signs = itertools.count(1)

        def on_progress(progress: Progress) -> None:
            if next(signs) == sign:
                raise _Crash

        expected = self._next_picture()
        try:
            self._ingest(on_progress=on_progress)
        except _Crash:
            return
        self._commit(expected)

    @precondition(lambda self: len(self.history) != 1)
    @rule()
    def roll_back(self) -> None:
        """Once; there is nothing behind the generation before."""
        with write_lease(self.library.store):
            if self.history:
                roll_back(self.library.store)
                self._remember_words_of(self.history.pop())
                self.may_have_changed = True
            with pytest.raises(StoreError):
                roll_back(self.library.store)

    @invariant()
    def the_store_agrees(self) -> None:
        if not self.history:
            with pytest.raises(StoreEmpty):
                self.library.store.snapshot()
            return
        snapshot = self.library.store.snapshot()
        expected = {
            (chunk.id, chunk.source, chunk.content, chunk.start_line, chunk.end_line, chunk.position)
            for source, content in self.live.items()
            for chunk in chunks_of(source, content, self.library.embedder)
        }
        found = [
            (chunk.id, chunk.source, chunk.content, chunk.start_line, chunk.end_line, chunk.position)
            for chunk in snapshot.chunks()
        ]
        assert set(found) == expected
        assert len(found) == len(expected)
        assert set(snapshot.documents()) == set(self.live)
        assert snapshot.commit.documents == len(self.live)
        assert snapshot.commit.chunks == snapshot.statistics.chunks == len(expected)

    @invariant()
    def search_finds_the_living_and_not_the_dead(self) -> None:
        if not self.history:
            return
        living = {word: source for source, content in self.live.items() for word in words_of(content)}
        for word in {source: word for word, source in living.items()}.values():
            assert self.library.sources_with(word) == {living[word]}
        for word in [word for word in self.dead_words if word not in living][-3:]:
            assert self.library.sources_with(word) == set()

    @property
    def live(self) -> Picture:
        return self.history[-1] if self.history else {}

    def _next_picture(self) -> Picture:
        """A document that cannot be read keeps the version that is live, if there is one."""
        readable = {source: content for source, content in self.folder.items() if content != NOT_TEXT}
        kept = {source: self.live[source] for source in self._broken() if source in self.live}
        return readable | kept

    def _commit(self, picture: Picture) -> None:
        self.may_have_changed = False
        if picture == self.live:
            return
        self._remember_words_of(self.live)
        self.history = [*self.history, picture][-2:]

    def _ingest(
        self,
        *,
        embedder: ScriptedEmbedder | None = None,
        verify: bool = False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> IngestReport:
        return self.library.ingest(embedder=embedder, verify=verify, allow_mass_deletion=True, on_progress=on_progress)

    def _healthy(self) -> list[str]:
        return sorted(source for source, content in self.folder.items() if content != NOT_TEXT)

    def _broken(self) -> list[str]:
        return sorted(source for source, content in self.folder.items() if content == NOT_TEXT)

    def _remember_words_of(self, picture: Picture) -> None:
        self.dead_words += [word for content in picture.values() for word in words_of(content)]

    def _write_new(self) -> None:
        self._write(self._new_source(), self._text())

    def _new_source(self) -> str:
        word = next(self.words)
        return f"{word}.md" if len(word) % 2 else f"folder/{word}.md"

    def _text(self) -> bytes:
        return "\n\n".join([f"# Title {next(self.words)}", *(self._paragraph() for _ in range(3))]).encode()

    def _paragraph(self) -> str:
        return f"This paragraph says {next(self.words)}, and that is 有意思的 enough to fill some of a chunk with it."

    def _write(self, source: str, content: bytes) -> None:
        self.folder[source] = content
        self.library.folder.write(source, content)
        self.may_have_changed = True


def words_of(content: bytes) -> list[str]:
    """What only this version of this document says, such as `word17`."""
    return [word.strip(",") for word in content.decode().split() if word.startswith("word")]


def test_whatever_happens_the_store_agrees_with_the_model(make_library: MakeLibrary) -> None:
    LiveDocuments.make_library = make_library
    run_state_machine_as_test(
        LiveDocuments,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # shrinking would take longer than the test may
            suppress_health_check=list(HealthCheck),
        ),
    )
