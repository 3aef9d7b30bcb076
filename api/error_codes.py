"""What an error becomes at the edge: its HTTP status, its code on the wire, its exit code."""

from api import request_errors
from rag import errors
from rag.errors import ZhiwenError

STATUS: dict[type[ZhiwenError], int] = {
    errors.ConfigError: 500,
    errors.QuestionError: 422,
    errors.QuestionTooLong: 413,
    errors.TraceNotFound: 404,
    errors.StateUnavailable: 503,
    errors.FilterError: 422,
    request_errors.RequestRefused: 400,
    request_errors.KeyMissing: 401,
    request_errors.KeyUnknown: 401,
    request_errors.ScopeMissing: 403,
    request_errors.UntrustedHost: 400,
    request_errors.ForeignOrigin: 403,
    request_errors.TooManyRequests: 429,
    request_errors.TooManyAnswers: 429,
    request_errors.HookUnsigned: 401,
    request_errors.HookUnreadable: 400,
    request_errors.Stopping: 503,
    errors.TextNotFound: 404,
    errors.KnowledgeError: 409,
    errors.DocumentError: 422,
    errors.DocumentNotFound: 404,
    errors.GoldenQuestionsLost: 409,
    errors.KnowledgeBaseNotFound: 404,
    errors.SourceError: 502,
    errors.FeedbackError: 503,
    errors.IngestStopped: 503,
    errors.WorkersUnavailable: 503,
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
    errors.TextsRefused: 503,
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
"""The HTTP status of each class of error below the root of the tree."""

_USAGE_ERRORS = (errors.ConfigError, errors.QuestionError, errors.FilterError, errors.KnowledgeBaseNotFound)


def http_status(error: ZhiwenError) -> int:
    """The HTTP status of an error, from its nearest class in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_code(error: ZhiwenError) -> str:
    """The public code of an error, such as `store_unavailable`."""
    return error.code


def terminal_message(error: ZhiwenError) -> str:
    """The message as one line; if the error broke off an answer, with the command that shows its trace."""
    return f"{error} (zhiwen explain {error.trace_id})" if error.trace_id else str(error)


def error_from_code(code: str, message: str, trace_id: str = "") -> ZhiwenError:
    """Rebuild the error that a server answered with; ZhiwenError itself if the code is unknown."""
    kind = next((kind for kind in STATUS if error_code(kind()) == code), ZhiwenError)
    error = kind(message)
    error.trace_id = trace_id
    return error


def exit_code(error: ZhiwenError) -> int:
    """The exit code of a command: 2 if the input, the settings or the folder are wrong, 1 for any other error."""
    # The descendants of KnowledgeError are about documents and their content, not about the folder.
    return 2 if isinstance(error, _USAGE_ERRORS) or type(error) is errors.KnowledgeError else 1
