"""Requests and responses of Dify's API for external knowledge bases."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.types import MetadataValue

Operator = Literal[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "in",
    "not in",
    "empty",
    "not empty",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    "before",
    "after",
]

Name = Annotated[str, Field(max_length=200)]
ConditionValue = Annotated[str, Field(max_length=2000)] | int | float | bool
ConditionValues = Annotated[list[ConditionValue], Field(max_length=200)]


class Lenient(BaseModel):
    """A request that ignores unknown fields: newer versions of Dify may add some."""

    model_config = ConfigDict(extra="ignore")


class RetrievalSetting(Lenient):
    """How many records to return, and the lowest score (0..1) that they may have."""

    top_k: int | None = Field(default=None, ge=1, description="At most 50 records are returned.")
    score_threshold: float | None = Field(default=None, ge=0, le=1)


class ConditionIn(Lenient):
    """A comparison with a front-matter key or with `source`, `title`, `kind`, `start_line` or `end_line`.

    If there are several names, one match is enough; a negated operator holds if none matches.
    """

    name: Name | Annotated[list[Name], Field(max_length=20)] = Field(examples=["tags"])
    comparison_operator: Operator = Field(examples=["contains"])
    value: ConditionValue | ConditionValues | None = Field(
        default=None,
        description="A list or a text with commas for `in` and `not in`; a date or Unix time for `before` and `after`.",
        examples=["hr"],
    )

    @property
    def names(self) -> list[str]:
        """Return the name or names as a list."""
        return [self.name] if isinstance(self.name, str) else self.name


class MetadataCondition(Lenient):
    """Conditions, all of which (`and`) or one of which (`or`) a passage must meet."""

    logical_operator: Literal["and", "or"] | None = "and"
    conditions: list[ConditionIn] | None = Field(default=None, max_length=50)


class RetrievalRequest(Lenient):
    """A query to an external knowledge base."""

    knowledge_id: str = Field(
        description="The name of a knowledge base: `default`, or one that `GET /knowledge-bases` lists. The default "
        "one may also be called by its collection (`store.collection`)."
    )
    query: str = Field(examples=["向量数据库有哪些知名组件？"])
    retrieval_setting: RetrievalSetting = RetrievalSetting()
    metadata_condition: MetadataCondition | None = None


class RecordOut(BaseModel):
    """A passage. `score` (0..1) orders the records of one query, as in `/search`; `metadata` includes front matter."""

    content: str
    score: float
    title: str
    metadata: dict[str, MetadataValue]


class RetrievalResponse(BaseModel):
    """The records, best first."""

    records: list[RecordOut]
