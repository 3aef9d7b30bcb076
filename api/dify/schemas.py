"""What goes over the wire in Dify's protocol for external knowledge bases."""

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
    """New fields of newer versions of Dify are no errors."""

    model_config = ConfigDict(extra="ignore")


class RetrievalSetting(Lenient):
    top_k: int | None = Field(default=None, ge=1, description="More than 50 are as good as 50.")
    score_threshold: float | None = Field(default=None, ge=0, le=1)


class ConditionIn(Lenient):
    """A comparison with a front-matter key or with `source`, `title`, `kind`, `start_line` or `end_line`.

    Of several names, one has to compare as wanted; the operators that negate hold where none does.
    """

    name: Name | Annotated[list[Name], Field(max_length=20)] = Field(examples=["tags"])
    comparison_operator: Operator = Field(examples=["contains"])
    value: ConditionValue | ConditionValues | None = Field(
        default=None,
        description="For `in` and `not in` a list, or a text with commas; for `before`, `after` a date or Unix time.",
        examples=["hr"],
    )

    @property
    def names(self) -> list[str]:
        return [self.name] if isinstance(self.name, str) else self.name


class MetadataCondition(Lenient):
    logical_operator: Literal["and", "or"] | None = "and"
    conditions: list[ConditionIn] | None = Field(default=None, max_length=50)


class RetrievalRequest(Lenient):
    knowledge_id: str = Field(description="The name of the store's collection (`store.collection`), or `default`.")
    query: str = Field(examples=["向量数据库有哪些知名组件？"])
    retrieval_setting: RetrievalSetting = RetrievalSetting()
    metadata_condition: MetadataCondition | None = None


class RecordOut(BaseModel):
    """`score` (0..1) orders the records of one query, as in `/search`; `metadata` also has the front matter."""

    content: str
    score: float
    title: str
    metadata: dict[str, MetadataValue]


class RetrievalResponse(BaseModel):
    records: list[RecordOut]
