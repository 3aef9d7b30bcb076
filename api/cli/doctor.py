"""`zhiwen doctor`: check each part of an installation, and say how to fix what is wrong."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from api.cli.remedies import remedy
from api.error_codes import error_code
from api.schemas.request_model import EmptyRequest
from api.service.health import HEALTH, HealthResponse
from api.service.knowledge_bases import KNOWLEDGE_BASES, KnowledgeBaseList
from api.service.owner import Owner, find_owner
from api.translations import say
from ingest.files.scan import scan_knowledge
from ingest.sources.copies import probe_source
from rag.chat.factory import open_chat
from rag.chat.fallback import OUTCOMES, FallbackChat
from rag.chat.protocol import Message
from rag.errors import ConfigError, EmbedderMismatch, StoreLocked, StoreTimeout, StoreUnavailable, ZhiwenError
from rag.knowledge_base_names import DEFAULT, option_of
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.protocol import can_search
from rag.models.rerankers.factory import open_reranker
from rag.settings import KnowledgeSettings, Settings
from rag.settings_loader import DEFAULT_FILE, load_settings
from rag.state.database import StateDatabase
from rag.store.records import Commit
from rag.text.language import Language
from rag.types import Attempt
from rag.wiring import Services

DoctorPart = Literal["configuration", "knowledge", "store", "state", "embedder", "reranker", "chat"]


class CheckOut(BaseModel):
    """A check of one part. `ok` is null if the part was not checked; `code` and `remedy` are set if it is false.

    `knowledge_base` is "" for a part that all of them share.
    """

    part: DoctorPart
    ok: bool | None
    message: str
    code: str | None = None
    remedy: str = ""
    knowledge_base: str = ""


class DoctorResponse(BaseModel):
    """All checks. `ok` is false if any of them failed."""

    ok: bool
    checks: list[CheckOut]


PARTS: tuple[DoctorPart, ...] = ("configuration", "knowledge", "store", "state", "embedder", "chat")
"""What is always checked; a reranker is checked if one is configured."""
_SHARED_FAULTS = {error_code(kind("")) for kind in (StoreUnavailable, StoreTimeout, StoreLocked)}
"""What is wrong with the store of all knowledge bases if it is with that of one."""
_PROBE = (Message("user", "Say OK."),)
_ERROR_CODES = {outcome: error_code(kind("")) for kind, outcome in OUTCOMES.items()}


def diagnose(file: Path | None, language: Language, *, knowledge: Path | None = None) -> DoctorResponse:
    """Check every part, even if an earlier one is broken; without a valid configuration, skip the rest.

    `file` and `knowledge` are as for `load_settings`. Nothing is created or changed. Errors become checks.
    """
    try:
        settings = load_settings(file, knowledge=knowledge)
    except ConfigError as error:
        checks = [_failed("configuration", error, language), *(_skipped(part, language) for part in PARTS[1:])]
    else:
        checks = list(_Diagnosis(settings, language).checks(file))
    return DoctorResponse(ok=all(check.ok is not False for check in checks), checks=checks)


@dataclass(frozen=True, slots=True)
class _Server:
    """What a running server says of itself and of its knowledge bases."""

    owner: Owner
    health: HealthResponse
    knowledge_bases: KnowledgeBaseList

    def describe(self, name: str, language: Language) -> str:
        """Return the line about one knowledge base."""
        found = self.knowledge_bases.of(name)
        return say(
            "doctor_served",
            language,
            url=self.owner.url,
            pid=self.owner.pid,
            generation=found.generation,
            documents=found.documents,
            embedder=self.health.embedder,
            chat=self.health.chat,
        )


@dataclass(slots=True)
class _Diagnosis:
    settings: Settings
    language: Language
    lives: dict[str, Commit] = field(default_factory=dict)
    """The live generations by knowledge base, once the store has been checked."""

    def checks(self, file: Path | None) -> Iterator[CheckOut]:
        yield _passed("configuration", self._configuration(file))
        for name in self.settings.knowledge_base_names:
            settings = self.settings.for_knowledge_base(name).knowledge
            look = partial(self._source if settings.source_url else self._knowledge, settings, name)
            yield self._check("knowledge", look, name)
        yield from self._stores()
        yield self._check("state", self._state)
        yield self._check("embedder", self._embedder)
        if self.settings.rerank.provider != "none":
            yield self._check("reranker", self._reranker)
        yield from self._chat()

    def _check(self, part: DoctorPart, look: Callable[[], str], knowledge_base: str = "") -> CheckOut:
        try:
            return _passed(part, look(), knowledge_base)
        except ZhiwenError as error:
            return _failed(part, error, self.language, knowledge_base)

    def _configuration(self, file: Path | None) -> str:
        path = file or Path(DEFAULT_FILE)
        return str(path) if path.is_file() else say("doctor_defaults", self.language)

    def _knowledge(self, settings: KnowledgeSettings, name: str) -> str:
        files = scan_knowledge(settings, name).files
        return say("doctor_knowledge", self.language, path=settings.path, count=len(files))

    def _source(self, settings: KnowledgeSettings, name: str) -> str:
        version = probe_source(settings, name)
        return say("doctor_source", self.language, url=settings.source_url, version=version[:12])

    def _stores(self) -> Iterator[CheckOut]:
        """Yield one check for each knowledge base, or a single one if the store of all is at fault."""
        ask_server = cache(self._ask_server)
        with Services(self.settings) as services:
            for name in self.settings.knowledge_base_names:
                check = self._check("store", partial(self._store, services, name, ask_server), name)
                yield check
                if check.code in _SHARED_FAULTS:
                    return

    def _store(self, services: Services, name: str, ask_server: Callable[[], "_Server | None"]) -> str:
        if server := ask_server():
            return server.describe(name, self.language)
        store = services.of(name).store
        live = store.live()
        if live is None:
            return say("doctor_empty", self.language, uri=store.uri, option=option_of(name))
        self.lives[name] = live
        return say("doctor_store", self.language, uri=store.uri, generation=live.generation, documents=live.documents)

    def _ask_server(self) -> "_Server | None":
        owner = find_owner(self.settings)
        if owner is None:
            return None
        from api.service.remote import RemoteService  # noqa: PLC0415  (only a running server needs the HTTP library)

        with RemoteService(owner) as remote:
            return _Server(owner, remote.call(HEALTH, EmptyRequest()), remote.call(KNOWLEDGE_BASES, EmptyRequest()))

    def _state(self) -> str:
        state = StateDatabase.of(self.settings)
        state.check()
        return state.location

    def _embedder(self) -> str:
        started = time.monotonic()
        embedder = open_embedder(self.settings.embedding)
        embedder.embed_query("知问")
        seconds = time.monotonic() - started
        for name, live in self.lives.items():
            if not can_search(embedder, live.fingerprint):
                which = "" if name == DEFAULT else f" of {name}"
                raise EmbedderMismatch(
                    f"the live index{which} was built with {live.embedder}, but {embedder.name} is configured"
                )
        return say(
            "doctor_embedder",
            self.language,
            name=embedder.name,
            dimension=embedder.dimension,
            engine=embedder.engine,
            seconds=seconds,
        )

    def _reranker(self) -> str:
        started = time.monotonic()
        reranker = open_reranker(self.settings.rerank)
        if reranker is None:
            raise ConfigError("rerank.provider is none")
        reranker.scores("知问", ["知问回答问题。", "zhiwen answers questions."])
        return say("doctor_reranker", self.language, name=reranker.name, seconds=time.monotonic() - started)

    def _chat(self) -> Iterator[CheckOut]:
        """Yield one check for the chat model and one for each fallback."""
        try:
            chat = open_chat(self.settings.chat)
        except ZhiwenError as error:
            yield _failed("chat", error, self.language)
            return
        if chat is None:
            yield _passed("chat", say("doctor_extractive", self.language))
            return
        for attempt in asyncio.run(_probe(chat)):
            yield self._model(attempt)

    def _model(self, attempt: Attempt) -> CheckOut:
        if attempt.outcome == "answered":
            return _passed("chat", say("doctor_chat", self.language, name=attempt.model, seconds=attempt.seconds))
        code = _ERROR_CODES[attempt.outcome]
        return CheckOut(part="chat", ok=False, code=code, message=attempt.problem, remedy=remedy(code, self.language))


async def _probe(chat: FallbackChat) -> list[Attempt]:
    try:
        return await chat.probe(_PROBE)
    finally:
        await chat.close()


def _passed(part: DoctorPart, message: str, knowledge_base: str = "") -> CheckOut:
    return CheckOut(part=part, ok=True, message=message, knowledge_base=knowledge_base)


def _skipped(part: DoctorPart, language: Language) -> CheckOut:
    return CheckOut(part=part, ok=None, message=say("doctor_skipped", language))


def _failed(part: DoctorPart, error: ZhiwenError, language: Language, knowledge_base: str = "") -> CheckOut:
    code, message, which = error_code(error), "; ".join(str(error).splitlines()), knowledge_base
    hint = remedy(code, language)
    return CheckOut(part=part, ok=False, code=code, message=message, remedy=hint, knowledge_base=which)
