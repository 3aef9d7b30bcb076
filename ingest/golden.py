"""Golden questions, which the corpus must keep answering, from `golden.yaml` at the root of the folder.

    questions:
      - question: 向量数据库有哪些知名组件？
        expect: [向量数据库, Milvus]     # words that must all stand in one of the passages found
        source: overview.md             # optional: the document it must come from

The staged generation is asked before it goes live. If the share of questions found falls, it does not go live.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.files.confined import read_below
from ingest.files.scan import GOLDEN_FILE
from rag import strict_yaml
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.models.embedders.protocol import Embedder
from rag.retrieval.search import retrieve
from rag.settings import RetrievalSettings
from rag.store.snapshot import Snapshot

_MAX_BYTES = 1024 * 1024


class GoldenQuestion(BaseModel):
    """A question, the words that a passage found for it must hold, and the document that it must come from, or ""."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = Field(min_length=1)
    expect: tuple[str, ...] = Field(min_length=1)
    source: str = ""

    @property
    def digest(self) -> str:
        """10 hex digits that change with what is asked and what is expected."""
        return hashlib.sha256("\0".join((self.question, self.source, *self.expect)).encode()).hexdigest()[:10]


class _GoldenFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    questions: tuple[GoldenQuestion, ...] = Field(max_length=500)


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """The digests of the questions that were asked, and of those whose passage was among the hits."""

    asked: tuple[str, ...]
    found: tuple[str, ...]


def load_golden(root: Path) -> tuple[GoldenQuestion, ...]:
    """Return the golden questions of a folder; none if it has no such file. Raises KnowledgeError for a bad file."""
    path = root / GOLDEN_FILE
    try:
        text = read_below(root, PurePosixPath(GOLDEN_FILE), max_bytes=_MAX_BYTES).decode("utf-8-sig")
        content = strict_yaml.load(text, max_bytes=_MAX_BYTES)
        if not isinstance(content, dict):
            raise KnowledgeError(f"{path}: must begin with `questions:`, and a list of them; nothing was changed")
        return _GoldenFile.model_validate(content).questions
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise KnowledgeError(f"{path}: {where}: {problem['msg']}; nothing was changed") from error
    except OSError as error:
        raise KnowledgeError(f"{path} cannot be read: {error.strerror}; nothing was changed") from error
    except (UnicodeDecodeError, strict_yaml.StrictYAMLError) as error:
        raise KnowledgeError(f"{path}: {error}; nothing was changed") from error


def ask_golden(
    questions: Sequence[GoldenQuestion], snapshot: Snapshot, embedder: Embedder, settings: RetrievalSettings
) -> GoldenResult:
    """Search for each question in one generation. Raises StoreError or EmbedderError."""
    found = [entry.digest for entry in questions if _is_found(entry, snapshot, embedder, settings)]
    return GoldenResult(tuple(entry.digest for entry in questions), tuple(found))


def check_golden_loss(
    before: GoldenResult, after: GoldenResult, questions: Sequence[GoldenQuestion], *, max_drop: float
) -> None:
    """Compare two generations by the questions that both were asked.

    Raises GoldenQuestionsLost, which lists the questions, if the share found fell by more than `max_drop` (0..1).
    """
    common = set(before.asked) & set(after.asked)
    was, now = common & set(before.found), common & set(after.found)
    if common and (len(was) - len(now)) / len(common) > max_drop:
        lost = [entry.question for entry in questions if entry.digest in was - now]
        raise GoldenQuestionsLost(
            f"{len(now)} of {len(common)} golden questions would be found, {len(was)} are now; nothing was changed. "
            f"No longer found: {'; '.join(lost)}. If that is meant, run again with --force"
        )


def _is_found(entry: GoldenQuestion, snapshot: Snapshot, embedder: Embedder, settings: RetrievalSettings) -> bool:
    chunks = [hit.chunk for hit in retrieve(entry.question, snapshot, embedder, settings).hits]
    return any(
        (not entry.source or chunk.source == entry.source)
        and all(_plain(word) in _plain(chunk.searchable_text) for word in entry.expect)
        for chunk in chunks
    )


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
