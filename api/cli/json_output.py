"""`--json`: what a command found, as one line of JSON."""

from typing import Annotated

import typer
from pydantic import BaseModel

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: BaseModel) -> None:
    print(value.model_dump_json())
