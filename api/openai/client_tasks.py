"""Requests that chat clients send on their own: titles for a conversation, tags, follow-up questions, search queries.

They arrive as ordinary chat completions whose prompt contains the conversation so far. No document answers them, so
they get an answer without a search and without a call of the chat model.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from api.openai.quoted_conversation import first_message, is_transcript, split_prompt
from api.openai.task_instructions import Task, is_question, names_conversations, task_of

_MAX_TITLE_CHARACTERS = 20

# Open WebUI writes such a heading above each of its tasks.
_OPEN_WEBUI = re.compile(r"\s*### Task:\n.*<(?:chat_history|chat_context)>", re.DOTALL)
# Cherry Studio and LobeChat: a system message that only says what to do with the conversation.
_SUMMARIES = re.compile(r"总结|概括|summar|conclude", re.IGNORECASE)
_TITLES = re.compile(r"标题|title", re.IGNORECASE)

_REQUESTED_OBJECT = re.compile(r"\{\s*\"(\w+)\":\s*([\[\"])")
_REQUESTED_LIST = re.compile(r"\[\s*\"[^\"\]]*\"\s*,")
_REQUESTED_TAG = re.compile(r"<question>|[`'\"]question[`'\"] XML block")
_FOLLOW_UP = re.compile(
    r"^[ \t*]*(?:follow[- ]?up (?:question|input)|latest question|user(?:'s)? question|question|追问|后续问题|用户问题)"
    r"[ \t*]*[:：]\s*(.+)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """A message of a chat completion, with any role."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class _ClientTask:
    """A task, the `prompt` that says how its answer must look, and the `conversation` that it is about."""

    task: Task
    prompt: str
    conversation: str


def answer_client_task(messages: Sequence[ClientMessage]) -> str | None:
    """Return an answer in the form that the client parses, or None if a person asked."""
    found = _find_task(messages)
    if found is None:
        return None
    requested = _REQUESTED_OBJECT.search(found.prompt)
    title = _title(found.conversation) if found.task == "title" else ""
    if requested:
        value = [] if requested[2] == "[" else title
        return json.dumps({requested[1]: value}, ensure_ascii=False)
    if found.task == "queries":
        return _query(found)
    if found.task in ("tags", "follow_ups") and _REQUESTED_LIST.search(found.prompt):
        return "[]"
    return title


def _find_task(messages: Sequence[ClientMessage]) -> _ClientTask | None:
    """Return the task of a client: in a message that quotes a conversation, below one, or above one."""
    index = _index_of_prompt(messages)
    if index is None:
        return None
    prompt = messages[index].text
    earlier = [message for message in messages[:index] if message.role in ("user", "assistant")]
    system = "\n".join(message.text for message in messages[:index] if message.role in ("system", "developer"))
    if found := _around_quote(prompt):
        return found
    if found := _below_conversation(messages[index], earlier):
        return found
    is_first = all(message.role == "user" for message in earlier)
    return _above_conversation(system, prompt) if system and is_first else None


def _index_of_prompt(messages: Sequence[ClientMessage]) -> int | None:
    """Return where the instruction may be: in the last message of the user, or in a system message that comes last."""
    for index in reversed(range(len(messages))):
        if messages[index].role in ("user", "system", "developer"):
            return index if messages[index].text.strip() else None
    return None


def _around_quote(prompt: str) -> _ClientTask | None:
    parts = split_prompt(prompt)
    if parts is None:
        return None
    if _OPEN_WEBUI.match(prompt):
        requested = _REQUESTED_OBJECT.search(parts.instruction)
        is_title = requested is not None and requested[1] == "title"
        # Open WebUI accepts an empty answer to any other task.
        return _ClientTask("title" if is_title else task_of(parts.instruction) or "summary", prompt, parts.quoted)
    task = task_of(parts.instruction)
    # Instructions to rephrase a question contain examples of questions.
    if task is None or (task != "queries" and is_question(parts.instruction)):
        return None
    return _ClientTask(task, prompt, parts.quoted)


def _below_conversation(message: ClientMessage, earlier: Sequence[ClientMessage]) -> _ClientTask | None:
    """NextChat, FastGPT: the conversation comes as messages, and the instruction follows it."""
    task = task_of(message.text) if earlier else None
    is_client = (
        task == "title"
        or (task == "summary" and message.role != "user")
        or (task == "follow_ups" and _REQUESTED_LIST.search(message.text))
    )
    if task is None or not is_client or is_question(message.text):
        return None
    return _ClientTask(task, message.text, next((one.text for one in earlier if one.role == "user"), ""))


def _above_conversation(system: str, prompt: str) -> _ClientTask | None:
    """Cherry Studio, LobeChat: the system message has the instruction, and the user message the conversation."""
    if not is_transcript(prompt):
        # It is the first question alone, so the system message may also be the persona of an assistant.
        return _ClientTask("title", system, prompt) if names_conversations(system) else None
    is_title = _SUMMARIES.search(system) and _TITLES.search(system)
    task = "title" if is_title else task_of(system)
    return _ClientTask(task, system, prompt) if task else None


def _query(found: _ClientTask) -> str:
    """Return the question as it is; if the client also asks whether to search, say that no search is needed."""
    if _REQUESTED_TAG.search(found.prompt):
        return "<question>not_needed</question>"
    questions = _FOLLOW_UP.findall(found.prompt)
    return " ".join((questions[-1] if questions else first_message(found.conversation)).split())


def _title(conversation: str) -> str:
    """Return the first message of the user, cut to the length of a title."""
    line = " ".join(first_message(conversation).split())
    return line if len(line) <= _MAX_TITLE_CHARACTERS else f"{line[: _MAX_TITLE_CHARACTERS - 1]}…"
