"""What the finish reasons of providers mean. Each has names of its own; upper case, dashes and blanks are levelled."""

from typing import Literal

End = Literal["complete", "truncated", "filtered", "other"]

_NONE = frozenset({"", "null", "none", "nil", "undefined", "unspecified", "finish_reason_unspecified", "in_progress"})
_ENDS: dict[End, frozenset[str]] = {
    "complete": frozenset(
        {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_token", "complete", "completed", "end"}
        | {"done", "finish", "finished", "normal", "success", "endoftext", "end_of_text"}
    ),
    "truncated": frozenset(
        {"length", "max_tokens", "model_length", "max_length", "max_output_tokens", "max_completion_tokens"}
        | {"max_new_tokens", "token_limit", "context_length", "model_context_window_exceeded", "incomplete"}
    ),
    "filtered": frozenset(
        {"content_filter", "content_filtered", "sensitive", "safety", "recitation", "blocklist", "prohibited_content"}
        | {"spii", "language", "refusal", "guardrail_intervened", "error_toxic", "data_inspection_failed", "risk"}
    ),
}


def normalise(reason: object) -> str:
    """Return the finish reason in lower case; "" if it says that the answer goes on.

    >>> normalise("MAX_TOKENS"), normalise("FINISH_REASON_STOP"), normalise("null"), normalise(None)
    ('max_tokens', 'stop', '', '')
    """
    name = reason.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(reason, str) else ""
    return "" if name in _NONE else name.removeprefix("finish_reason_")


def end_of(reason: str) -> End:
    """Return what a finish reason says about the answer.

    >>> end_of("stop"), end_of("max_tokens"), end_of("tool_calls")
    ('complete', 'truncated', 'other')
    """
    return next((end for end, reasons in _ENDS.items() if reason in reasons), "other")
