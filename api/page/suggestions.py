"""First questions for somebody who does not know what to ask: taken from the corpus, and such that it answers them."""

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from ingest.golden import load_golden
from rag.answering.answer import search
from rag.errors import KnowledgeError
from rag.retrieval.sufficiency import answer_probability
from rag.store.snapshot import Snapshot
from rag.text.language import Language, detect_language
from rag.wiring import Parts

log = logging.getLogger("zhiwen.page")

SUGGESTED = 4
_TRIED = 16
_MAX_HEADING_CHARACTERS = 40
_ASKING: dict[Language, str] = {"zh": "“{heading}”讲了什么？", "en": "What does “{heading}” say?"}


class Suggestions:
    """The questions of the live generation, found once for each language and kept while it is live."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._kept: dict[Language, tuple[int, tuple[str, ...]]] = {}

    def of(self, language: Language) -> tuple[str, ...]:
        """At most four questions; none before the first ingest. Raises StoreError and EmbedderError."""
        state = self._parts.store.state()
        if state is None:
            return ()
        with self._lock:
            generation, questions = self._kept.get(language, (0, ()))
            if generation != state.live.generation:
                questions = tuple(islice(self._answerable(language), SUGGESTED))
                self._kept[language] = state.live.generation, questions
            return questions

    def _answerable(self, language: Language) -> Iterator[str]:
        snapshot = self._parts.store.snapshot()
        wanted = self._parts.settings.answering.min_evidence
        # The headings of all documents are read only if the golden questions do not suffice.
        for candidates in (partial(_golden, self._parts), _of_headings):
            for question in _spread(candidates(snapshot, language), _TRIED):
                if answer_probability(search(question, self._parts)) >= wanted:
                    yield question


def _golden(parts: Parts, snapshot: Snapshot, language: Language) -> list[str]:
    """The golden questions that the live generation was found to hold the passages for."""
    try:
        questions = load_golden(parts.settings.knowledge.path)
    except KnowledgeError as error:
        log.warning("golden questions are not suggested: %s", error)  # the next ingest refuses to run with them
        return []
    found = frozenset(snapshot.commit.golden_found)
    return [one.question for one in questions if one.digest in found and detect_language(one.question) == language]


def _of_headings(snapshot: Snapshot, language: Language) -> list[str]:
    deepest = dict.fromkeys(path[-1] for path in snapshot.headings() if path)
    named = [heading for heading in deepest if len(heading) <= _MAX_HEADING_CHARACTERS]
    # Those in the language of the page first: a question in one about a heading in the other reads oddly.
    named.sort(key=lambda heading: detect_language(heading) != language)
    return [_ASKING[language].format(heading=heading) for heading in named]


def _spread(candidates: Sequence[str], limit: int) -> list[str]:
    """Some of them from all over the list, the rest after those, so that they are not all from its beginning."""
    step = max(1, len(candidates) // SUGGESTED)
    order = [*candidates[::step], *candidates]
    return list(dict.fromkeys(order))[:limit]
