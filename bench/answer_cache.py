"""How many calls of the chat model the caches save while the documents are edited, and whether an answer is ever stale.

    python -m bench.answer_cache [--commits 24] [--questions 12] [--results bench/results/answer_cache.json]

The documents are those of this repository: its guides, in both languages, its decisions, and the handbook and manual of
the tests. Between two commits, questions are asked, some far more often than others (Zipf's law). Each commit changes
one document: a paragraph is added or changed, or a document is added or removed. The chat model is a pure function of
its prompt: it quotes the passages. Each answer is compared with the one that is given at the same moment without any
cache; an answer with another text, other citations or other doubts is stale. Follow-ups are not asked.
"""

import argparse
import asyncio
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from bench.results import write_result
from ingest.sync import ingest
from rag.answering.answer import Answerer, final_answer
from rag.answering.cache import AnswerCache
from rag.chat.protocol import ChatStream, Finished, Message, TextDelta
from rag.settings import KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.text.sentences import split_sentences
from rag.types import Answer
from rag.wiring import Services

_ROOT = Path(__file__).parent.parent
_FOLDERS = ("docs", "tests/fixtures/handbook", "tests/fixtures/manual", "knowledge")
_PASSAGE = re.compile(r'<passage number="(?P<number>\d+)"[^>]*>\n(?P<text>.*?)\n</passage>', re.DOTALL)
_HEADING = re.compile(r"^#{2,3} (?P<text>[^`\n]+)$", re.MULTILINE)
_SEED = 20261129


class QuotingChat:
    """A chat model that quotes the first sentence of each of the first three passages. `calls` counts its calls."""

    name = "quoting"
    context_tokens = None

    def __init__(self) -> None:
        self.calls = 0

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the quotes, each with the number of its passage."""
        self.calls += 1
        quotes = []
        for passage in list(_PASSAGE.finditer(messages[-1].content))[:3]:
            sentence = next(iter(split_sentences(passage["text"])), "")
            quotes.append(f"{sentence.strip()} [{passage['number']}]")
        yield TextDelta("\n\n".join(quotes))
        yield Finished(self.name)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def main() -> None:
    """Print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=24)
    parser.add_argument("--questions", type=int, default=12, help="between two commits")
    parser.add_argument("--results", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = measure(Path(folder), commits=arguments.commits, questions=arguments.questions)
    answered = counts["answered"]
    figures = {
        "commits": arguments.commits,
        **counts,
        "saved_if_cleared_at_each_commit": round(counts["saved_within_generation"] / answered, 3),
        "saved": round((counts["saved_within_generation"] + counts["saved_across_commits"]) / answered, 3),
    }
    print(figures)
    if arguments.results:
        write_result(arguments.results, figures)


def measure(folder: Path, *, commits: int, questions: int) -> Counter[str]:
    """Return how many questions needed the model, how many of its calls were saved where, and how many were stale."""
    documents = folder / "docs"
    for name in _FOLDERS:
        shutil.copytree(_ROOT / name, documents / name)
    settings = Settings(
        knowledge=KnowledgeSettings(path=documents, gitignore=False),
        store=StoreSettings(uri=str(folder / "milvus.db")),
        traces=TraceSettings(enabled=False),
    )
    draw = random.Random(_SEED)  # noqa: S311  (the same stream each time)
    pool = _questions(documents)
    draw.shuffle(pool)
    weights = [1 / rank for rank in range(1, len(pool) + 1)]
    counts = Counter[str](dict.fromkeys(("asked", "answered", "stale"), 0))
    with Services(settings, for_one_command=True) as services:
        chat = QuotingChat()
        caching = replace(services.answerer, chat=chat, cache=AnswerCache(256))
        fresh = replace(caching, chat=QuotingChat(), cache=AnswerCache(0))
        for number in range(commits):
            ingest(settings, services.store, services.embedder)
            for question in draw.choices(pool, weights, k=questions):
                counts.update(asyncio.run(_ask(question, caching, fresh, chat)))
            _edit(documents, draw, number)
    return counts


async def _ask(question: str, caching: Answerer, fresh: Answerer, chat: QuotingChat) -> Counter[str]:
    calls = chat.calls
    answer = await final_answer(caching.answer(question))
    expected = await final_answer(fresh.answer(question))
    counts = Counter(asked=1, stale=int(_shown(answer) != _shown(expected)))
    if not expected.attempts and expected.reason == "no_evidence":
        return counts  # no cache saves a call that is not made
    where = "saved_across_commits" if "search" in answer.seconds else "saved_within_generation"
    counts.update({"answered": 1, where: int(chat.calls == calls)})
    return counts


def _shown(answer: Answer) -> tuple[object, ...]:
    return answer.text, answer.citations, answer.unverified, answer.reason, answer.generation


def _questions(documents: Path) -> list[str]:
    """Return the natural questions of the tests, and the headings of the guides: what people type into a search."""
    found = []
    for file in sorted((_ROOT / "tests/natural_questions").glob("*.yaml")):
        found += [str(entry["q"]) for entry in yaml.safe_load(file.read_text("utf-8")) if "after" not in entry]
    for file in sorted(documents.glob("docs/guides/*.md")):
        found += [match["text"] for match in _HEADING.finditer(file.read_text("utf-8"))]
    return list(dict.fromkeys(found))


def _edit(documents: Path, draw: random.Random, number: int) -> None:
    """Change one document, as an author would between two commits."""
    files = sorted(documents.rglob("*.md"))
    file = draw.choice(files)
    paragraphs = file.read_text("utf-8").split("\n\n")
    place = draw.randrange(1, len(paragraphs)) if len(paragraphs) > 1 else 0
    kind = draw.choices(("add", "change", "new", "remove"), (5, 3, 2, 1))[0]
    if kind == "remove":
        file.unlink()
        return
    if kind == "new":
        borrowed = draw.choice(paragraphs)
        file = documents / f"new-{number}.md"
        paragraphs = [f"# Note {number}", borrowed, f"Since revision {number}, this is so."]
    elif kind == "add":
        paragraphs.insert(place, f"Remark {number}: this was checked again and holds in edition {number}.")
    else:
        paragraphs[place] = f"{paragraphs[place]} Edition {number} says the same."
    file.write_text("\n\n".join(paragraphs), encoding="utf-8")


if __name__ == "__main__":
    main()
