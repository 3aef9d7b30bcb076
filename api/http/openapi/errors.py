"""All errors of the HTTP API: the code, an example of the message, and the operations that can return it."""

from collections.abc import Mapping

WITHOUT_CLASS: Mapping[str, int] = {
    "invalid_request": 422,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "body_too_large": 413,
    "internal": 500,
}
"""Codes that have no class of error, with their status."""

ALWAYS = (
    "key_missing",
    "key_unknown",
    "scope_missing",
    "untrusted_host",
    "foreign_origin",
    "too_many_requests",
    "stopping",
    "internal",
)
WITH_BODY = ("invalid_request", "request_timeout", "body_too_large")
WITH_ANSWERS = ("too_many_answers",)

_STORE = ("store_unavailable", "store_timeout", "store_error")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "store": _STORE,
    "live": ("store_empty", *_STORE),
    "question": ("question_error", "question_too_long", "embedder_unavailable", "embedder_mismatch", "embedder_error"),
    "filter": ("filter_error",),
    "chat": ("chat_broken", "chat_garbled", "chat_filtered", "chat_timeout"),
    "ingest": ("store_locked", "knowledge_error", "source_error", "workers_unavailable"),
    "hook": ("hook_unsigned", "hook_unreadable"),
    "rollback": ("store_locked", "no_earlier_generation"),
    "trace": ("trace_not_found", "state_unavailable"),
    "text": ("text_not_found",),
    "name": ("not_found",),
    "document": ("document_not_found",),
    "feedback": ("feedback_error",),
    "knowledge_base": ("knowledge_base_not_found",),
    "state": ("state_unavailable",),
    "embedder": ("embedder_unavailable", "embedder_mismatch", "embedder_error"),
}
"""The errors of each kind of work that an operation does."""

MESSAGES: Mapping[str, str] = {
    "key_missing": "API key missing; send it in the header `Authorization: Bearer …`",
    "key_unknown": "invalid API key; ask the administrator",
    "scope_missing": "the API key page lacks the scope ingest",
    "untrusted_host": "unknown host name 'kb.example.com'; add it to serve.trusted_hosts if it is this service's",
    "foreign_origin": "https://example.com may not send this request; add it to serve.cors_origins to allow it",
    "too_many_requests": "the API key page has used up its 600 requests per minute",
    "too_many_answers": "too many questions are being answered; try again in a moment",
    "stopping": "the service is shutting down; try again in a moment",
    "internal": "internal error; see the server log",
    "invalid_request": "question: Field required",
    "not_found": "unknown model 'gpt-4o'; this server has: zhiwen",
    "method_not_allowed": "Method Not Allowed",
    "document_not_found": "generation 3 has no document 'guides/setup.md'",
    "knowledge_base_not_found": "there is no knowledge base 'hr'; there are: default, handbook",
    "feedback_error": "the feedback is not kept: database or disk is full",
    "request_timeout": "the request body took over 30 seconds",
    "body_too_large": "the request body is larger than 262144 bytes",
    "question_error": "the question is empty",
    "question_too_long": "the question is 5000 characters long, the limit is 4000",
    "filter_error": "the filter on 'tags' lists no values",
    "trace_not_found": "no trace 7c9e6679f7425: it is unknown or too old",
    "state_unavailable": "the state database postgresql://zhiwen:***@db/zhiwen cannot be used (state.url): connection "
    "refused",
    "text_not_found": "'nothing.md' is neither a passage nor a document of generation 3",
    "store_unavailable": "http://milvus:19530 cannot be reached; is Milvus running there?",
    "store_timeout": "http://milvus:19530 did not answer in time; raise store.timeout_seconds or look at Milvus",
    "store_error": "the index was written by a newer zhiwen; upgrade, or point store.collection elsewhere",
    "store_empty": "nothing has been ingested yet; run `zhiwen ingest`, or wait for the ingest that is running",
    "store_locked": "an ingest is running already; GET /ingest tells how far it is",
    "no_earlier_generation": "there is no earlier generation to go back to (store.keep_generations says how many are "
    "kept)",
    "knowledge_error": "/home/wang/notes is not the configured knowledge folder /srv/handbook; nothing was changed",
    "workers_unavailable": "the Ray cluster ray-head:6379 cannot be reached (Connection refused); nothing was changed. "
    "Check ingest.ray_address, or set ingest.engine: local",
    "source_error": "https://github.com/acme/handbook: there is no branch release: create it, or set git_branch to "
    "another one. The live generation stays as it is",
    "hook_unsigned": "the signature of the webhook is missing or wrong; its secret must be the one that the variable "
    "of git_webhook_secret has on this server, such as ZHIWEN_KNOWLEDGE__GIT_WEBHOOK_SECRET",
    "hook_unreadable": "the webhook is not JSON; choose the content type application/json on the forge",
    "embedder_unavailable": "embedding endpoint https://api.example.com/v1, model bge-m3, refused the key "
    "(HTTP 401: invalid key); set ZHIWEN_EMBEDDING__API_KEY",
    "embedder_mismatch": "the live index was made with builtin/multilingual-e5-small, questions are embedded with "
    "openai/text-embedding-v4; run `zhiwen ingest` to build it anew, or go back to the old settings",
    "embedder_error": "embedding endpoint https://api.example.com/v1, model bge-m3, gave no answer within 60 s; raise "
    "embedding.timeout_seconds or lower embedding.batch_size",
    "chat_broken": "qwen/qwen-plus: the connection to https://dashscope.aliyuncs.com/compatible-mode/v1 broke in "
    "mid-answer",
    "chat_garbled": "https://dashscope.aliyuncs.com/compatible-mode/v1 sent something that is not a chat answer",
    "chat_filtered": "qwen/qwen-plus: the provider's content filter stopped the answer",
    "chat_timeout": "qwen/qwen-plus was not done in time (chat.total_timeout_seconds)",
}

ELSEWHERE = (
    # Raised when the service starts, or in the report of an ingest.
    "config_error",
    "document_error",
    "golden_questions_lost",
    "ingest_stopped",
    "texts_refused",
    "backup_error",
    # Without a reranker, the hits keep their order.
    "reranker_error",
    "reranker_unavailable",
    "reranker_timeout",
    # Raised before the first word, so the answer quotes the documents instead.
    "chat_error",
    "chat_unavailable",
    "chat_busy",
    "chat_denied",
    "chat_resting",
    "chat_rejected",
    "not_a_chat_model",
    # Only its subclasses are raised.
    "request_refused",
)
"""Codes that no operation of the document returns."""
