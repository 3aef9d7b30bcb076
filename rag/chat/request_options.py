"""What a chat request asks for besides the answer, and what an endpoint has refused of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.chat.presets import Preset
from rag.chat.protocol import Message
from rag.settings import ChatSettings

_LIMITS = ("max_tokens", "max_completion_tokens")
_COMPLAINT = re.compile(
    r"(?:un|not |n't )(?:known|recogni[sz]ed|supported?|expected|permitted|allowed|valid)|invalid|extra|forbidden|"
    r"does not (?:support|accept)|only .{0,40}(?:supported|allowed)|must |不支持|无效|非法|未知|不能|只支持|必须",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"system.{0,20}(?:role|message|prompt|instruction).{0,40}(?:not|n't|un)|(?:not|n't|un)[^.]{0,60}['\"]system['\"]|"
    r"roles? must alternate|developer instruction is not enabled|不支持.{0,8}system",
    re.IGNORECASE,
)
_NAMES: Mapping[str, Sequence[str]] = {
    "stream_options": ("stream_options", "include_usage"),
    "stream": ("stream", "streaming", "流式"),
    "chat_template_kwargs": ("chat_template",),
    "temperature": ("temperature",),
}
_THINKING = frozenset({"enable_thinking", "thinking", "reasoning_effort", "chat_template_kwargs", "think", "reasoning"})
_ABOUT_THINKING = re.compile(r"think|reasoning|思考", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """The options of one endpoint.

    `required` are those that somebody has asked for by name, so they are never left out. `folds_system`: the endpoint
    knows no system messages, so the rules stand at the head of the first user message.
    """

    options: Mapping[str, object]
    required: Mapping[str, object]
    folds_system: bool = False

    @classmethod
    def of(cls, settings: ChatSettings, preset: Preset, extra: Mapping[str, Any]) -> "RequestOptions":
        """Return the options of the settings. In `extra`, null leaves an option out."""
        options = {
            "stream": True,
            "temperature": settings.temperature,
            preset.limit_parameter: settings.max_answer_tokens,
            "stream_options": {"include_usage": True},
            **(preset.thinking_on if settings.thinking else preset.thinking_off),
        }
        own = {name: value for name, value in options.items() if name not in extra}
        return cls(own, {name: value for name, value in extra.items() if value is not None})

    def body(self, model: str, messages: Sequence[Message]) -> dict[str, object]:
        """Return the body of the request."""
        sent = _fold(messages) if self.folds_system else messages
        rendered = [{"role": message.role, "content": message.content} for message in sent]
        return {"model": model, "messages": rendered, **self.options, **self.required}

    def without_refused(self, status: int, complaint: str) -> "RequestOptions | None":
        """Return the options without what the complaint is about; None if nothing can be left out.

        The limit of the answer's length is never left out, only renamed to what the endpoint asks for.
        """
        if status not in {400, 404, 405, 415, 422, 500, 501} or (
            status not in {400, 422} and not _is_refusal(complaint)
        ):
            return None
        if renamed := self._with_other_limit(complaint):
            return renamed
        if not self.folds_system and _NO_SYSTEM.search(complaint):
            return replace(self, folds_system=True)
        refused = next((name for name in self._refusable if _is_named(name, complaint)), None)
        if refused is None and _ABOUT_THINKING.search(complaint) and _is_refusal(complaint):
            refused = next((name for name in self.options if name in _THINKING), None)
        if refused:
            return self._without({refused})
        if re.search(r"param|argument|field|extra|propert|参数|字段", complaint, re.IGNORECASE) and _is_refusal(
            complaint
        ):
            extras = set(self._refusable) - {"stream"}
            return self._without(extras) if extras else None
        return None

    @property
    def _refusable(self) -> list[str]:
        return [name for name in sorted(self.options, key=len, reverse=True) if name not in _LIMITS]

    def _with_other_limit(self, complaint: str) -> "RequestOptions | None":
        current = next((name for name in _LIMITS if name in self.options), "")
        other = next(name for name in _LIMITS if name != current)
        names_current = re.search(rf"\b{current}\b", complaint) if current else None
        is_refused = names_current and re.search(
            r"unsupported|not (?:supported|permitted|allowed)|unrecogni[sz]ed|unknown|extra|unexpected", complaint, re.I
        )
        if not is_refused or "context length" in complaint:
            return None
        options = {other if name == current else name: value for name, value in self.options.items()}
        return replace(self, options=options)

    def _without(self, names: Iterable[str]) -> "RequestOptions":
        left_out = set(names)
        return replace(self, options={name: value for name, value in self.options.items() if name not in left_out})


def _is_refusal(complaint: str) -> bool:
    return _COMPLAINT.search(complaint) is not None


def _is_named(name: str, complaint: str) -> bool:
    """Return whether the complaint names the option; as a whole word."""
    words = _NAMES.get(name, (name,))
    return any(re.search(rf"(?<!\w){re.escape(word)}(?:_kwargs)?(?![a-z_])", complaint) for word in words)


def _fold(messages: Sequence[Message]) -> list[Message]:
    rules = [message.content for message in messages if message.role == "system"]
    others = [message for message in messages if message.role != "system"]
    if not rules or not others:
        return list(messages)
    return [replace(others[0], content="\n\n".join([*rules, others[0].content])), *others[1:]]
