"""Search filters, as JSON."""

from typing import Annotated

from pydantic import Field

from api.schemas.request_model import RequestModel
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range

WireScalar = Annotated[str, Field(max_length=1000)] | bool | int | float


class FilterIn(RequestModel):
    """A filter for the passages to search. If several operators are given, all must match.

    `field` is `source`, `title`, `kind`, `start_line`, `end_line` or a front-matter key; `all`, `any` and `not` combine
    filters and take no field. A list in front matter matches if one of its values does. `at_least` and `at_most` are
    both numbers or both texts; dates such as 2024-05-31 are texts and are ordered by time.
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
        """Convert the filter to the one that the store takes."""
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
            given.append(All(tuple(item.to_filter() for item in self.all_)))
        if self.any_ is not None:
            given.append(AnyOf(tuple(item.to_filter() for item in self.any_)))
        if self.not_ is not None:
            given.append(Not(self.not_.to_filter()))
        return given[0] if len(given) == 1 else All(tuple(given))
