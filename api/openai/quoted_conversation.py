"""Conversations as chat clients quote them in a prompt: in a tag, a code fence, between rulers, or as a transcript."""

import json
import re
from dataclasses import dataclass

_BEFORE_ROLE, _AFTER_ROLE = r"^[ \t|>*\-\[]*", r"[\]*]*[ \t]*[:：]"
_USER = "user|human|you|用户"

_QUOTES = (
    # `conversaton` is how a client spells it.
    re.compile(
        r"<(chat_history|chat_context|conversation(?:_history|_context)?|conversaton_history|content|messages|history"
        r"|dialogue?|transcript|query)>(?P<quoted>(?:(?!<\1>).)*?)(?:</\1>|\Z)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(r"```[^\n]*\n(?P<quoted>.*?)(?:```|\Z)", re.DOTALL),
    re.compile(r"^-{5,}[ \t]*\n(?P<quoted>.*?)\n-{5,}[ \t]*$", re.DOTALL | re.MULTILINE),
    re.compile(
        r"^[ \t|>*#]*(?:(?:Here(?:'s| is) the )?(?:previous |following )?(?:conversation|chat history|dialogue?|history"
        r"|transcript|query)|对话|会话|聊天|对话内容|会话内容|聊天记录|对话记录|历史对话)[ \t*]*[:：]"
        r"(?P<quoted>.*?)(?=\n\n[^\n]*\btitle\b|\Z)",
        re.IGNORECASE | re.DOTALL | re.MULTILINE,
    ),
    re.compile(
        rf"(?P<quoted>{_BEFORE_ROLE}(?:user|human|用户){_AFTER_ROLE}.*)", re.IGNORECASE | re.DOTALL | re.MULTILINE
    ),
    re.compile(
        r"\b(?:following|this) (?:query|message|prompt|request|question|conversation|chat)\b"
        r"[^\n:]{0,120}:(?P<quoted>.*)",
        re.IGNORECASE | re.DOTALL,
    ),
)
"""Ways to quote, the clearest first. The last is a label at the end of the instruction itself."""

_TURN = re.compile(rf"{_BEFORE_ROLE}(?:{_USER}){_AFTER_ROLE}[ \t*]*(?:\n[ \t]*)?(.+)$", re.IGNORECASE | re.MULTILINE)
_ANY_TURN = re.compile(rf"{_BEFORE_ROLE}(?:{_USER}|assistant|ai|助手){_AFTER_ROLE}.*$", re.IGNORECASE | re.MULTILINE)
_TRANSCRIPT = re.compile(
    r"\s*(?:[\[{].*\"role\"|(?:\*\*)?(?:user|assistant)(?:\*\*)?\s*[:：])", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class QuotingPrompt:
    """A prompt in two parts: the `instruction` of a client, and the conversation that it quotes."""

    instruction: str
    quoted: str


def split_prompt(prompt: str) -> QuotingPrompt | None:
    """Return the two parts of a prompt; None if it quotes nothing. Of several quotes, the last counts.

    >>> split_prompt("Name this chat: <content>[USER]: hi</content>")
    QuotingPrompt(instruction='Name this chat: <content></content>', quoted='[USER]: hi')
    """
    for quote in _QUOTES:
        found = [match for match in quote.finditer(prompt) if match["quoted"].strip()]
        if found:
            start, end = found[-1].span("quoted")
            instruction = prompt[:start] + prompt[end:]
            return QuotingPrompt(
                instruction if instruction.strip() else _below_turns(prompt), prompt[start:end].strip()
            )
    return None


def _below_turns(prompt: str) -> str:
    """Return what follows the first line of the last turn: the instruction of a prompt that begins with turns."""
    turns = list(_ANY_TURN.finditer(prompt))
    return prompt[turns[-1].end() :] if turns else prompt


def is_transcript(text: str) -> bool:
    """Return whether the whole text is a conversation: JSON messages, or turns that begin with their role."""
    return bool(_TRANSCRIPT.match(text))


def first_message(quoted: str) -> str:
    """Return the first message of the user in a quoted conversation, or its first line if no turn is marked."""
    turn = _TURN.search(quoted)
    return _first_in_json(quoted) or (turn[1] if turn else quoted.strip().partition("\n")[0])


def _first_in_json(quoted: str) -> str:
    """Return the first user message of a JSON list of messages, or ""."""
    try:
        messages = json.loads(quoted)
    except (ValueError, RecursionError):
        return ""
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, dict) and message.get("role") == "user":
            text = message.get("mainText") or message.get("content")
            return text if isinstance(text, str) else ""
    return ""
