"""The gate of an ingest: what a staged generation would no longer find or answer, before it goes live."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.golden.asking import ask_after, ask_golden_question, quoting
from ingest.golden.checks import is_found
from ingest.golden.questions import GoldenQuestion
from rag.answering.answer import Answerer
from rag.errors import GoldenQuestionsLost
from rag.models.embedders.protocol import Embedder, can_search
from rag.retrieval.search import retrieve
from rag.settings import Settings
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.wiring import Services


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """The digests of what was asked, and of what came out as expected.

    A question with an expected passage has one digest, one with an expected answer has another.
    """

    asked: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """Asks generations of a store. Answers are quoted, without a chat model: so they cost nothing and do not vary.

    Every method raises StoreError or EmbedderError.
    """

    store: Store
    embedder: Embedder
    settings: Settings

    def ask(self, questions: Sequence[GoldenQuestion], snapshot: Snapshot) -> GoldenResult:
        """Ask one generation the golden questions. Raises QuestionError, too."""
        with self._services(snapshot) as services:
            found = [digest for entry in questions for digest in _as_expected(entry, services, snapshot)]
        return GoldenResult(tuple(digest for entry in questions for digest in _digests(entry)), tuple(found))

    def no_longer_answered(self, questions: Sequence[str], live: Snapshot, staged: Snapshot) -> list[str]:
        """Return the questions that the live generation answers and the staged one refuses.

        If another embedder made the live generation, all questions count as answered by it.
        """
        if can_search(self.embedder, live.commit.fingerprint):
            questions = self._answered(questions, live)
        still = set(self._answered(questions, staged))
        return [question for question in questions if question not in still]

    def _answered(self, questions: Sequence[str], snapshot: Snapshot) -> list[str]:
        with self._services(snapshot) as services:
            return [question for question in questions if not _is_refused(question, services.answerer)]

    def _services(self, snapshot: Snapshot) -> Services:
        return Services(quoting(self.settings), store=self.store.pinned(snapshot), embedder=self.embedder)


def recent_questions(settings: Settings, knowledge_base: str) -> list[str]:
    """Return the questions of the last traced answers of a knowledge base.

    They are as many as its `gate_recent_questions` lets be asked.

    Raises StateUnavailable.
    """
    if not settings.knowledge.gate_recent_questions:
        return []
    with Services(settings) as services:
        return services.traces.recent_questions(settings.knowledge.gate_recent_questions, knowledge_base)


def check_golden_loss(
    before: GoldenResult,
    after: GoldenResult,
    questions: Sequence[GoldenQuestion],
    *,
    max_drop: float,
    recent: Sequence[str] = (),
    no_longer_answered: Sequence[str] = (),
) -> None:
    """Compare two generations by what both were asked.

    `recent` are questions from the traces, and `no_longer_answered` those of them that the new generation refuses.

    Raises GoldenQuestionsLost, which lists the questions, if the share of passages found, of answers as expected or of
    recent questions answered fell by more than `max_drop` (0..1).
    """
    losses = [
        *_losses(before, after, {entry.digest: entry.question for entry in questions}, max_drop, _PASSAGES),
        *_losses(before, after, {entry.answer_digest: entry.question for entry in questions}, max_drop, _ANSWERS),
    ]
    if recent and len(no_longer_answered) / len(recent) > max_drop:
        losses.append(
            f"{len(no_longer_answered)} of {len(recent)} recent questions would be refused. "
            f"No longer answered: {'; '.join(no_longer_answered)}"
        )
    if losses:
        losses[0] = losses[0].replace(". ", "; nothing was changed. ", 1)
        raise GoldenQuestionsLost(f"{'. '.join(losses)}. If that is meant, run again with --force")


_PASSAGES = ("{now} of {asked} golden questions would be found, {was} are now", "No longer found")
_ANSWERS = ("{now} of {asked} golden questions would be answered as expected, {was} are now", "Answers that flip")


def _losses(
    before: GoldenResult, after: GoldenResult, questions: dict[str, str], max_drop: float, texts: tuple[str, str]
) -> Iterator[str]:
    """Yield what was lost of the questions, which are given by digest, if it is more than `max_drop`."""
    common = set(before.asked) & set(after.asked) & questions.keys()
    was, now = common & set(before.found), common & set(after.found)
    if common and (len(was) - len(now)) / len(common) > max_drop:
        lost = [question for digest, question in questions.items() if digest in was - now]
        counts = texts[0].format(now=len(now), asked=len(common), was=len(was))
        yield f"{counts}. {texts[1]}: {'; '.join(lost)}"


def _digests(entry: GoldenQuestion) -> Iterator[str]:
    if entry.expects_passage:
        yield entry.digest
    if entry.expects_answer:
        yield entry.answer_digest


def _as_expected(entry: GoldenQuestion, services: Services, snapshot: Snapshot) -> Iterator[str]:
    """Yield those digests of a question for which the generation gives what is expected."""
    if entry.expects_answer or entry.conversation:
        outcome = asyncio.run(ask_golden_question(entry, services.answerer, snapshot))
        failed = {failure.check for failure in outcome.failures}
        if entry.expects_passage and "passage" not in failed:
            yield entry.digest
        if entry.expects_answer and not failed - {"passage"}:
            yield entry.answer_digest
    elif entry.expects_passage:
        found = retrieve(entry.question, snapshot, services.embedder, services.settings.retrieval)
        if is_found(entry, [hit.chunk for hit in found.hits]):
            yield entry.digest


def _is_refused(question: str, answerer: Answerer) -> bool:
    answer = asyncio.run(ask_after((), question, answerer)).answer
    return answer is None or answer.refused
