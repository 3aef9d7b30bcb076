"""Count in the state database how many answers rest on each document, by day. No text and no key is kept."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.traces import Trace
from rag.state.write_behind import WriteBehind


@dataclass(frozen=True, slots=True)
class _Use:
    day: int
    sources: tuple[str, ...]


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
        sources = tuple(dict.fromkeys(citation.source for citation in trace.answer.citations))
        if self._settings.enabled and sources and not trace.failure:
            self._writer.put(trace.trace_id, _Use(trace.asked_at.date().toordinal(), sources))

    def count(self) -> Mapping[str, int]:
        """Return the number of answers that cite each document, by source. Raises StateUnavailable."""
        with self._database.reading() as transaction:
            rows = transaction.execute(_SELECT, {"oldest": self._oldest()})
        return {row["source"]: int(row["answers"]) for row in rows}

    def close(self) -> None:
        """Write what still waits, unless the database is away."""
        self._writer.close()

    def _write(self, uses: Sequence[_Use]) -> None:
        counted = Counter((use.day, source) for use in uses for source in use.sources)
        rows = [{"day": day, "source": source, "answers": answers} for (day, source), answers in counted.items()]
        with self._database.writing() as transaction:
            transaction.execute(_ADD, *sorted(rows, key=lambda row: (row["day"], row["source"])))
            transaction.execute(_DELETE_OLD, {"oldest": self._oldest()})

    def _oldest(self) -> int:
        return datetime.datetime.now(datetime.UTC).date().toordinal() - round(self._settings.question_days)


_SELECT = "SELECT source, sum(answers) AS answers FROM document_uses WHERE day >= :oldest GROUP BY source"
_ADD = """
INSERT INTO document_uses (day, source, answers) VALUES (:day, :source, :answers)
ON CONFLICT (day, source) DO UPDATE SET answers = document_uses.answers + excluded.answers
"""
_DELETE_OLD = "DELETE FROM document_uses WHERE day < :oldest"
