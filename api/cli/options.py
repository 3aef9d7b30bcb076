"""Arguments and options that several commands share."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rag.errors import QuestionError
from rag.knowledge_base_names import ALL, DEFAULT
from rag.settings import Settings
from rag.settings_loader import load_settings
from rag.text.question_validation import validate_question

Question = Annotated[str, typer.Argument(help="A question in natural language; `-` reads it from standard input.")]

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Search only passages that match: source=a.md,b.md (either of them), tags!=draft, source^=guides/ (begins "
        "with), year>=2024, year<=2025. KEY is source, title, kind, start_line or a front-matter key. If repeated, all "
        "must match.",
    ),
]

FilterJson = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help="A filter as in the HTTP API; with --where, both must match."),
]


KnowledgeBase = Annotated[
    str, typer.Option("--kb", metavar="NAME", help="The knowledge base, if it is not the default one.")
]

KnowledgeBases = Annotated[
    list[str] | None,
    typer.Option(
        "--kb",
        metavar="NAME",
        help=f"The knowledge base, if it is not the default one; `{ALL}` for every one. Can be repeated.",
    ),
]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The options before the command: the configuration file and the folder of documents, None if not given."""

    config_file: Path | None = None
    knowledge: Path | None = None


def settings_of(context: typer.Context, *, knowledge: Path | None = None) -> Settings:
    """Load the settings of a command; `knowledge` wins over the folder named before the command. Raises ConfigError."""
    options: GlobalOptions = context.obj
    return load_settings(options.config_file, knowledge=knowledge or options.knowledge)


def chosen(settings: Settings, names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the knowledge bases that `--kb` asks for, each once. Raises KnowledgeBaseNotFound."""
    wanted = names or (DEFAULT,)
    for name in wanted:
        if name != ALL:
            settings.for_knowledge_base(name)
    return settings.knowledge_base_names if ALL in wanted else tuple(dict.fromkeys(wanted))


def read_question(text: str, settings: Settings) -> str:
    """Return the question that was typed, or standard input for `-`. Raises QuestionError."""
    if text == "-":
        try:
            text = sys.stdin.read()
        except UnicodeDecodeError as error:
            raise QuestionError("standard input is not UTF-8 text") from error
    return validate_question(text, max_characters=settings.answering.max_question_characters)
