"""Everything that can go wrong, as one tree.

    ZhiwenError
    ├── ConfigError              a setting is unknown, of the wrong type, out of range, or missing
    ├── QuestionError            the question is empty or not text
    │   └── QuestionTooLong      it exceeds answering.max_question_characters
    ├── TraceNotFound            no answer of that id is kept: unknown, too old, or traces are switched off
    ├── FilterError              a search filter names a bad field or value
    ├── RequestRefused           the service does not take this request, or not now
    │   ├── KeyMissing           it has no API key
    │   ├── KeyUnknown           its key is none of the service's
    │   ├── ScopeMissing         its key does not open this
    │   ├── UntrustedHost        it is for a host name that the service does not go by
    │   ├── ForeignOrigin        a page of another site sent it
    │   ├── TooManyRequests      its key has been used too often within a minute
    │   └── TooManyAnswers       as many answers are being written as the service allows
    ├── Stopping                 the service is shutting down
    ├── TextNotFound             no passage or document has the id that was asked for
    ├── KnowledgeError           the folder of documents is missing, empty, or about to be emptied
    │   ├── DocumentError        one document cannot be read; the others are not affected
    │   ├── DocumentNotFound     the live generation has no document of that name
    │   └── GoldenQuestionsLost  the new generation would no longer find what the old one finds
    ├── FeedbackError            what people thought of answers cannot be kept or read
    ├── IngestStopped            an ingest was ended before it was done; what was live stays live
    ├── BackupError              a backup cannot be written, or is damaged, cut off, or something else
    ├── StoreError               the vector store refused or failed
    │   ├── StoreUnavailable     it cannot be reached
    │   ├── StoreTimeout         it did not answer within the deadline
    │   ├── StoreLocked          another process owns it, or is writing to it
    │   ├── StoreEmpty           nothing has been ingested yet
    │   └── NoEarlierGeneration  there is nothing to roll back to
    ├── EmbedderError            the embedding model failed
    │   ├── EmbedderUnavailable  it cannot be loaded or reached
    │   └── EmbedderMismatch     the live index was made with another one
    ├── RerankerError            the reranker failed; the hits stay in the order in which they were found
    │   ├── RerankerUnavailable  it cannot be loaded or reached, or refuses the key
    │   └── RerankerTimeout      it did not answer within the deadline
    └── ChatError                the chat model failed
        ├── ChatUnavailable      it cannot be reached, or is out of order
        │   ├── ChatBusy         it is asked too often
        │   ├── ChatAuthenticationError  it refuses the key, the account or the model's name; trying again does not help
        │   └── ChatCircuitOpen  it has failed again and again, and is left alone for a while
        ├── ChatTimeout          it did not begin, go on or end within the deadline
        └── ChatBroken           its answer broke off, and is not whole
            ├── ChatInvalidResponse  what it sends is no JSON, or no chat answer
            ├── ChatFiltered     the provider's content filter stopped it
            ├── ChatRejected     it does not take this request, for example because it is too long
            └── NotAChatModel    something else answers at its address, such as a login page

Errors of vendor libraries are translated where the library is called, with `raise … from`. "Nothing was found"
is not an error: it is an `Answer` with `refused = True`.
"""

import re
from typing import ClassVar


class ZhiwenError(Exception):
    """Root of the tree. The message is one line for a person: the thing, the value, the way out.

    `trace_id` is that of the trace which is kept of an answer that the error broke off, "" if it broke off none.
    """

    trace_id = ""

    code: ClassVar[str] = "zhiwen_error"
    """For programs: `StoreUnavailable` → `store_unavailable`, `NotAChatModel` → `not_a_chat_model`.

    Codes are public: a class that gets a better name keeps the code it had, given as `code` in its definition.
    """

    def __init_subclass__(cls, code: str = "") -> None:
        super().__init_subclass__()
        cls.code = code or re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


class ConfigError(ZhiwenError):
    pass


class QuestionError(ZhiwenError):
    pass


class QuestionTooLong(QuestionError):
    pass


class TraceNotFound(ZhiwenError):
    pass


class FilterError(ZhiwenError):
    pass


class RequestRefused(ZhiwenError):
    """`retry_after_seconds` is when to try again, 0 where that does not help."""

    def __init__(self, message: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class KeyMissing(RequestRefused):
    pass


class KeyUnknown(RequestRefused):
    pass


class ScopeMissing(RequestRefused):
    """`scope` is the one that the key lacks."""

    def __init__(self, message: str = "", *, scope: str = "") -> None:
        super().__init__(message)
        self.scope = scope


class UntrustedHost(RequestRefused):
    pass


class ForeignOrigin(RequestRefused):
    pass


class TooManyRequests(RequestRefused):
    pass


class TooManyAnswers(RequestRefused):
    pass


class Stopping(ZhiwenError):
    pass


class TextNotFound(ZhiwenError):
    pass


class KnowledgeError(ZhiwenError):
    pass


class DocumentError(KnowledgeError):
    pass


class DocumentNotFound(KnowledgeError):
    pass


class GoldenQuestionsLost(KnowledgeError):
    pass


class FeedbackError(ZhiwenError):
    pass


class IngestStopped(ZhiwenError):
    pass


class BackupError(ZhiwenError):
    pass


class StoreError(ZhiwenError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreTimeout(StoreError):
    pass


class StoreLocked(StoreError):
    pass


class StoreEmpty(StoreError):
    pass


class NoEarlierGeneration(StoreError):
    pass


class EmbedderError(ZhiwenError):
    pass


class EmbedderUnavailable(EmbedderError):
    pass


class EmbedderMismatch(EmbedderError):
    pass


class RerankerError(ZhiwenError):
    pass


class RerankerUnavailable(RerankerError):
    pass


class RerankerTimeout(RerankerError):
    pass


class ChatError(ZhiwenError):
    pass


class ChatUnavailable(ChatError):
    """`retry_after_seconds` is what the provider asked to wait before the next try, 0 if it did not say."""

    def __init__(self, message: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ChatBusy(ChatUnavailable):
    pass


class ChatAuthenticationError(ChatUnavailable, code="chat_denied"):
    pass


class ChatCircuitOpen(ChatUnavailable, code="chat_resting"):
    pass


class ChatTimeout(ChatError):
    pass


class ChatBroken(ChatError):
    pass


class ChatInvalidResponse(ChatBroken, code="chat_garbled"):
    pass


class ChatFiltered(ChatBroken):
    pass


class ChatRejected(ChatBroken):
    pass


class NotAChatModel(ChatBroken):
    pass


def first_line(error: Exception) -> str:
    """What a vendor's error says, short enough to stand in a message of ours."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
