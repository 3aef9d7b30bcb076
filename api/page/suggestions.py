"""Suggested questions, taken from the documents. The knowledge base can answer each of them."""

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from cachetools import LRUCache

from ingest.golden.questions import load_golden
from rag.answering.gathering import Gatherer
from rag.errors import KnowledgeError, StoreEmpty
from rag.settings import KnowledgeSettings
from rag.store.records import SnapshotIdentity
from rag.store.snapshot import Snapshot
from rag.text.language import Language, detect_language
from rag.wiring import Services

log = logging.getLogger("zhiwen.page")

MAX_SUGGESTIONS = 4
_MAX_TRIED = 16
_MAX_CACHED = 64
_MAX_HEADING_CHARACTERS = 40
_TEMPLATES: dict[Language, str] = {"zh": "“{heading}”讲了什么？", "en": "What does “{heading}” say?"}


class Suggestions:
    """Suggests questions. They are chosen once for each language and kept until another generation goes live.

    Callers who may see only some of the documents get suggestions from these.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: LRUCache[tuple[tuple[SnapshotIdentity, ...], Language], tuple[str, ...]] = LRUCache(_MAX_CACHED)

    def of(self, services: Services, language: Language) -> tuple[str, ...]:
        """Return at most four questions to a knowledge base, none before the first ingest.

        Raises StoreError and EmbedderError.
        """
        try:
            snapshot = services.store.snapshot()
        except StoreEmpty:
            return ()
        with self._lock:
            key = snapshot.identities, language
            if key not in self._cached:
                self._cached[key] = tuple(islice(_answerable(services, snapshot, language), MAX_SUGGESTIONS))
            return self._cached[key]


def _answerable(services: Services, snapshot: Snapshot, language: Language) -> Iterator[str]:
    settings = services.settings
    gatherer = Gatherer(services.searcher, settings.answering, snapshot, None, language, is_quoted=True)
    # Headings are read only if there are too few golden questions, which may be about any document.
    golden = partial(_golden_questions, settings.knowledge)
    for candidates in (_heading_questions,) if services.store.within else (golden, _heading_questions):
        for question in _spread(candidates(snapshot, language), _MAX_TRIED):
            with services.searcher.turns.turn():
                found = gatherer.gather(question)
            if found.quoted:
                yield question


def _golden_questions(knowledge: KnowledgeSettings, snapshot: Snapshot, language: Language) -> list[str]:
    """Return the golden questions whose passages the live generation finds, or which it answers as expected."""
    try:
        questions = load_golden(knowledge.path)
    except KnowledgeError as error:
        log.warning("cannot suggest golden questions: %s", error)  # the next ingest reports the error
        return []
    found = frozenset(snapshot.commit.golden_found)
    return [
        golden.question
        for golden in questions
        if not found.isdisjoint((golden.digest, golden.answer_digest))
        and not (golden.refused or golden.conversation)
        and detect_language(golden.question) == language
    ]


def _heading_questions(snapshot: Snapshot, language: Language) -> list[str]:
    innermost = dict.fromkeys(path[-1] for path in snapshot.headings() if path)
    headings = [heading for heading in innermost if len(heading) <= _MAX_HEADING_CHARACTERS]
    # Headings in the language of the page come first: a question that mixes two languages reads oddly.
    headings.sort(key=lambda heading: detect_language(heading) != language)
    return [_TEMPLATES[language].format(heading=heading) for heading in headings]


def _spread(candidates: Sequence[str], limit: int) -> list[str]:
    """Return at most `limit` candidates, first some from all over the list, then those from its beginning."""
    step = max(1, len(candidates) // MAX_SUGGESTIONS)
    order = [*candidates[::step], *candidates]
    return list(dict.fromkeys(order))[:limit]
