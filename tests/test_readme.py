"""The documents keep their promises: what they name exists, and the two READMEs say the same.

Nothing is opened or started here; whether the commands work is tested where they live.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import pytest
import typer
import yaml
from pydantic import BaseModel

from api.cli.main import app
from api.error_codes import STATUS, error_code
from api.guard.access import RULES
from api.openai.schemas import MODEL
from api.schemas.ask import AskRequest, AskResponse
from api.schemas.errors import ErrorResponse
from api.schemas.search import SearchRequest
from ingest.chunking.slugs import slug
from rag.chat.presets import PRESETS
from rag.config import load
from rag.settings import SECRETS, Settings
from tests.kit.paths import ROOT

READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = (*READMES, "CONTRIBUTING.md", "CHANGELOG.md")
SHELL_WORDS = {"export", "curl", ".", "make", "zhiwen", "cp", "docker", "kubectl"}
REQUESTS: dict[str, type[BaseModel]] = {"/ask": AskRequest, "/search": SearchRequest}
# Codes that do not stand for an error of rag.errors.
WIRE_CODES = {"invalid_request": 422, "body_too_large": 413}

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"\bZHIWEN_[A-Z_]+\b")
_ASSIGNMENT = re.compile(r"[A-Za-z_]+=")
_SETTING = re.compile(rf"({'|'.join(Settings.model_fields)})\.(\w+)")


@dataclass(frozen=True)
class Call:
    """A `curl` line: what is asked of which endpoint."""

    method: str
    path: str
    body: str


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    return [block for found, block in _FENCED.findall(text_of(document)) if found == language]


def prose(document: str) -> str:
    return _FENCED.sub("", text_of(document))


def table_rows(document: str) -> Iterator[list[str]]:
    for line in prose(document).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def shell_lines(document: str) -> list[list[str]]:
    """The lines of the shell blocks as words, without comments."""
    lines = [shlex.split(line, comments=True) for block in blocks(document, "sh") for line in block.splitlines()]
    return [line for line in lines if line]


def command_lines(document: str, command: str) -> list[list[str]]:
    """The arguments of each use of a command, in shell blocks and in the prose."""
    inline = [shlex.split(code) for code in _INLINE.findall(prose(document)) if code.startswith(f"{command} ")]
    lines = [_in_container(line) for line in (*shell_lines(document), *inline)]
    lines = [[word for word in line if not _ASSIGNMENT.match(word)] for line in lines]
    return [line[1:] for line in lines if line[:1] == [command]]


def _in_container(line: list[str]) -> list[str]:
    """`docker compose run … zhiwen keys new` is `zhiwen keys new`, for that is what the image starts."""
    return line[line.index("zhiwen") :] if line[:3] == ["docker", "compose", "run"] else line


def curl_calls(document: str) -> list[Call]:
    calls = []
    for line in command_lines(document, "curl"):
        options = dict(pairwise(line))
        address = next(word for word in line if word.startswith("localhost"))
        body = options.get("-d", "")
        method = options.get("-X", "POST" if body else "GET")
        calls.append(Call(method, urlsplit(f"//{address}").path, body))
    return calls


def headings(document: str) -> list[str]:
    return re.findall(r"^#+ .+$", prose(document), re.MULTILINE)


# The twins


def test_each_readme_links_to_the_other_at_its_top() -> None:
    for document, other in (READMES, READMES[::-1]):
        assert f"]({other})" in "".join(text_of(document).splitlines()[:4])


def test_both_readmes_have_the_same_headings_in_the_same_order() -> None:
    english, chinese = ([heading.split(" ")[0] for heading in headings(document)] for document in READMES)
    assert english == chinese
    assert len(english) > 5


def test_both_readmes_show_the_same_shell_lines() -> None:
    english, chinese = (shell_lines(document) for document in READMES)
    assert english == chinese
    assert len(english) > 10


def test_both_readmes_show_the_same_answer() -> None:
    english, chinese = (blocks(document, "json") for document in READMES)
    assert english == chinese


@pytest.mark.parametrize(
    "pattern",
    [_VARIABLE, _SETTING, re.compile(r"`(--[a-z-]+)`"), re.compile(r"`([a-z]+_\w+)`")],
    ids=["variables", "settings", "options", "codes and fields"],
)
def test_both_readmes_name_the_same(pattern: re.Pattern[str]) -> None:
    english, chinese = (set(pattern.findall(text_of(document))) for document in READMES)
    assert english == chinese
    assert english


def test_both_readmes_have_the_same_rows_of_code_in_their_tables() -> None:
    english, chinese = ([_INLINE.findall(" ".join(row)) for row in table_rows(document)] for document in READMES)
    assert english == chinese


def test_both_readmes_link_to_the_same_files() -> None:
    english, chinese = (sorted(set(_LINK.findall(text_of(document))) - set(READMES)) for document in READMES)
    assert english == chinese


# What they name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_is_a_setting(document: str) -> None:
    for variable in _VARIABLE.findall(text_of(document)):
        section, _, key = variable.removeprefix("ZHIWEN_").lower().partition("__")
        assert section in Settings.model_fields, variable
        assert key in type(getattr(Settings(), section)).model_fields, variable


@pytest.mark.parametrize("document", READMES)
def test_every_value_given_to_a_variable_is_a_valid_one(document: str) -> None:
    given = [word for line in shell_lines(document) for word in line]
    given += [code for code in _INLINE.findall(prose(document)) if _VARIABLE.match(code)]
    values: dict[str, dict[str, str]] = {}
    for assignment in given:
        variable, separator, value = assignment.partition("=")
        if not separator or not _VARIABLE.fullmatch(variable):
            continue
        section, _, key = variable.removeprefix("ZHIWEN_").lower().partition("__")
        values.setdefault(section, {})[key] = value
        load(environment={variable: value})
    assert {"knowledge", "store", "chat", "embedding", "retrieval"} <= values.keys()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_stands_in_the_configuration_file(document: str) -> None:
    configuration = yaml.safe_load(text_of("config.yaml"))
    for code in _INLINE.findall(text_of(document)):
        match = _SETTING.match(code)
        if match and match.groups() not in SECRETS:
            assert match[2] in configuration[match[1]], code


@pytest.mark.parametrize("document", READMES)
def test_shell_blocks_hold_only_commands_that_are_checked_here(document: str) -> None:
    for line in shell_lines(document):
        first = next((word for word in line if not _ASSIGNMENT.match(word)), None)
        assert first is None or first in SHELL_WORDS, line


@pytest.mark.parametrize("document", READMES)
def test_every_zhiwen_command_and_option_exists(document: str) -> None:
    options = zhiwen_options()
    shown = set()
    for line in command_lines(document, "zhiwen"):
        position, name = next((at, word) for at, word in enumerate(line) if word in options)
        assert {word for word in line[:position] if word.startswith("--")} <= options[""], line
        assert {word for word in line[position:] if word.startswith("--")} <= options[name], line
        shown.add(name)
    assert shown == options.keys() - {""}, "the README shows every command once at least"


@pytest.mark.parametrize("document", READMES)
def test_every_option_in_the_prose_exists(document: str) -> None:
    known = set().union(*zhiwen_options().values())
    assert {code for code in _INLINE.findall(prose(document)) if code.startswith("--")} <= known


def zhiwen_options() -> dict[str, set[str]]:
    """The options of each command, and under the empty name those of `zhiwen` itself."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {name: options_of(command) for name, command in {"": group, **group.commands}.items()}


def options_of(command: typer.core.TyperCommand | typer.core.TyperGroup) -> set[str]:
    """Those of a group's own commands among them, but for the whole of `zhiwen`."""
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    below = command.commands.values() if isinstance(command, typer.core.TyperGroup) and command.name == "keys" else ()
    return options.union(*(options_of(one) for one in below))


@pytest.mark.parametrize("document", READMES)
def test_what_is_copied_and_applied_exists(document: str) -> None:
    ((example, _),) = command_lines(document, "cp")
    assert (ROOT / example).is_file()
    applied = [line[2] for line in command_lines(document, "kubectl") if line[:2] == ["apply", "-k"]]
    assert applied
    assert all((ROOT / folder / "kustomization.yaml").is_file() for folder in applied)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    assert {line[0] for line in command_lines(document, "make")} <= targets


@pytest.mark.parametrize("document", READMES)
def test_every_call_names_an_endpoint_and_sends_a_body_that_it_takes(document: str) -> None:
    routes = {(rule.method, rule.path) for rule in RULES}
    calls = curl_calls(document)
    assert {call.path for call in calls} >= {"/ask", "/search", "/ingest", "/health"}
    for call in calls:
        assert (call.method, call.path) in routes
        if call.body:
            REQUESTS[call.path].model_validate_json(call.body)


@pytest.mark.parametrize("document", READMES)
def test_what_clients_make_of_the_addresses_shown_are_routes(document: str) -> None:
    appended = {
        "Cherry Studio": ("GET /v1/models", "POST /v1/chat/completions"),
        "Chatbox": ("GET /models", "POST /chat/completions"),
        "Open WebUI": ("GET /models", "POST /chat/completions"),
        "Dify": ("POST /retrieval",),
    }
    routes = {(rule.method, rule.path) for rule in RULES}
    rows = {row[0]: _INLINE.findall(" ".join(row)) for row in table_rows(document)}
    for client, calls in appended.items():
        base = urlsplit(rows[client][0])
        assert base.port == Settings().serve.port
        assert {(call.split()[0], base.path + call.split()[1]) for call in calls} <= routes
        assert rows[client][1] == MODEL == Settings().store.collection
    (over_http,) = (codes for codes in rows.values() if codes and codes[0].endswith("/mcp"))
    assert ("POST", urlsplit(over_http[0]).path) in routes


@pytest.mark.parametrize("document", READMES)
def test_the_command_that_an_mcp_client_starts_exists(document: str) -> None:
    (shown,) = (json.loads(block) for block in blocks(document, "jsonc"))
    server = shown["mcpServers"]["zhiwen"]
    assert server["command"].endswith("/bin/zhiwen")
    *options, command = server["args"]
    assert command in zhiwen_options()
    assert {option for option in options if option.startswith("--")} <= zhiwen_options()[""]


@pytest.mark.parametrize("document", READMES)
def test_the_answer_shown_has_the_fields_of_an_answer(document: str) -> None:
    (answer,) = (json.loads(block) for block in blocks(document, "json"))
    assert AskResponse.model_validate(answer).model_dump() == answer


@pytest.mark.parametrize("document", READMES)
def test_the_error_shown_has_the_fields_and_a_code_of_an_error(document: str) -> None:
    (shown,) = (code for code in _INLINE.findall(prose(document)) if code.startswith("{"))
    error = ErrorResponse.model_validate_json(shown)
    assert error.model_dump() == json.loads(shown)
    assert error.error.code in {error_code(kind()) for kind in STATUS}


@pytest.mark.parametrize("document", READMES)
def test_the_citation_shown_leads_to_a_line_that_holds_what_is_quoted(document: str) -> None:
    answer = AskResponse.model_validate_json(blocks(document, "json")[0])
    (citation,) = answer.citations
    shown = next(block for block in blocks(document, "text") if citation.quote in block)
    assert f"knowledge/{citation.source}:{citation.start_line} " in shown
    line = text_of(f"knowledge/{citation.source}").splitlines()[citation.start_line - 1]
    assert "向量数据库" in line
    assert citation.quote.rpartition(": ")[2] in line


@pytest.mark.parametrize("document", READMES)
def test_every_error_code_in_the_table_has_its_status(document: str) -> None:
    statuses = {error_code(kind()): status for kind, status in STATUS.items()} | WIRE_CODES
    rows = [row for row in table_rows(document) if row[0].isdigit()]
    assert rows
    for status, codes in rows:
        assert {statuses[code] for code in _INLINE.findall(codes)} == {int(status)}


@pytest.mark.parametrize("document", READMES)
def test_the_table_of_providers_is_the_table_of_presets(document: str) -> None:
    shown = {}
    for row in table_rows(document):
        cells = [_INLINE.findall(cell) for cell in row]
        if len(cells) == 4 and cells[0]:
            provider, base_url, model, key = ((cell or [""])[0] for cell in cells)
            shown[provider] = (base_url, model, key)
    assert shown == {name: (preset.base_url, preset.model, preset.key_variable) for name, preset in PRESETS.items()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_to_a_file_and_a_heading(document: str) -> None:
    for link in _LINK.findall(text_of(document)):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = parts.path or document
        assert (ROOT / unquote(target)).exists(), link
        if parts.fragment:
            anchors = {slug(heading.lstrip("#")) for heading in headings(target)}
            assert unquote(parts.fragment) in anchors, link


@pytest.mark.parametrize("document", READMES)
def test_the_torch_named_is_the_torch_that_is_locked(document: str) -> None:
    named = re.findall(r"torch==[\d.]+", text_of(document))
    assert named
    assert set(named) <= set(text_of("constraints.txt").splitlines())


@pytest.mark.parametrize("document", ["CONTRIBUTING.md"])
def test_every_path_in_code_exists(document: str) -> None:
    paths = [code for code in _INLINE.findall(prose(document)) if re.fullmatch(r"[\w./]+/[\w.]*", code)]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_dependency_has_its_line_and_every_line_its_dependency() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {match[0] for group in groups for entry in group if (match := re.match(r"[\w.-]+", entry))}
    section = prose("CONTRIBUTING.md").partition("## Dependencies")[2]
    explained = re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)
    assert sorted(explained) == sorted(declared - {project["name"]})
