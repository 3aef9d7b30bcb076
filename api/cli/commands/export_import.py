"""`zhiwen export` and `zhiwen import`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import KnowledgeBase, settings_of
from api.cli.views.ingest import progress_bar
from api.translations import interface_language, say
from ingest.files.scan import scan_knowledge
from rag.errors import BackupError, StoreEmpty
from rag.knowledge_base_names import DEFAULT, option_of
from rag.optional_packages import require_extra


def export_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The Parquet file to write; an existing file is replaced.")],
    kb: KnowledgeBase = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Export the live generation with its vectors to a file.

    The file is a backup, or the way to another store.
    """
    _require_parquet("zhiwen export")
    from api.service.backup import export_index as run  # noqa: PLC0415  (needs the extra)

    settings, language = settings_of(context), interface_language()
    try:
        with progress_bar(terminal.messages(), language, label="exporting") as on_progress:
            report = run(settings, kb, file, on_progress)
    except StoreEmpty:
        # Raises an error that says what to do if there is nothing to ingest either.
        scan_knowledge(settings.for_knowledge_base(kb).knowledge, kb)
        raise
    if as_json:
        print_json(report)
    else:
        terminal.output().print(say("exported", language, **report.model_dump()))


def import_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `zhiwen export` wrote.")],
    kb: KnowledgeBase = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Import an exported file as the live generation.

    Nothing is embedded, because the file has the vectors.
    """
    _require_parquet("zhiwen import")
    from api.service.backup import import_index as run  # noqa: PLC0415  (needs the extra)

    language = interface_language()
    with progress_bar(terminal.messages(), language, label="importing") as on_progress:
        report = run(settings_of(context), kb, file, on_progress)
    if as_json:
        print_json(report)
    else:
        terminal.output().print(say("imported", language, option=option_of(kb), **report.model_dump()))


def _require_parquet(command: str) -> None:
    require_extra("backup", ["pyarrow"], purpose=command, error=BackupError)
