"""`zhiwen init`."""

from importlib import resources
from pathlib import Path

import typer

from api.cli import terminal
from api.cli.options import GlobalOptions
from api.translations import interface_language, say
from rag.errors import ConfigError
from rag.settings_loader import DEFAULT_FILE


def init(context: typer.Context) -> None:
    """Write a config.yaml with every setting, its default and a comment."""
    options: GlobalOptions = context.obj
    if options.knowledge:
        raise ConfigError("init writes defaults; leave out --knowledge and set knowledge.path in the file")
    path = options.config_file or Path(DEFAULT_FILE)
    content = (resources.files("api.cli") / DEFAULT_FILE).read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists already and was left as it is; `zhiwen config` shows what it sets") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    terminal.output().print(say("config_written", interface_language(), path=path))
