"""The usual scripts for the OpenAI-compatible server: answers, events, errors, vectors, rankings, a rate limit."""

import hashlib
import time
from typing import Any

from tests.kit.openai_server import Call, Script, chunk


def completion(
    *texts: str,
    thoughts: tuple[str, ...] = (),
    finish_reason: str = "stop",
    tokens: tuple[int, int] | None = None,
    holds_after: int | None = None,
    breaks_off: bool = False,
    hangs: bool = False,
    first_pause_seconds: float = 0.0,
    pause_seconds: float = 0.0,
) -> Script:
    """A chat completion, as a stream or whole, whichever the request asks for.

    `thoughts` come before the texts; `tokens` are those of the prompt and of the completion. A stream waits for
    `server.proceed` after `holds_after` texts; it ends without a finish reason if it `breaks_off`, and never if it
    `hangs`. It pauses before its first event, and between two texts.
    """

    def script(call: Call) -> None:
        if not call.body.get("stream"):
            call.reply(200, _whole_completion("".join(texts), finish_reason, tokens))
            return
        call.head()
        time.sleep(first_pause_seconds)
        call.event(chunk() | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for thought in thoughts:
            call.event(chunk(reasoning=thought))
        for number, text in enumerate(texts):
            if number == holds_after:
                call.server.proceed.wait()
            time.sleep(pause_seconds if number else 0)
            call.say(text)
        if hangs:
            call.hang()
        if not breaks_off:
            call.event(chunk(finish_reason=finish_reason))
            if tokens:
                call.event(chunk() | {"choices": [], "usage": _usage(tokens)})
            call.event("[DONE]")
        call.end()

    return script


def events(*payloads: object) -> Script:
    """A stream of exactly these events, with a proper end."""

    def script(call: Call) -> None:
        call.head()
        for payload in payloads:
            call.event(payload)
        call.end()

    return script


def reply(status: int, payload: object = None, content_type: str = "application/json", **headers: str) -> Script:
    """An answer in one piece, by default an error in the form of OpenAI: `reply(429, Retry_After="1")`."""
    content = {"error": {"message": "scripted"}} if payload is None else payload
    return lambda call: call.reply(status, content, content_type, **headers)


def embeddings(*vectors: list[float]) -> Script:
    """These vectors, whatever the texts."""
    return reply(200, {"data": [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]})


def embed_texts(call: Call) -> None:
    """A script: the `vector_of` each text."""
    embeddings(*map(vector_of, call.body["input"]))(call)


def vector_of(text: str) -> list[float]:
    """Four numbers, equal for equal texts."""
    return [float(byte + 1) for byte in hashlib.sha256(text.encode()).digest()[:4]]


def ranking(*scores: tuple[int, float]) -> Script:
    """The index and the score of each text, in this order."""
    return reply(200, {"results": [{"index": index, "relevance_score": score} for index, score in scores]})


def refuse_for(seconds: float, then: Script) -> Script:
    """A rate limit: from the first request on, 429 with Retry-After until the time is over; `then` afterwards."""
    first: list[float] = []

    def script(call: Call) -> None:
        first.append(time.monotonic())
        left = first[0] + seconds - first[-1]
        if left > 0:
            call.reply(429, {"error": {"message": "too many requests"}}, Retry_After=f"{seconds:g}")
        else:
            then(call)

    return script


def _whole_completion(text: str, finish_reason: str, tokens: tuple[int, int] | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    completion = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return completion | ({"usage": _usage(tokens)} if tokens else {})


def _usage(tokens: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
