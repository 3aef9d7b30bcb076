"""Evaluation sets in the BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv, and perhaps unanswerable.jsonl.

A set may also be a tree of Markdown files, `docs/`, with qrels.files.tsv naming files; it is then indexed as it stands.
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
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Questions and, for each that can be answered, the gain of each relevant document."""

    name: str
    folder: Path
    queries: tuple[Query, ...]
    unanswerable: tuple[Query, ...]
    relevant: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of Markdown, and which document of the set each file is."""

    root: Path
    document_of: Mapping[str, str]


def load_set(folder: Path, *, corpus: Path | None = None, files: bool = False) -> EvaluationSet:
    """The questions of `folder`; with `corpus`, to be asked of another set's documents (the ids must be shared).

    `files` takes the relevance of whole files of a `docs/` tree. Raises FileNotFoundError for a folder that is no set.
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
    """Lay a set's documents out below `work` as Markdown files, each with its title as heading.

    `traditional` converts them to Traditional Chinese on the way; `files` takes the tree `docs/` as it stands.

    What is there from an earlier call with the same documents is left untouched, so that an ingest finds it unchanged.
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
    """The id of each document of a set and its text as Markdown, its title as heading."""
    for document in _lines(folder / "corpus.jsonl"):
        heading = f"# {document['title']}\n\n" if document.get("title") else ""
        yield document["_id"], heading + document["text"]


def _queries(path: Path) -> Iterator[Query]:
    for query in _lines(path):
        yield Query(query["_id"], query["text"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
