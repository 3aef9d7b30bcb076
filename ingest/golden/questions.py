"""Golden questions, which the corpus must keep answering, from `golden.yaml` at the root of the folder.

    questions:
      - question: 向量数据库有哪些知名组件？
        expect: [向量数据库, Milvus]     # words that must all stand in one of the passages found
        source: overview.md             # the document that the passage, and a citation, must come from
        heading: AI 工程架构             # a heading above the passage
        answer: [Milvus, [PingCAP, TiKV]]   # what the answer must say: every fact; of a list in it, one
        forbid: [Pinecone]              # what it must not say
        reference: Milvus 和 PingCAP。   # a right answer, for a judge model to compare with
      - question: 第二层呢？
        conversation: [第一层有什么？]    # the questions before
        answer: [大语言模型]
      - question: 今天天气怎么样？
        refused: true                   # the documents do not say

All but `question` may be left out, as long as something is expected.

    must_not_see:
      - key: support                    # the name of an API key or group
        source: finance/                # a document that it must not see, or how their sources begin
"""

import hashlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_serializer, model_validator

from ingest.files.confined import read_below
from ingest.files.scan import GOLDEN_FILE
from rag import strict_yaml
from rag.errors import KnowledgeError

_MAX_BYTES = 1024 * 1024

Text = Annotated[str, Field(min_length=1)]
Fact = Text | Annotated[tuple[Text, ...], Field(min_length=1)]
"""What an answer must say, or alternatives of which it must say one."""


class GoldenQuestion(BaseModel):
    """A question, and what is expected of the passages found for it and of its answer.

    `ingest.golden.questions` describes the fields. What is left out is not expected; only a question without `refused`
    must be answered. As JSON, it has the fields that are not left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = Field(min_length=1)
    conversation: tuple[Text, ...] = Field(default=(), max_length=20)
    expect: tuple[str, ...] = Field(default=(), min_length=1)
    source: str = ""
    heading: str = ""
    answer: tuple[Fact, ...] = Field(default=(), min_length=1)
    forbid: tuple[Text, ...] = ()
    reference: str = ""
    refused: bool = False

    @property
    def digest(self) -> str:
        """10 hex digits that change with what is asked and which passage is expected."""
        parts = [self.question, self.source, *self.expect]
        # As it was before there were headings and conversations, which old generations have on record.
        parts += [f"heading\0{self.heading}"] if self.heading else []
        parts += [f"after\0{question}" for question in self.conversation]
        return _digest(*parts)

    @property
    def answer_digest(self) -> str:
        """10 hex digits that change with what is asked and which answer is expected."""
        facts = ["|".join(fact) if isinstance(fact, tuple) else fact for fact in self.answer]
        expected = (self.source, *facts, "forbidden", *self.forbid, str(self.refused))
        return _digest("answer", *self.conversation, self.question, *expected)

    @property
    def key(self) -> str:
        """10 hex digits that change with anything in the question."""
        return _digest(self.model_dump_json())

    @property
    def expects_passage(self) -> bool:
        """Whether a certain passage must be found."""
        return bool(self.expect or self.source or self.heading)

    @property
    def expects_answer(self) -> bool:
        """Whether the answer must, or must not, say something, or be a refusal."""
        return bool(self.answer or self.forbid or self.refused)

    @model_validator(mode="after")
    def _check(self) -> "GoldenQuestion":
        if not (self.expects_passage or self.expects_answer or self.reference):
            raise ValueError("name what is expected: expect, source, heading, answer, forbid, reference or refused")
        if self.refused and (self.answer or self.forbid or self.reference):
            raise ValueError("refused: a question that is to be refused has no answer, forbid or reference")
        return self

    @model_serializer
    def _without_empty(self) -> dict[str, Any]:
        return {name: value for name in type(self).model_fields if (value := getattr(self, name))}


class MustNotSee(BaseModel):
    """The name of an API key or group, and the document that it must not see; with a `/` at the end, all below it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Text
    source: Text

    def names(self, source: str) -> bool:
        """Return whether the document with this source is meant."""
        return source == self.source or (self.source.endswith("/") and source.startswith(self.source))


class GoldenFile(BaseModel):
    """What golden.yaml says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    questions: tuple[GoldenQuestion, ...] = Field(max_length=500)
    must_not_see: tuple[MustNotSee, ...] = Field(default=(), max_length=500)


def golden_file(root: Path) -> GoldenFile:
    """Return what the golden.yaml of a folder says; nothing if it has none. Raises KnowledgeError for a bad file."""
    path = root / GOLDEN_FILE
    try:
        return _parse(read_below(root, PurePosixPath(GOLDEN_FILE), max_bytes=_MAX_BYTES), path)
    except FileNotFoundError:
        return GoldenFile(questions=())
    except OSError as error:
        raise _unreadable(path, error) from error


def load_golden(root: Path) -> tuple[GoldenQuestion, ...]:
    """Return the golden questions of a folder; none if it has no such file. Raises KnowledgeError for a bad file."""
    return golden_file(root).questions


def read_golden(path: Path) -> tuple[GoldenQuestion, ...]:
    """Return the golden questions of any file. Raises KnowledgeError if it is missing or bad."""
    try:
        with path.open("rb") as file:
            return _parse(file.read(_MAX_BYTES + 1), path).questions
    except OSError as error:
        raise _unreadable(path, error) from error


def _parse(content: bytes, path: Path) -> GoldenFile:
    try:
        loaded = strict_yaml.load(content.decode("utf-8-sig"), max_bytes=_MAX_BYTES)
        if not isinstance(loaded, dict):
            raise KnowledgeError(f"{path}: must begin with `questions:`, and a list of them; nothing was changed")
        return GoldenFile.model_validate(loaded)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise KnowledgeError(f"{path}: {where}: {problem['msg']}; nothing was changed") from error
    except (UnicodeDecodeError, strict_yaml.StrictYAMLError) as error:
        raise KnowledgeError(f"{path}: {error}; nothing was changed") from error


def _unreadable(path: Path, error: OSError) -> KnowledgeError:
    return KnowledgeError(f"{path} cannot be read: {error.strerror}; nothing was changed")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]
