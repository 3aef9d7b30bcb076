"""`--json`: the result of a command as one line of JSON."""

from typing import Annotated

import typer
from pydantic import BaseModel

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: BaseModel) -> None:
    """Print a model as JSON on standard output."""
    print(value.model_dump_json())
