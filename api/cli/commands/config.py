"""`zhiwen config`."""

import typer

from api.cli import terminal
from api.cli.config_report import config_report
from api.cli.json_output import AsJson, print_json
from api.cli.options import GlobalOptions
from api.cli.views.config import print_settings
from api.translations import interface_language


def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting, its value and its origin."""
    options: GlobalOptions = context.obj
    found = config_report(options.config_file, options.knowledge)
    if as_json:
        print_json(found)
    else:
        print_settings(terminal.output(), found, interface_language())
