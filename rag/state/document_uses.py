"""Count in the state database how many answers rest on each document, by day. No text and no key is kept."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.knowledge_base_names import DEFAULT
from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.traces import Trace
from rag.state.write_behind import WriteBehind


@dataclass(frozen=True, slots=True)
class _Use:
    day: int
    documents: tuple[tuple[str, str], ...]


class DocumentUses:
    """Counts the answers that cite a document, for `traces.question_days`; none if traces are switched off.

    Several threads and processes may use it. If the database goes away during a write, an answer may count twice. Close
    it in the end, to write what still waits.
    """

    def __init__(self, settings: TraceSettings, database: StateDatabase) -> None:
        self._settings = settings
        self._database = database
        self._writer = WriteBehind(self._write, name="uses of documents")

    def add(self, trace: Trace) -> None:
        """Count the documents that an answer cites, in the background. Raises nothing."""
        documents = tuple(dict.fromkeys((one.knowledge_base, one.source) for one in trace.answer.citations))
        if self._settings.enabled and documents and not trace.failure:
            self._writer.put(trace.trace_id, _Use(trace.asked_at.date().toordinal(), documents))

    def count(self, knowledge_base: str = DEFAULT) -> Mapping[str, int]:
        """Return the number of answers that cite each document of a knowledge base, by source.

        Raises StateUnavailable.
        """
        with self._database.reading() as transaction:
            rows = transaction.execute(_SELECT, {"oldest": self._oldest(), "knowledge_base": knowledge_base})
        return {row["source"]: int(row["answers"]) for row in rows}

    def close(self) -> None:
        """Write what still waits, unless the database is away."""
        self._writer.close()

    def _write(self, uses: Sequence[_Use]) -> None:
        counted = Counter((use.day, *document) for use in uses for document in use.documents)
        with self._database.writing() as transaction:
            # In one order, so that two processes never wait for each other.
            transaction.execute(_ADD, *(_row(*key, answers) for key, answers in sorted(counted.items())))
            transaction.execute(_DELETE_OLD, {"oldest": self._oldest()})

    def _oldest(self) -> int:
        return datetime.datetime.now(datetime.UTC).date().toordinal() - round(self._settings.question_days)


def _row(day: int, knowledge_base: str, source: str, answers: int) -> dict[str, object]:
    return {"day": day, "knowledge_base": knowledge_base, "source": source, "answers": answers}


_SELECT = """
SELECT source, sum(answers) AS answers FROM document_uses
WHERE day >= :oldest AND knowledge_base = :knowledge_base GROUP BY source
"""
_ADD = """
INSERT INTO document_uses (day, knowledge_base, source, answers) VALUES (:day, :knowledge_base, :source, :answers)
ON CONFLICT (day, knowledge_base, source) DO UPDATE SET answers = document_uses.answers + excluded.answers
"""
_DELETE_OLD = "DELETE FROM document_uses WHERE day < :oldest"
