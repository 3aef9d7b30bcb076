"""Errors as HTTP answers and exit codes: one table, one shape."""

from rag import errors
from rag.errors import ZhiwenError

STATUS: dict[type[ZhiwenError], int] = {
    errors.ConfigError: 500,
    errors.QuestionError: 422,
    errors.QuestionTooLong: 413,
    errors.TraceNotFound: 404,
    errors.FilterError: 422,
    errors.RequestRefused: 400,
    errors.KeyMissing: 401,
    errors.KeyUnknown: 401,
    errors.ScopeMissing: 403,
    errors.UntrustedHost: 400,
    errors.ForeignOrigin: 403,
    errors.TooManyRequests: 429,
    errors.TooManyAnswers: 429,
    errors.Stopping: 503,
    errors.TextNotFound: 404,
    errors.KnowledgeError: 409,
    errors.DocumentError: 422,
    errors.DocumentNotFound: 404,
    errors.GoldenQuestionsLost: 409,
    errors.FeedbackError: 503,
    errors.IngestStopped: 503,
    errors.BackupError: 409,
    errors.StoreError: 503,
    errors.StoreUnavailable: 503,
    errors.StoreTimeout: 504,
    errors.StoreLocked: 409,
    errors.StoreEmpty: 503,
    errors.NoEarlierGeneration: 409,
    errors.EmbedderError: 503,
    errors.EmbedderUnavailable: 503,
    errors.EmbedderMismatch: 503,
    errors.RerankerError: 503,
    errors.RerankerUnavailable: 503,
    errors.RerankerTimeout: 504,
    errors.ChatError: 502,
    errors.ChatUnavailable: 503,
    errors.ChatBusy: 503,
    errors.ChatAuthenticationError: 503,
    errors.ChatCircuitOpen: 503,
    errors.ChatTimeout: 504,
    errors.ChatBroken: 502,
    errors.ChatInvalidResponse: 502,
    errors.ChatFiltered: 502,
    errors.ChatRejected: 502,
    errors.NotAChatModel: 502,
}

_USAGE_ERRORS = (errors.ConfigError, errors.QuestionError, errors.FilterError)


def http_status(error: ZhiwenError) -> int:
    """The HTTP status of an error, from its nearest class in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_code(error: ZhiwenError) -> str:
    return error.code


def terminal_message(error: ZhiwenError) -> str:
    """The message in one line of a terminal, with the command that tells how an answer came to break off."""
    return f"{error} (zhiwen explain {error.trace_id})" if error.trace_id else str(error)


def error_from_code(code: str, message: str, trace_id: str = "") -> ZhiwenError:
    """The error that a server answered with, as it was there."""
    kind = next((kind for kind in STATUS if error_code(kind()) == code), ZhiwenError)
    error = kind(message)
    error.trace_id = trace_id
    return error


def exit_code(error: ZhiwenError) -> int:
    """2 for what the user typed or configured, 1 for everything else."""
    return 2 if isinstance(error, _USAGE_ERRORS) else 1
