"""Backups on the command line: `zhiwen export` and `import`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.messages import interface_language, say
from rag import config


def export_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The Parquet file to write; one of that name is replaced.")],
    as_json: AsJson = False,
) -> None:
    """Write the live generation, vectors included, to a file: a backup, or the way to another store."""
    from api.service.backup import export_index as run  # noqa: PLC0415  (Parquet's library, which no other command needs)

    language = interface_language()
    with terminal.ingest_progress(terminal.messages(), language, label="exporting") as on_progress:
        report = run(config.load(context.obj), file, on_progress)
    if as_json:
        print_json(report)
    else:
        terminal.output().print(say("exported", language, **report.model_dump()))


def import_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `zhiwen export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Make the content of an exported file the live generation; nothing is embedded anew."""
    from api.service.backup import import_index as run  # noqa: PLC0415  (as above)

    language = interface_language()
    with terminal.ingest_progress(terminal.messages(), language, label="importing") as on_progress:
        report = run(config.load(context.obj), file, on_progress)
    if as_json:
        print_json(report)
    else:
        terminal.output().print(say("imported", language, **report.model_dump()))
