"""What the documents name exists: paths, tests, settings, variables, commands, options, targets, links, error codes."""

import re
import tomllib
from importlib.util import find_spec
from posixpath import dirname, normpath
from urllib.parse import unquote, urlsplit

import pytest
import typer
import yaml

from api.cli.main import app
from api.error_codes import STATUS, error_code
from api.http.openapi.errors import WITHOUT_CLASS
from rag.settings import SECRETS, Settings
from tests.kit.markdown import DOCUMENTS, MarkdownFile, guide
from tests.kit.paths import ROOT

_FOLDERS = ("api", "bench", "deploy", "docs", "ingest", "knowledge", "rag", "tests", ".ci", ".github")
_PATH = re.compile(rf"(?:{'|'.join(map(re.escape, _FOLDERS))})/[\w./-]*")
_VARIABLE = re.compile(r"\bZHIWEN_[A-Z_]+\b")
_SETTING = re.compile(rf"({'|'.join(Settings.model_fields)})\.(\w+)")
_INVARIANT = re.compile(r"test_invariant_\w+")
_ON_MEASUREMENTS = {"bench/README.md", "docs/decisions/own-fusion.md"}
"""Pages that name options of the measurements too."""

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


@documents
def test_every_path_exists(document: MarkdownFile) -> None:
    paths = [ROOT / code for code in document.codes if _PATH.fullmatch(code)]
    expected = [path.parent if document.may_name_what_is_new else path for path in paths]
    assert [str(path) for path in expected if not path.exists()] == []


@documents
def test_every_link_leads_to_a_file_and_a_heading(document: MarkdownFile) -> None:
    dead = []
    for link in document.links:
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (
            normpath(f"{dirname(document.name)}/{unquote(parts.path)}".lstrip("/")) if parts.path else document.name
        )
        if not (ROOT / target).exists():
            dead.append(f"{link}: there is no {target}")
        elif parts.fragment and unquote(parts.fragment) not in MarkdownFile(target).anchors:
            dead.append(f"{link}: {target} has no such heading")
    assert dead == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    known = {document.name for document in DOCUMENTS}
    reached: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        targets = {
            normpath(f"{dirname(name)}/{link.partition('#')[0]}".lstrip("/")) for link in MarkdownFile(name).links
        }
        waiting += sorted((targets & known) - reached - set(waiting))
    assert known - reached == set()


@documents
def test_every_variable_is_a_setting(document: MarkdownFile) -> None:
    for variable in _VARIABLE.findall(document.text):
        section, _, key = variable.removeprefix("ZHIWEN_").lower().partition("__")
        if not key:
            # A slip of the hand that a page shows, or a variable of the tests and benches.
            continue
        if section == "knowledge_bases":
            section, key = "knowledge", key.partition("__")[2]  # of one of them, after its name
        assert section in Settings.model_fields, variable
        assert key in type(getattr(Settings(), section)).model_fields, variable


@documents
def test_every_setting_stands_in_the_configuration_file(document: MarkdownFile) -> None:
    configuration = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    for code in document.codes:
        match = _SETTING.match(code)
        if match and match.groups() not in SECRETS:
            assert match[2] in configuration[match[1]], code


@documents
def test_every_zhiwen_command_and_option_exists(document: MarkdownFile) -> None:
    options = zhiwen_options()
    for line in document.command_lines("zhiwen"):
        found = [(at, word) for at, word in enumerate(line) if word in options]
        if not found and document.may_name_what_is_new:
            continue
        assert found or set(line) <= options[""], f"no such command: {' '.join(line)}"
        position, name = found[0] if found else (0, "")
        assert {word for word in line[:position] if word.startswith("--")} <= options[""], line
        assert {word for word in line[position:] if word.startswith("--")} <= options[name], line


@pytest.mark.parametrize("document", guide("command-line"), ids=str)
def test_the_guide_of_the_command_line_says_which_of_its_commands_print_json(document: MarkdownFile) -> None:
    options = zhiwen_options()
    shown = {next(word for word in line if word in options) for line in document.command_lines("zhiwen")}
    (paragraph,) = (part for part in document.prose.split("\n\n") if "`--json`" in part)
    named = set(re.findall(r"`(\w+)`", paragraph))
    assert named == {name for name in shown if "--json" in options[name]}


@pytest.mark.parametrize("document", [page for page in DOCUMENTS if page.name not in _ON_MEASUREMENTS], ids=str)
def test_every_option_in_the_prose_exists(document: MarkdownFile) -> None:
    known = set().union(*zhiwen_options().values())
    assert {code for code in document.codes if re.fullmatch(r"--[a-z][a-z-]*", code)} <= known


def zhiwen_options() -> dict[str, set[str]]:
    """The options of each command, and under the empty name those of `zhiwen` itself."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {name: options_of(command) for name, command in {"": group, **group.commands}.items()}


def options_of(command: typer.core.TyperCommand | typer.core.TyperGroup) -> set[str]:
    """The options of a command; those of a group's own commands among them, except for the whole of `zhiwen`."""
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    below = command.commands.values() if isinstance(command, typer.core.TyperGroup) and command.name == "keys" else ()
    return options.union({"--help"}, *(options_of(one) for one in below))


@documents
def test_every_make_target_exists(document: MarkdownFile) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {line[0] for line in document.command_lines("make")} <= targets


@documents
def test_every_measurement_that_is_named_exists(document: MarkdownFile) -> None:
    for module in re.findall(r"python -m (bench\.\w+)", document.text):
        assert find_spec(module), module


def test_the_error_codes_are_those_of_the_code_with_their_statuses() -> None:
    documented = {
        row[0].strip("`"): int(row[1])
        for row in MarkdownFile("docs/reference/error-codes.md").table_rows()
        if row[0].startswith("`")
    }
    codes = {error_code(kind("")): status for kind, status in STATUS.items()} | dict(WITHOUT_CLASS)
    del codes["request_refused"]  # only its descendants are raised
    assert documented == codes


def test_the_architecture_names_the_tests_of_every_invariant() -> None:
    named = _INVARIANT.findall(MarkdownFile("docs/architecture.md").text)
    invariants = (ROOT / "tests/ingest/test_invariants.py").read_text("utf-8")
    assert sorted(named) == sorted(re.findall(r"^def (test_invariant_\w+)", invariants, re.MULTILINE))
    assert {name.split("_")[2] for name in named} == set("1234567")


def test_the_architecture_has_every_room_of_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    rooms = {
        f"{container}/{room.strip()}"
        for contract in contracts
        if contract["type"] == "layers"
        for container in contract.get("containers", ())
        for layer in contract["layers"]
        for room in layer.split("|")
    }
    described = set()
    for section in re.split(r"^### ", MarkdownFile("docs/architecture.md").text, flags=re.MULTILINE)[1:]:
        package = section.split("\n")[0]
        first_cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
        described |= {f"{package}/{room}" for cell in first_cells for room in re.findall(r"`(\w+)`", cell)}
    assert rooms - described == set(), "add them to the tables of docs/architecture.md"
