"""From what a chat endpoint says about a request to an error with the provider's reason and advice that fits it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rag.chat.provider_causes import find_cause, is_filtered
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatError,
    ChatFiltered,
    ChatRejected,
    ChatUnavailable,
)
from rag.models.provider_reason import ProviderReason
from rag.models.retry_after import parse_retry_after

_DENIALS = {
    401: "refuses the key{said}; check {key}",
    403: "refuses access{said}; check what {key} may use, and chat.model",
    404: "does not know the model or the path{said}; check chat.model and chat.base_url, which usually ends in /v1",
    405: "does not know the path{said}; check chat.base_url, which usually ends in /v1",
    407: "is behind a proxy that refuses us{said}; check the proxy's user and password",
}
_TRANSIENT_STATUSES = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class ProviderErrors:
    """Translates the errors of one endpoint: `name` is the model's, `endpoint` the model and its address.

    `key_variable` names the variable that holds the key, `model` is what the request asks for.
    """

    name: str
    endpoint: str
    model: str
    key_variable: str

    def of_status(self, status: int, reason: ProviderReason, headers: Mapping[str, str]) -> ChatError:
        """Return the error for a response with this status."""
        said = f" (status {status}){': ' + reason.text if reason.text else ''}"
        if is_filtered(reason):
            return self._filtered(reason)
        if cause := find_cause(status, reason):
            return cause.kind(f"{self.endpoint} {cause.problem}{said}; {self._fill(cause.advice)}")
        if status in _DENIALS:
            denial = _DENIALS[status].partition("{said}")
            return ChatAuthenticationError(f"{self.endpoint} {denial[0]}{said}{self._fill(denial[2])}")
        wait = parse_retry_after(headers.get("retry-after", "")) or 0.0
        if status == 429:
            return ChatBusy(f"{self.endpoint} refuses more requests for now{said}", retry_after_seconds=wait)
        if status >= 500 or status in _TRANSIENT_STATUSES:
            return ChatUnavailable(f"{self.endpoint} is not available{said}", retry_after_seconds=wait)
        return ChatRejected(f"{self.endpoint} refused the request{said}")

    def in_stream(self, reason: ProviderReason) -> ChatError:
        """Return the error for an error that stands where the answer should."""
        if is_filtered(reason):
            return self._filtered(reason)
        cause = find_cause(0, reason)
        advice = f"; {self._fill(cause.advice)}" if cause else ""
        return ChatBroken(f"{self.endpoint} stopped with an error: {reason.text}{advice}")

    def _filtered(self, reason: ProviderReason) -> ChatError:
        return ChatFiltered(f"{self.name}: the provider's content filter stopped the answer: {reason.text}")

    def _fill(self, advice: str) -> str:
        return advice.format(key=self.key_variable, model=self.model)
