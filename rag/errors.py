"""Everything that can go wrong below the API, as one tree.

    ZhiwenError
    ├── ConfigError
    ├── QuestionError
    │   └── QuestionTooLong
    ├── TraceNotFound
    ├── StateUnavailable
    ├── FilterError
    ├── TextNotFound
    ├── KnowledgeError
    │   ├── DocumentError
    │   ├── DocumentNotFound
    │   ├── GoldenQuestionsLost
    │   └── KnowledgeBaseNotFound
    ├── SourceError
    ├── FeedbackError
    ├── IngestStopped
    ├── WorkersUnavailable
    ├── BackupError
    ├── StoreError
    │   ├── StoreUnavailable
    │   ├── StoreTimeout
    │   ├── StoreLocked
    │   ├── StoreEmpty
    │   └── NoEarlierGeneration
    ├── EmbedderError
    │   ├── EmbedderUnavailable
    │   ├── EmbedderMismatch
    │   └── TextsRefused
    ├── RerankerError
    │   ├── RerankerUnavailable
    │   └── RerankerTimeout
    └── ChatError
        ├── ChatUnavailable
        │   ├── ChatBusy
        │   ├── ChatAuthenticationError
        │   └── ChatCircuitOpen
        ├── ChatTimeout
        └── ChatBroken
            ├── ChatInvalidResponse
            ├── ChatFiltered
            ├── ChatRejected
            └── NotAChatModel

Errors of requests that the service refuses (no API key …) are branches of this tree, drawn in `api/request_errors.py`.
Errors of vendor libraries are translated where the library is called, with `raise … from`. "Nothing was found" is not
an error: it is an `Answer` with `refused = True`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from rag.url_credentials import mask_credentials


class ZhiwenError(Exception):
    """Root of the tree. The message is one line for a person: the thing, the value, the way out.

    `trace_id` names the trace of the answer that the error broke off; it is "" if the error broke off no answer. `code`
    is for programs: `store_unavailable`. It is public, so a class that gets a better name keeps it: `code="old_name"`.
    """

    trace_id = ""
    code: ClassVar[str] = "zhiwen_error"

    def __str__(self) -> str:
        # The one place for all messages: what vendors write about an address may hold credentials.
        return mask_credentials(super().__str__())

    def __init_subclass__(cls, code: str = "") -> None:
        super().__init_subclass__()
        cls.code = code or re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


class ConfigError(ZhiwenError):
    """A setting is unknown, of the wrong type, out of range, or missing."""


class QuestionError(ZhiwenError):
    """The question is empty or not text."""


class QuestionTooLong(QuestionError):
    """The question exceeds `answering.max_question_characters`."""


class TraceNotFound(ZhiwenError):
    """No trace has this id: it is unknown or too old, or traces are switched off."""


class StateUnavailable(ZhiwenError):
    """The database of traces and feedback cannot be reached, read or written; answers do not need it."""


class FilterError(ZhiwenError):
    """A search filter names a bad field or value."""


class TextNotFound(ZhiwenError):
    """No passage and no document has this id."""


class KnowledgeError(ZhiwenError):
    """The folder of documents is missing or empty, or an ingest would empty the index."""


class DocumentError(KnowledgeError):
    """One document cannot be read; the others are not affected."""


class DocumentNotFound(KnowledgeError):
    """The live generation has no document of that name."""


class GoldenQuestionsLost(KnowledgeError):
    """The new generation would no longer find what the live one finds, or would show keys what they must not see."""


class KnowledgeBaseNotFound(KnowledgeError):
    """No knowledge base has this name."""


class SourceError(ZhiwenError):
    """The documents cannot be fetched from where they come from; the live generation stays live."""


class FeedbackError(ZhiwenError):
    """Feedback on answers cannot be written or read."""


class IngestStopped(ZhiwenError):
    """An ingest was stopped before its commit; the live generation stays live."""


class WorkersUnavailable(ZhiwenError):
    """The machines that cut and embed documents cannot be used."""


class BackupError(ZhiwenError):
    """A backup cannot be written, or the file is truncated, damaged or not a backup."""


class StoreError(ZhiwenError):
    """The vector store refused or failed."""


class StoreUnavailable(StoreError):
    """The store cannot be reached."""


class StoreTimeout(StoreError):
    """The store did not answer before the deadline."""


class StoreLocked(StoreError):
    """Another process owns the store or is writing to it."""


class StoreEmpty(StoreError):
    """Nothing has been ingested yet."""


class NoEarlierGeneration(StoreError):
    """The store keeps no generation to roll back to."""


class EmbedderError(ZhiwenError):
    """The embedding model failed."""


class EmbedderUnavailable(EmbedderError):
    """The embedding model cannot be loaded or reached."""


class EmbedderMismatch(EmbedderError):
    """The live index was built with another embedding model."""


class TextsRefused(EmbedderError):
    """The embedding model cannot embed some texts: `reasons` says why, by their position in the list."""

    def __init__(self, message: str = "", reasons: Mapping[int, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.reasons = dict(reasons)


class RerankerError(ZhiwenError):
    """The reranker failed; the hits keep the order in which they were found."""


class RerankerUnavailable(RerankerError):
    """The reranker cannot be loaded or reached, or refuses the key."""


class RerankerTimeout(RerankerError):
    """The reranker did not answer before the deadline."""


class ChatError(ZhiwenError):
    """The chat model failed."""


class ChatUnavailable(ChatError):
    """The chat model cannot be reached or is out of order.

    `retry_after_seconds` is how long the provider asks to wait before the next try, 0 if it does not say.
    """

    def __init__(self, message: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ChatBusy(ChatUnavailable):
    """The provider refuses more requests for now."""


class ChatAuthenticationError(ChatUnavailable, code="chat_denied"):
    """The provider refuses the key, the account or the model's name; trying again does not help."""


class ChatCircuitOpen(ChatUnavailable, code="chat_resting"):
    """The model has failed several times in a row and is not called for a while."""


class ChatTimeout(ChatError):
    """The chat model did not begin, continue or end before a deadline."""


class ChatBroken(ChatError):
    """The answer broke off and is incomplete."""


class ChatInvalidResponse(ChatBroken, code="chat_garbled"):
    """The response is not JSON, or not a chat answer."""


class ChatFiltered(ChatBroken):
    """The provider's content filter stopped the answer."""


class ChatRejected(ChatBroken):
    """The provider rejects this request, for example because it is too long."""


class NotAChatModel(ChatBroken):
    """Something else answers at this address, such as a login page."""
