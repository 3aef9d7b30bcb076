"""Filters, over the wire."""

from typing import Annotated

from pydantic import Field

from api.schemas.request_model import RequestModel
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range

WireScalar = Annotated[str, Field(max_length=1000)] | bool | int | float


class FilterIn(RequestModel):
    """One condition on the passages searched. Exactly one of the operators; `field` goes with the first six.

    `field` is `source`, `title`, `kind`, `start_line`, … or any front-matter key. A list `equals` each of its values.
    Bounds are two numbers or two texts: dates written 2024-05-31 are texts that are ordered by time.
    """

    field: str = Field(default="", max_length=64)
    equals: WireScalar | None = None
    in_: list[WireScalar] | None = Field(default=None, alias="in", max_length=200)
    prefix: str | None = Field(default=None, max_length=1000)
    at_least: WireScalar | None = None
    at_most: WireScalar | None = None
    all_: "list[FilterIn] | None" = Field(default=None, alias="all", max_length=50)
    any_: "list[FilterIn] | None" = Field(default=None, alias="any", max_length=50)
    not_: "FilterIn | None" = Field(default=None, alias="not")

    def to_filter(self) -> Filter:
        given: list[Filter] = []
        if self.equals is not None:
            given.append(Equals(self.field, self.equals))
        if self.in_ is not None:
            given.append(In(self.field, tuple(self.in_)))
        if self.prefix is not None:
            given.append(Prefix(self.field, self.prefix))
        if self.at_least is not None or self.at_most is not None:
            given.append(Range(self.field, self.at_least, self.at_most))
        if self.all_ is not None:
            given.append(All(tuple(part.to_filter() for part in self.all_)))
        if self.any_ is not None:
            given.append(AnyOf(tuple(part.to_filter() for part in self.any_)))
        if self.not_ is not None:
            given.append(Not(self.not_.to_filter()))
        return given[0] if len(given) == 1 else All(tuple(given))
