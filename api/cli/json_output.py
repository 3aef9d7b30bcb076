"""`--json`: the result of a command as one line of JSON."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import BaseModel

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json_by_name(values: Mapping[str, BaseModel]) -> None:
    """Print the models of several knowledge bases as one JSON object, by name; of one, as `print_json` does."""
    if len(values) == 1:
        print_json(*values.values())
    else:
        print(json.dumps({name: value.model_dump(mode="json") for name, value in values.items()}, ensure_ascii=False))


def print_json(value: BaseModel) -> None:
    """Print a model as JSON on standard output."""
    print(value.model_dump_json())
