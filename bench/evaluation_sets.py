"""Evaluation sets in the BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv, and optionally unanswerable.jsonl.

A set may also hold a tree of Markdown files in `docs/`, with relevance by file in qrels.files.tsv. Such a tree is
indexed as it is.
"""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opencc


@dataclass(frozen=True, slots=True)
class Query:
    """A question of a set, with its id there, and the answers to it that the set accepts, if it has any."""

    id: str
    text: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The questions of a set. `relevant` maps each answerable question to its documents and their gains."""

    name: str
    folder: Path
    queries: tuple[Query, ...]
    unanswerable: tuple[Query, ...]
    relevant: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of Markdown files. `document_of` maps the path of each to the id of its document in the set."""

    root: Path
    document_of: Mapping[str, str]


def load_set(folder: Path, *, corpus: Path | None = None, files: bool = False) -> EvaluationSet:
    """Read the questions of the set in `folder`, and which documents answer them.

    `corpus` is the folder of another set whose documents are searched instead; both sets must use the same ids. `files`
    takes the relevance of files from qrels.files.tsv. Raises FileNotFoundError if a file of the set is missing.
    """
    judged = corpus or folder
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    qrels = judged / ("qrels.files.tsv" if files else "qrels.tsv")
    for line in qrels.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, gain = line.split("\t")
        relevant[query][document] = int(gain)
    queries = tuple(query for query in _queries(folder / "queries.jsonl") if query.id in relevant)
    unanswerable = folder / "unanswerable.jsonl"
    return EvaluationSet(
        name=folder.name if judged == folder else f"{folder.name} on {judged.name}",
        folder=judged,
        queries=queries,
        unanswerable=tuple(_queries(unanswerable)) if unanswerable.is_file() and judged == folder else (),
        relevant=relevant,
    )


def write_corpus(folder: Path, work: Path, *, files: bool = False, traditional: bool = False) -> Corpus:
    """Write each document of a set to a Markdown file below `work`, with its title as the heading.

    `traditional` converts the text to Traditional Chinese. `files` writes nothing and returns the tree `docs/` of the
    set. If the files of the same documents are already there, they stay as they are, so that an ingest finds them
    unchanged.
    """
    if files:
        root = folder / "docs"
        names = [path.relative_to(root).as_posix() for path in root.rglob("*.md")]
        return Corpus(root, dict(zip(names, names, strict=True)))
    source = folder / "corpus.jsonl"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    root, stamp = work / "docs", work / "docs.sha256"
    is_written = stamp.is_file() and stamp.read_text(encoding="utf-8") == digest
    if not is_written:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
    convert = opencc.OpenCC("s2t").convert if traditional else str
    document_of = {}
    for number, (document, text) in enumerate(documents_of(folder)):
        name = f"{number:06d}.md"
        document_of[name] = document
        if not is_written:
            (root / name).write_text(convert(text), encoding="utf-8")
    stamp.write_text(digest, encoding="utf-8")
    return Corpus(root, document_of)


def documents_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the id and the Markdown text of each document of a set, with its title as the heading."""
    for document in _lines(folder / "corpus.jsonl"):
        heading = f"# {document['title']}\n\n" if document.get("title") else ""
        yield document["_id"], heading + document["text"]


def _queries(path: Path) -> Iterator[Query]:
    for query in _lines(path):
        yield Query(query["_id"], query["text"], tuple(query.get("metadata", {}).get("answers", ())))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
