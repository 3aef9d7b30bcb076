"""Record what a real, very weak chat model writes, and what becomes of it.

    python -m bench.small_model --python .zhiwen/small/bin/python [--evaluation-set SETDIR] [--results FILE]

SmolLM2-135M gets the questions on the shipped knowledge and those on bench/small_set. Its outputs are the worst that a
model may write: without citations, off the subject, in loops. `tests/` play the recorded ones again.

`--evaluation-set` adds every eighth question of an evaluation set in English whose questions have answers, such as
xquad-en. Its outputs are not kept.

For each set the command prints how many questions that the documents answer end in an answer with the expected words,
without a model and with this one, and how many answers were refused. `--results FILE` writes these figures and every
output to a JSON file; the one of the repository is bench/results/small_model.json.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.evaluation_sets import load_set, write_corpus
from bench.results import add_result
from bench.server_process import ROOT, server_process
from ingest.sync import ingest
from rag.answering.answer import Answerer, final_answer
from rag.answering.cache import AnswerCache
from rag.chat.protocol import ChatModel, ChatStream, Finished, Message, TextDelta, TextRetracted
from rag.settings import Settings
from rag.settings_loader import load_settings
from rag.types import Answer
from rag.wiring import Services

SETS = {
    "shipped": (ROOT / "knowledge", ROOT / "tests" / "shipped_questions.yaml"),
    "english": (ROOT / "bench" / "small_set", ROOT / "bench" / "small_set" / "questions.yaml"),
}
"""The folder of documents and the file of questions of each set."""
_ENDPOINT = ROOT / "bench" / "small_model_endpoint.py"
_MODEL = "SmolLM2-135M-Instruct"
_MAX_ANSWER_TOKENS = 256
_TIMEOUT_SECONDS = 600
_EVERY = 8


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a set, and the facts that its answer must have; None if the documents do not answer it."""

    text: str
    facts: tuple[str, ...] | None


class RecordingChat:
    """A chat model that keeps the last `output` of another one; "" if that wrote nothing."""

    def __init__(self, chat: ChatModel) -> None:
        self._chat = chat
        self.name = chat.name
        self.context_tokens = chat.context_tokens
        self.output = ""
        self.truncated = False

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield what the other model yields."""
        self.output = ""
        async for piece in self._chat.stream(messages):
            match piece:
                case TextDelta(text):
                    self.output += text
                case TextRetracted():
                    self.output = ""
                case Finished():
                    self.truncated = piece.truncated
            yield piece

    async def close(self) -> None:
        """Close the other model."""
        await self._chat.close()


def main() -> None:
    """Ask all questions, print the figures, and write them with the outputs if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="of the environment that has the model")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="which questions to ask")
    parser.add_argument("--evaluation-set", type=Path, help="folder of an evaluation set whose questions have answers")
    parser.add_argument("--results", type=Path, help="write figures and outputs to this JSON file")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    outputs: list[dict[str, Any]] = []
    with server_process([str(arguments.python), str(_ENDPOINT)], {}) as (url, _):
        if not url:
            parser.error(f"{arguments.python} did not start the model; bench/README.md says what to install")
        for name in [*arguments.sets, *([arguments.evaluation_set] if arguments.evaluation_set else [])]:
            if isinstance(name, Path):
                figures[name.name] = measure_evaluation_set(name, url)
            else:
                figures[name], found = measure(name, url)
                outputs += found
            print(f"{name}: {list(figures.values())[-1]}", flush=True)
            if arguments.results:
                add_result(arguments.results, "small_model", {"model": _MODEL, "figures": figures, "outputs": outputs})


def measure(name: str, url: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Ask the questions of a set, without a model and with the one at `url`; return counts, and the outputs of it."""
    questions = list(read_questions(SETS[name][1]))
    with open_set(name, url) as services:
        return asyncio.run(_ask_all(services, name, questions))


def measure_evaluation_set(folder: Path, url: str) -> dict[str, int]:
    """Ask every eighth question of an evaluation set as `measure` does; return the counts."""
    questions = [
        Question(query.text, query.answers[:1]) for query in load_set(folder).queries[::_EVERY] if query.answers
    ]
    with tempfile.TemporaryDirectory() as work:
        documents = write_corpus(folder, Path(work)).root
        with open_documents(documents, url) as services:
            return asyncio.run(_ask_all(services, folder.name, questions))[0]


def open_set(name: str, url: str) -> AbstractContextManager[Services]:
    """Ingest the documents of a set, and yield open services that ask the chat model at `url`."""
    return open_documents(SETS[name][0], url)


@contextmanager
def open_documents(documents: Path, url: str) -> Iterator[Services]:
    """Ingest a folder of documents, and yield open services that ask the chat model at `url`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Services(_settings(documents, Path(folder), url)) as services,
    ):
        ingest(services.settings, services.store, services.embedder)
        yield services


def read_questions(path: Path) -> Iterator[Question]:
    """Yield the questions of a file in the form of tests/shipped_questions.yaml."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in content["answerable"]:
        yield Question(entry["question"], tuple(map(str, entry["facts"])))
    for entry in content["unanswerable"]:
        yield Question(entry["question"], None)


def is_right(answer: Answer, facts: Sequence[str]) -> bool:
    """Whether an answer has all facts, without regard to case and white space."""
    text = "".join(answer.text.lower().split())
    return not answer.refused and all("".join(fact.lower().split()) in text for fact in facts)


async def _ask_all(
    services: Services, name: str, questions: Sequence[Question]
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    assert services.chat  # noqa: S101  (the settings name one)
    chat = RecordingChat(services.chat)
    quoting, writing = (
        Answerer(
            services.searcher,
            model,
            services.settings.answering,
            max_answer_tokens=_MAX_ANSWER_TOKENS,
            cache=AnswerCache(0),
            traces=services.traces,
            urls=services.urls,
        )
        for model in (None, chat)
    )
    outputs = []
    counts = dict.fromkeys(("answerable", "right_without_model", "right_with_model", "refused_with_model"), 0)
    for question in questions:
        chat.output = ""
        quoted = await final_answer(quoting.answer(question.text))
        written = await final_answer(writing.answer(question.text))
        if chat.output:
            outputs.append({"set": name, "question": question.text, "output": chat.output, "truncated": chat.truncated})
        if question.facts is not None:
            counts["answerable"] += 1
            counts["right_without_model"] += is_right(quoted, question.facts)
            counts["right_with_model"] += is_right(written, question.facts)
            counts["refused_with_model"] += written.refused
    await chat.close()
    return counts, outputs


def _settings(documents: Path, folder: Path, url: str) -> Settings:
    return load_settings(
        environment={
            "ZHIWEN_KNOWLEDGE__PATH": str(documents),
            "ZHIWEN_STORE__URI": str(folder / "small.db"),
            "ZHIWEN_CHAT__PROVIDER": "custom",
            "ZHIWEN_CHAT__BASE_URL": url,
            "ZHIWEN_CHAT__MODEL": _MODEL,
            "ZHIWEN_CHAT__CONTEXT_TOKENS": "4096",
            "ZHIWEN_CHAT__MAX_ANSWER_TOKENS": str(_MAX_ANSWER_TOKENS),
            "ZHIWEN_CHAT__FIRST_TOKEN_TIMEOUT_SECONDS": str(_TIMEOUT_SECONDS),
            "ZHIWEN_CHAT__IDLE_TIMEOUT_SECONDS": str(_TIMEOUT_SECONDS),
            "ZHIWEN_CHAT__TOTAL_TIMEOUT_SECONDS": str(_TIMEOUT_SECONDS),
            "ZHIWEN_CHAT__MAX_ATTEMPTS": "1",
            "ZHIWEN_TRACES__ENABLED": "false",
        }
    )


if __name__ == "__main__":
    main()
