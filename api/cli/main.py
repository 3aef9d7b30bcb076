"""The command line: which commands there are, and how their errors end."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli import terminal
from api.cli.commands.ask import ask, chat, explain, search
from api.cli.commands.backup import export_index, import_index
from api.cli.commands.ingest import ingest, rollback
from api.cli.commands.keys import keys
from api.cli.commands.serve import doctor, feedback, mcp, serve, show_config, status
from api.error_codes import error_code, exit_code, terminal_message
from rag.errors import ZhiwenError

app = typer.Typer(
    help="知问: cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order in which --help lists them.
app.command()(ingest)
app.command()(search)
app.command()(ask)
app.command()(chat)
app.command()(explain)
app.command()(status)
app.command()(doctor)
app.command("config")(show_config)
app.command()(feedback)
app.command()(rollback)
app.command("export")(export_index)
app.command("import")(import_index)
app.command()(serve)
app.command()(mcp)
app.add_typer(keys, name="keys")


def main() -> NoReturn:
    """Run the command; errors are one line on standard error and exit status 1, or 2 for wrong input or settings."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        app()
    except ZhiwenError as error:
        _fail(terminal_message(error), error_code(error), exit_code(error))
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain when it flushes.
        sys.stdout = None
        raise SystemExit(141) from None
    raise SystemExit(0)


@app.callback()
def _options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration file [default: config.yaml if it is there]."),
    ] = None,
) -> None:
    context.obj = config_file


def _fail(message: str, code: str, status: int) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    terminal.messages().print(terminal.printable(f"zhiwen: {message}"), style="red")
    raise SystemExit(status)
