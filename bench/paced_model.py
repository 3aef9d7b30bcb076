"""A chat model that quotes the first passage, at the pace of a real model: `python -m bench.paced_model`.

A question that ends in `？！` gets the worst texts that a model could write instead.

Prints the base URL of its OpenAI-compatible endpoint and runs until it is ended. It is a process of its own, so that
its work is not counted as that of the service that is measured.
"""

import re
import signal

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import Call, openai_server

FIRST_TOKEN_SECONDS = 0.2
TOKEN_SECONDS = 0.01
_MAX_CHARACTERS = 400
_PASSAGE = re.compile(r'<passage number="1"[^>]*>\n(.*?)\n</passage>', re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z]+\s?|.", re.DOTALL)

HOSTILE = (
    "\n".join(f"- The lighthouse number {number} has {number} steps." for number in range(680)),
    "\\a" * 3000,
    "中" * 2000,
    "1年2" * 2000,
    "[1]" * 2000,
)
"""What it answers at once to a question with that many exclamation marks at its end: texts that are costly to check."""
_HOSTILE_QUESTION = re.compile(r"？(！+)")


def main() -> None:
    """Answer until the process is ended."""
    with openai_server(_quote_first_passage) as server:
        print(server.base_url, flush=True)
        signal.pause()


def _quote_first_passage(call: Call) -> None:
    if hostile := _HOSTILE_QUESTION.search(call.prompt):
        completion(*_pieces(HOSTILE[len(hostile[1]) - 1]))(call)
        return
    passage = _PASSAGE.search(call.prompt)
    text = " ".join(passage[1].split())[:_MAX_CHARACTERS] if passage else "ok"
    tokens = _TOKEN.findall(f"{text} [1]")
    completion(*tokens, first_pause_seconds=FIRST_TOKEN_SECONDS, pause_seconds=TOKEN_SECONDS)(call)


def _pieces(text: str) -> list[str]:
    return [text[start : start + 64] for start in range(0, len(text), 64)]


if __name__ == "__main__":
    main()
