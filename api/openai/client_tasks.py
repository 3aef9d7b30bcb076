"""Requests that chat clients send on their own: titles for a conversation, tags, follow-up questions.

They arrive as ordinary chat completions whose prompt contains the conversation so far. No document answers them, so
they get an answer without a search and without a call of the chat model.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_TITLE_CHARACTERS = 20

# Open WebUI: "### Task:", guidelines, and the conversation in a tag. The key of the requested JSON names the task.
_TASK = re.compile(r"\s*### Task:\n.*<(?:chat_history|chat_context)>", re.DOTALL)
_REQUESTED_KEY = re.compile(r"\{\s*\"(title|tags|follow_ups|queries|text|prompt)\":")
_EMPTY: dict[str, object] = {"tags": [], "follow_ups": [], "queries": [], "text": "", "prompt": ""}
_EXAMPLES_END = re.compile(r"<(?:chat_history|chat_context)>\s*")

# Chatbox.
_NAMING = re.compile(r"Based on the chat history, give this conversation a name")
# Cherry Studio, LobeChat: instructions in the system message, the conversation in the user message.
_SUMMARIES = re.compile(r"总结|概括|summar|conclude", re.IGNORECASE)
_TITLES = re.compile(r"标题|title", re.IGNORECASE)

_TURN = re.compile(r"^[ \t]*(?:\*\*)?user(?:\*\*)?[ \t]*[:：][ \t]*(.+)$", re.IGNORECASE | re.MULTILINE)
_TRANSCRIPT = re.compile(
    r"\s*(?:[\[{].*\"role\"|(?:\*\*)?(?:user|assistant)(?:\*\*)?\s*[:：])", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """A message of a chat completion, with any role."""

    role: str
    text: str


def answer_client_task(messages: Sequence[ClientMessage]) -> str | None:
    """Return an answer in the form that the client parses, or None if a person asked."""
    last = next((message.text for message in reversed(messages) if message.role == "user"), "")
    instructions = "\n".join(message.text for message in messages if message.role in ("system", "developer"))
    if _TASK.match(last):
        return _open_webui(last)
    if _NAMING.search(last):
        return _title(last.partition("```")[2] or last)
    if _SUMMARIES.search(instructions) and _TITLES.search(instructions) and _TRANSCRIPT.match(last):
        return _title(last)
    return None


def _open_webui(prompt: str) -> str:
    requested = _REQUESTED_KEY.search(prompt)
    if requested is None:
        return ""
    key = requested[1]
    value = _title(_EXAMPLES_END.split(prompt)[-1]) if key == "title" else _EMPTY[key]
    return json.dumps({key: value}, ensure_ascii=False)


def _title(transcript: str) -> str:
    """Return the first user message, cut to the length of a title."""
    turn = _TURN.search(transcript)
    message = _first_in_json(transcript) or (turn[1] if turn else transcript.strip().partition("\n")[0])
    line = " ".join(message.split())
    return line if len(line) <= _MAX_TITLE_CHARACTERS else f"{line[: _MAX_TITLE_CHARACTERS - 1]}…"


def _first_in_json(transcript: str) -> str:
    """Return the first user message of a JSON list of messages, or ""."""
    try:
        messages = json.loads(transcript)
    except (ValueError, RecursionError):
        return ""
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, dict) and message.get("role") == "user":
            text = message.get("mainText") or message.get("content")
            return text if isinstance(text, str) else ""
    return ""
