"""What is wrong with an installation, part by part, and how to mend it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api.error_codes import error_code
from api.messages import REMEDIES, say
from api.schemas.doctor import CheckOut, DoctorPart, DoctorResponse
from api.schemas.request_model import EmptyRequest
from api.service.health import HEALTH
from api.service.owner import Owner, find_owner
from ingest.files.scan import scan
from rag import config
from rag.chat.factory import open_chat
from rag.chat.fallback import OUTCOMES, FallbackChat
from rag.chat.protocol import Message
from rag.errors import ConfigError, EmbedderMismatch, ZhiwenError
from rag.models.embedders.factory import open_embedder
from rag.settings import Settings
from rag.store.versions import Commit
from rag.text.language import Language
from rag.types import Attempt
from rag.wiring import open_store

PARTS: tuple[DoctorPart, ...] = ("configuration", "knowledge", "store", "embedder", "chat")
_PROBE = (Message("user", "Say OK."),)
_CODES = {outcome: error_code(kind("")) for kind, outcome in OUTCOMES.items()}


def diagnose(file: Path | None, language: Language) -> DoctorResponse:
    """Look at every part; what is broken in one does not keep the others from being looked at.

    `file` is the configuration file, as for `config.load`. Nothing is created or changed.
    """
    try:
        settings = config.load(file)
    except ConfigError as error:
        checks = [_wrong("configuration", error, language), *(_skipped(part, language) for part in PARTS[1:])]
    else:
        checks = list(_Examination(settings, language).checks(file))
    return DoctorResponse(ok=all(check.ok is not False for check in checks), checks=checks)


@dataclass(slots=True)
class _Examination:
    settings: Settings
    language: Language
    live: Commit | None = None
    """What the index was made of, once the store has told."""

    def checks(self, file: Path | None) -> Iterator[CheckOut]:
        yield _right("configuration", self._configuration(file))
        yield self._check("knowledge", self._knowledge)
        yield self._check("store", self._store)
        yield self._check("embedder", self._embedder)
        yield from self._chat()

    def _check(self, part: DoctorPart, look: Callable[[], str]) -> CheckOut:
        try:
            return _right(part, look())
        except ZhiwenError as error:
            return _wrong(part, error, self.language)

    def _configuration(self, file: Path | None) -> str:
        path = file or Path(config.DEFAULT_FILE)
        return str(path) if path.is_file() else say("doctor_defaults", self.language)

    def _knowledge(self) -> str:
        knowledge = self.settings.knowledge
        files = scan(
            knowledge.path, include=knowledge.include, exclude=knowledge.exclude, gitignore=knowledge.gitignore
        )
        return say("doctor_knowledge", self.language, path=knowledge.path, count=len(files))

    def _store(self) -> str:
        uri = self.settings.store.uri
        owner = find_owner(self.settings)
        if owner:
            return self._served(owner)
        if "://" not in uri and not Path(uri).exists():
            return say("doctor_empty", self.language, uri=uri)  # opening it would create it
        with open_store(self.settings) as store:
            state = store.state()
        if state is None:
            return say("doctor_empty", self.language, uri=uri)
        self.live = state.live
        return say(
            "doctor_store", self.language, uri=uri, generation=self.live.generation, documents=self.live.documents
        )

    def _served(self, owner: Owner) -> str:
        from api.service.remote import RemoteService  # noqa: PLC0415  (its library, where there is no server to ask)

        with RemoteService(owner) as remote:
            health = remote.call(HEALTH, EmptyRequest())
        return say(
            "doctor_served",
            self.language,
            url=owner.url,
            pid=owner.pid,
            generation=health.generation,
            documents=health.documents,
            embedder=health.embedder,
            chat=health.chat,
        )

    def _embedder(self) -> str:
        started = time.monotonic()
        embedder = open_embedder(self.settings.embedding)
        embedder.embed_query("知问")
        seconds = time.monotonic() - started
        if self.live and self.live.fingerprint != embedder.fingerprint:
            raise EmbedderMismatch(f"the live index was made with {self.live.embedder}, configured is {embedder.name}")
        return say("doctor_embedder", self.language, name=embedder.name, dimension=embedder.dimension, seconds=seconds)

    def _chat(self) -> Iterator[CheckOut]:
        """A line for each model of the chain."""
        try:
            chat = open_chat(self.settings.chat)
        except ZhiwenError as error:
            yield _wrong("chat", error, self.language)
            return
        if chat is None:
            yield _right("chat", say("doctor_extractive", self.language))
            return
        for attempt in asyncio.run(_probed(chat)):
            yield self._answered(attempt)

    def _answered(self, attempt: Attempt) -> CheckOut:
        if attempt.outcome == "answered":
            found = say("doctor_chat", self.language, name=attempt.model, seconds=attempt.seconds)
            return _right("chat", found)
        code = _CODES[attempt.outcome]
        return CheckOut(part="chat", ok=False, code=code, message=attempt.problem, remedy=_remedy(code, self.language))


async def _probed(chat: FallbackChat) -> list[Attempt]:
    try:
        return await chat.probe(_PROBE)
    finally:
        await chat.close()


def _right(part: DoctorPart, message: str) -> CheckOut:
    return CheckOut(part=part, ok=True, message=message)


def _skipped(part: DoctorPart, language: Language) -> CheckOut:
    return CheckOut(part=part, ok=None, message=say("doctor_skipped", language))


def _wrong(part: DoctorPart, error: ZhiwenError, language: Language) -> CheckOut:
    message = "; ".join(str(error).splitlines())
    return CheckOut(
        part=part, ok=False, code=error_code(error), message=message, remedy=_remedy(error_code(error), language)
    )


def _remedy(code: str, language: Language) -> str:
    return REMEDIES.get(code, {}).get(language, "")
