"""The command `zhiwen`: its subcommands, and how errors are printed."""

import gc
import json
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli import terminal
from api.cli.commands.ask import ask
from api.cli.commands.chat import chat
from api.cli.commands.config import show_config
from api.cli.commands.doctor import doctor
from api.cli.commands.evaluate import evaluate
from api.cli.commands.explain import explain
from api.cli.commands.export_import import export_index, import_index
from api.cli.commands.feedback import feedback
from api.cli.commands.gaps import gaps
from api.cli.commands.ingest import ingest
from api.cli.commands.init import init
from api.cli.commands.keys import keys
from api.cli.commands.mcp import mcp
from api.cli.commands.rollback import rollback
from api.cli.commands.search import search
from api.cli.commands.serve import serve
from api.cli.commands.status import status
from api.cli.options import GlobalOptions
from api.error_codes import error_code, exit_code, terminal_message
from api.version import version
from rag.errors import ZhiwenError
from rag.models.cpu_quota import respect_cpu_quota

app = typer.Typer(
    help="知问: cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order of --help.
COMMANDS: Mapping[str, Callable[..., None]] = {
    "init": init,
    "ingest": ingest,
    "search": search,
    "ask": ask,
    "chat": chat,
    "explain": explain,
    "eval": evaluate,
    "status": status,
    "doctor": doctor,
    "config": show_config,
    "feedback": feedback,
    "gaps": gaps,
    "rollback": rollback,
    "export": export_index,
    "import": import_index,
    "serve": serve,
    "mcp": mcp,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(keys, name="keys")


def main() -> NoReturn:
    """Run the command line.

    An error is one line on standard error and exit status 1, or 2 if the input or the settings are wrong.
    """
    respect_cpu_quota()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        app()
    except ZhiwenError as error:
        _fail(terminal_message(error), error_code(error), exit_code(error))
    except BrokenPipeError:
        # The reader of the pipe has gone; Python would report another error when it flushes.
        sys.stdout = None
        raise SystemExit(141) from None
    finally:
        # At its exit Python would look at every object of the libraries for garbage: a quarter of a short command.
        gc.freeze()
    raise SystemExit(0)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"zhiwen {version()}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration file [default: config.yaml, if it exists]."),
    ] = None,
    knowledge: Annotated[
        Path | None,
        typer.Option(
            "--knowledge",
            "-k",
            metavar="DIR",
            help="Folder of documents [default: knowledge.path, else knowledge/, else the working directory].",
        ),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    context.obj = GlobalOptions(config_file, knowledge)


def _fail(message: str, code: str, status: int) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    terminal.print_error(message)
    raise SystemExit(status)
