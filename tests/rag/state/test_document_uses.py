"""How many answers rest on each document, counted in the state database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.document_uses import DocumentUses
from rag.state.traces import Failure, Trace
from rag.types import Citation
from tests.kit.traces import trace

DEFAULT = TraceSettings()


def answered(name: str, *sources: str, days_ago: int = 0) -> Trace:
    asked = trace(name, asked_at=datetime.now(UTC) - timedelta(days=days_ago))
    citations = tuple(Citation(number, source, (), "", 1, 1, "q", "") for number, source in enumerate(sources, 1))
    return replace(asked, answer=replace(asked.answer, citations=citations, reason=None))


def counted(database: StateDatabase, *traces: Trace, settings: TraceSettings = DEFAULT) -> dict[str, int]:
    uses = DocumentUses(settings, database)
    for each in traces:
        uses.add(each)
    uses.close()
    return dict(DocumentUses(TraceSettings(), database).count())


def test_each_answer_counts_once_for_each_document_that_it_cites(database: StateDatabase) -> None:
    assert counted(database, answered("one", "a.md", "a.md", "b.md"), trace("refused")) == {"a.md": 1, "b.md": 1}
    assert counted(database, answered("two", "a.md"), answered("three", "a.md", days_ago=3)) == {"a.md": 3, "b.md": 1}


def test_old_answers_broken_ones_and_those_of_a_service_without_traces_do_not_count(database: StateDatabase) -> None:
    broken = replace(answered("broken", "b.md"), failure=Failure("chat_broken", "x"))
    assert counted(database, answered("old", "a.md", days_ago=100), broken) == {}
    assert counted(database, answered("off", "a.md"), settings=TraceSettings(enabled=False)) == {}


def test_documents_of_the_same_name_in_two_knowledge_bases_are_counted_apart(database: StateDatabase) -> None:
    asked = answered("one", "a.md", "a.md")
    first, second = asked.answer.citations
    citations = (first, replace(second, knowledge_base="handbook"))
    counted(database, replace(asked, answer=replace(asked.answer, citations=citations)))
    uses = DocumentUses(TraceSettings(), database)
    assert [uses.count(name) for name in ("default", "handbook", "other")] == [{"a.md": 1}, {"a.md": 1}, {}]
