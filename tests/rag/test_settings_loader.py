"""The environment overrides the file, the file the defaults; every mistake is named, no secret is shown."""

import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from rag.errors import ConfigError
from rag.settings import SECRETS, KnowledgeSettings, Settings
from rag.settings_loader import load_settings
from tests.kit.paths import ROOT

SHIPPED_FILE = ROOT / "config.yaml"
SECRET = "sk-0123456789abcdef"  # noqa: S105


def load(folder: Path, text: str, **environment: str) -> Settings:
    return load_settings(written(folder, text), environment)


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def defaults_in(folder: Path) -> Settings:
    """The defaults beside a file in `folder`, which is then the folder of documents too."""
    return Settings(knowledge=KnowledgeSettings(path=folder))


def refusal(folder: Path, text: str, **environment: str) -> str:
    """The message with which the settings are refused, the file's name shortened."""
    file = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, environment)
    return str(caught.value).replace(str(file), "config.yaml")


def knobs(settings: BaseModel) -> dict[str, dict[str, Any]]:
    """Every knob that is no secret, by section, as it is written in YAML."""
    return {
        section: {
            key: str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
            for key, value in getattr(settings, section)
            if not isinstance(value, SecretStr)
        }
        for section in type(settings).model_fields
    }


def test_the_shipped_file_holds_every_knob_with_its_default_and_nothing_else() -> None:
    shipped = yaml.safe_load(SHIPPED_FILE.read_text(encoding="utf-8"))
    expected = knobs(Settings())
    expected["knowledge"]["path"] = ""  # not set, so that it is looked for
    assert shipped == expected


def test_the_shipped_file_loads_to_the_defaults_with_its_paths_beside_it() -> None:
    loaded = knobs(load_settings(SHIPPED_FILE, {}))
    expected = knobs(Settings())
    expected["knowledge"]["path"] = str(SHIPPED_FILE.parent / "knowledge")
    expected["store"]["uri"] = str(SHIPPED_FILE.parent / ".zhiwen" / "milvus.db")
    expected["serve"]["feedback_path"] = str(SHIPPED_FILE.parent / ".zhiwen" / "feedback.jsonl")
    assert loaded == expected


def test_a_variable_that_lacks_an_underscore_is_an_error_that_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ZHIWEN_CHAT_API_KEY: .*ZHIWEN_CHAT__API_KEY"):
        load(tmp_path, "", ZHIWEN_CHAT_API_KEY="sk-1")


def test_every_secret_setting_is_listed_as_one() -> None:
    found = {
        (section, key)
        for section in Settings.model_fields
        for key, value in getattr(Settings(), section)
        if isinstance(value, SecretStr)
    }
    assert found == SECRETS


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    text = "retrieval:\n  top_k: 5\n  candidates: 50\n"
    settings = load(tmp_path, text, ZHIWEN_RETRIEVAL__TOP_K="7")
    assert settings.retrieval.top_k == 7
    assert settings.retrieval.candidates == 50
    assert settings.retrieval.mode == Settings().retrieval.mode


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}) == Settings()


def test_the_file_in_the_working_directory_is_read_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "serve:\n  port: 9000\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}).serve.port == 9000


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "{}\n", "\ufeffchat:\n  model: ''\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == defaults_in(tmp_path)


def test_a_section_with_only_comments_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "chat:\n  # model: qwen-max\nserve:\n  port: 9000\n").chat == Settings().chat


def test_foreign_variables_are_left_alone(tmp_path: Path) -> None:
    environment = {"PATH": "/bin", "CHAT__PROVIDER": "qwen", "ZHIWEN_QUESTION": "什么是 Ollama？"}
    assert load(tmp_path, "", **environment) == defaults_in(tmp_path)


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such configuration file; leave out --config"):
        load_settings(tmp_path / "nowhere.yaml", {})


def test_a_folder_is_no_configuration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(tmp_path, {})


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes("chat:\n  model: 通义\n".encode("gbk"))
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read"):
        load_settings(file, {})


def test_malformed_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "chat:\n  model: qwen\n  base_url: [\n").startswith("config.yaml: line 4: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("serve:\n  port: 1\n  port: 2\n", "config.yaml: line 3: the key 'port' appears twice"),
        ("chat: &a\n  model: x\nserve: *a\n", "config.yaml: line 3: aliases (*name) are not accepted"),
        ("- chat\n- serve\n", "config.yaml: must contain sections such as `chat:`, got list"),
        ("chat\n", "config.yaml: must contain sections such as `chat:`, got str"),
    ],
)
def test_a_file_that_is_not_sections_of_keys_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert refusal(tmp_path, text) == problem


def test_an_unknown_key_in_the_file_is_named_with_the_known_ones(tmp_path: Path) -> None:
    message = refusal(tmp_path, "retrieval:\n  topk: 5\n")
    assert message == "config.yaml: unknown key retrieval.topk; known keys: candidates, mode, top_k"


def test_an_unknown_section_in_the_file_is_named_with_the_known_ones(tmp_path: Path) -> None:
    message = refusal(tmp_path, "retreival:\n  top_k: 5\n")
    assert message.startswith(
        "config.yaml: unknown key retreival; known keys: answering, bots, chat, chunking, embedding"
    )


def test_an_unknown_key_in_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    message = refusal(tmp_path, "", ZHIWEN_RETRIEVAL__TOPK="5")
    assert message == "ZHIWEN_RETRIEVAL__TOPK: unknown key retrieval.topk; known keys: candidates, mode, top_k"


def test_an_unknown_section_in_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    message = refusal(tmp_path, "", ZHIWEN_RETREIVAL__TOP_K="5")
    assert message.startswith("ZHIWEN_RETREIVAL__TOP_K: unknown key retreival; known keys: answering, bots, chat")


def test_every_mistake_is_named_at_once_each_on_a_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, "serve:\n  port: 70000\nchat:\n  modle: x\n", ZHIWEN_RETRIEVAL__TOP_K="0")
    assert sorted(line.split(": ")[0] for line in message.split("\n")) == [
        "ZHIWEN_RETRIEVAL__TOP_K",
        "config.yaml",
        "config.yaml",
    ]


def test_a_wrong_type_in_the_file_names_file_key_and_value(tmp_path: Path) -> None:
    message = refusal(tmp_path, "serve:\n  port: eighty\n")
    assert message.startswith("config.yaml: serve.port must be a valid integer")
    assert message.endswith("got 'eighty'")


def test_a_wrong_type_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    message = refusal(tmp_path, "serve:\n  port: 9000\n", ZHIWEN_SERVE__PORT="eighty")
    assert message.startswith("ZHIWEN_SERVE__PORT: serve.port must be a valid integer")


def test_a_text_where_a_section_should_be_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "serve: 8000\n").startswith(
        "config.yaml: serve must be a section of `name: value`, got 8000"
    )


def test_a_text_where_a_list_should_be_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "knowledge:\n  exclude: drafts\n")
    assert message.startswith("config.yaml: knowledge.exclude must be a list")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retrieval:\n  top_k: 0\n", "retrieval.top_k must be greater than or equal to 1, got 0"),
        ("retrieval:\n  top_k: 51\n", "retrieval.top_k must be less than or equal to 50, got 51"),
        ("store:\n  timeout_seconds: 0\n", "store.timeout_seconds must be greater than 0, got 0"),
        (
            "answering:\n  min_evidence: 1.5\n",
            "answering.min_evidence must be less than or equal to 1, got 1.5",
        ),
    ],
)
def test_a_value_out_of_range_names_key_rule_and_value(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text) == f"config.yaml: {message}"


@pytest.mark.parametrize("text", [".nan", ".inf", "-.inf", "1e999"])
def test_a_number_that_is_not_finite_is_out_of_range(tmp_path: Path, text: str) -> None:
    assert "chat.total_timeout_seconds" in refusal(tmp_path, f"chat:\n  total_timeout_seconds: {text}\n")
    assert "answering.min_evidence" in refusal(tmp_path, f"answering:\n  min_evidence: {text}\n")


def test_a_value_that_is_not_among_the_choices_names_them(tmp_path: Path) -> None:
    message = refusal(tmp_path, "chat:\n  provider: gpt\n")
    assert message.startswith("config.yaml: chat.provider must be 'auto', 'extractive', 'custom', 'qwen'")
    assert message.endswith("got 'gpt'")


@pytest.mark.parametrize("name", ["", "1abc", "a-b", "a b", "x" * 101, "知问", 'a"; drop'])
def test_a_collection_name_that_milvus_would_refuse_is_refused_here(tmp_path: Path, name: str) -> None:
    assert "store.collection" in refusal(tmp_path, "", ZHIWEN_STORE__COLLECTION=name)


@pytest.mark.parametrize(("section", "key"), sorted(SECRETS))
def test_a_secret_in_the_file_is_refused_with_the_variable_to_use(tmp_path: Path, section: str, key: str) -> None:
    message = refusal(tmp_path, f"{section}:\n  {key}: {SECRET}\n")
    variable = f"ZHIWEN_{section.upper()}__{key.upper()}"
    assert message == f"config.yaml: {section}.{key} is a secret; set it in the environment as {variable}"


def test_an_empty_secret_in_the_file_is_accepted(tmp_path: Path) -> None:
    assert load(tmp_path, "chat:\n  api_key: ''\n") == defaults_in(tmp_path)


def test_a_secret_from_the_environment_is_kept_and_never_shown(tmp_path: Path) -> None:
    environment = {f"ZHIWEN_{section}__{key}".upper(): SECRET for section, key in SECRETS}
    settings = load(tmp_path, "", **environment)
    assert settings.chat.api_key.get_secret_value() == SECRET
    assert settings.store.token.get_secret_value() == SECRET
    assert settings.embedding.api_key.get_secret_value() == SECRET
    shown = f"{settings!r} {settings} {settings.chat!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"chat:\n  api_key: {SECRET}\n",
        f"chat:\n  api_key: [{SECRET}]\n",
        f"chat:\n  - api_key: {SECRET}\n",
        f"chat:\n  apikey: {SECRET}\n",
        f"api_key: {SECRET}\n",
        f"chat:\n  api_key: {{value: {SECRET}}}\n",
        f"Chat:\n  api_key: {SECRET}\n",
    ],
)
def test_a_misplaced_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    assert SECRET not in refusal(tmp_path, text)


def test_a_secret_is_not_in_the_message_about_another_mistake(tmp_path: Path) -> None:
    environment = {"ZHIWEN_CHAT__API_KEY": SECRET, "ZHIWEN_CHAT__MAX_ATTEMPTS": "0"}
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "chat:\n  modle: x\n", **environment)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_lists_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    text = "knowledge:\n  exclude: [a.md]\n"
    settings = load(tmp_path, text, ZHIWEN_KNOWLEDGE__INCLUDE="docs/**/*.md, **/*.markdown ,,")
    assert settings.knowledge.include == ("docs/**/*.md", "**/*.markdown")
    assert settings.knowledge.exclude == ("a.md",)
    assert load(tmp_path, text, ZHIWEN_KNOWLEDGE__EXCLUDE="").knowledge.exclude == ()


def test_a_comma_in_a_setting_that_is_no_list_stays(tmp_path: Path) -> None:
    assert load(tmp_path, "", ZHIWEN_CHAT__MODEL="a,b").chat.model == "a,b"


def test_relative_paths_in_the_file_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    settings = load(tmp_path, "knowledge:\n  path: ../docs\nstore:\n  uri: data/m.db\n")
    assert settings.knowledge.path.resolve() == (tmp_path.parent / "docs").resolve()
    assert Path(settings.store.uri) == tmp_path / "data" / "m.db"


def test_absolute_paths_and_addresses_in_the_file_stay(tmp_path: Path) -> None:
    settings = load(tmp_path, "knowledge:\n  path: /srv/docs\nstore:\n  uri: http://milvus:19530\n")
    assert settings.knowledge.path == Path("/srv/docs")
    assert settings.store.uri == "http://milvus:19530"


def test_a_path_under_the_home_folder_is_spelt_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = load(tmp_path, "knowledge:\n  path: ~/docs\n")
    assert settings.knowledge.path == tmp_path / "home" / "docs"


def test_paths_in_the_environment_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    settings = load(tmp_path, "store:\n  uri: a.db\n", ZHIWEN_KNOWLEDGE__PATH="docs", ZHIWEN_STORE__URI="b.db")
    assert settings.knowledge.path == Path("docs")
    assert settings.store.uri == "b.db"


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().chat.model = "x"


# The database of traces and feedback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://db/zhiwen",
        "postgresql://me:p%40ss@db:5432/zhiwen?sslmode=require",  # pragma: allowlist secret
        "sqlite:////srv/state.db",
    ],
)
def test_the_state_database_is_a_file_or_postgresql(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, "", ZHIWEN_STATE__URL=url).state.url == url


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret-7311@db/zhiwen",  # pragma: allowlist secret
        "postgres://me:secret-7311@db/zhiwen",  # pragma: allowlist secret
        "postgresql+asyncpg://me:secret-7311@db/zhiwen",  # pragma: allowlist secret
        "postgresql://me:secret-7311@db:port/zhiwen",  # pragma: allowlist secret
        "postgresql://me:sec#ret-7311@db/zhiwen",
        "postgresql://me:sec@ret-7311/@db/zhiwen",  # pragma: allowlist secret
        "sqlite://",
        "sqlite:///",
        "state.db",
    ],
)
def test_any_other_state_url_is_refused_by_name_without_its_password(tmp_path: Path, url: str) -> None:
    message = refusal(tmp_path, "", ZHIWEN_STATE__URL=url)
    assert message.startswith("ZHIWEN_STATE__URL: state.url must be")
    assert "\n" not in message
    assert "7311" not in message


def test_a_password_in_the_file_is_refused_and_one_in_the_environment_is_never_shown(tmp_path: Path) -> None:
    for url in (f"postgresql://me:{SECRET}@db/zhiwen", f"postgresql://db/zhiwen?user=me&password={SECRET}"):
        message = refusal(tmp_path, f"state:\n  url: {url}\n")
        assert "state.url has a password, which is a secret; set it in the environment as ZHIWEN_STATE__URL" in message
        assert SECRET not in message
        settings = load(tmp_path, "", ZHIWEN_STATE__URL=url)
        assert SECRET not in f"{settings!r} {settings}"


def test_an_sqlite_file_in_the_configuration_is_beside_it(tmp_path: Path) -> None:
    assert load(tmp_path, "state:\n  url: sqlite:///s/state.db\n").state.url == f"sqlite:///{tmp_path}/s/state.db"
    assert load(tmp_path, "state:\n  url: sqlite:////srv/state.db\n").state.url == "sqlite:////srv/state.db"


def test_a_setting_of_an_earlier_version_is_accepted_with_a_warning_that_says_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loaded = load(tmp_path, "traces:\n  path: old/traces\n  max_count: 5\n")
    assert loaded.traces.max_count == 5
    assert [message.replace(str(tmp_path), "") for message in caplog.messages] == [
        "/config.yaml: traces.path has no effect: traces are kept in the database of state.url; remove this setting, "
        "and the folder it names"
    ]
    load(tmp_path, "", ZHIWEN_TRACES__PATH="old")
    assert caplog.messages[-1].startswith("ZHIWEN_TRACES__PATH: traces.path has no effect")


BASES = "knowledge: {path: docs}\nknowledge_bases:\n"


def test_a_knowledge_base_has_its_folder_beside_the_file_and_its_own_collections(tmp_path: Path) -> None:
    settings = load(tmp_path, f"{BASES}  hr-handbook: {{path: handbook, title: 手册, exclude: [drafts]}}\n")
    assert settings.knowledge_base_names == ("default", "hr-handbook")
    handbook = settings.for_knowledge_base("hr-handbook")
    assert handbook.knowledge.path == tmp_path / "handbook"
    assert (handbook.knowledge.title, handbook.knowledge.exclude) == ("手册", ("drafts",))
    assert handbook.store.collection == "zhiwen_kb_hr_handbook"
    assert handbook.store.uri == settings.store.uri
    assert handbook.embedding == settings.embedding
    assert settings.for_knowledge_base("default") is settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{BASES}  Hand Book: {{path: x}}\n", "knowledge_bases has the name 'Hand Book'; take at most 32 of a-z"),
        (f"{BASES}  a_b: {{path: x}}\n", "knowledge_bases has the name 'a_b'"),
        (f"{BASES}  {'a' * 33}: {{path: x}}\n", "take at most 32"),
        (f"{BASES}  default: {{path: x}}\n", "stands for the one of the section `knowledge`; choose another"),
        (f"{BASES}  all: {{path: x}}\n", "stands for every knowledge base; choose another"),
        (f"{BASES}  handbook: {{title: x}}\n", "knowledge_bases.handbook.path is missing; name the folder"),
        (f"{BASES}  handbook:\n", "knowledge_bases.handbook must be a section of `name: value`"),
        (f"{BASES}  handbook: {{path: 2026}}\n", "handbook.path must be a path, in quotes if it is a number, got 2026"),
        (f"{BASES}  handbook: {{path: x, pth: y}}\n", "unknown key knowledge_bases.handbook.pth; known keys: context,"),
        (f"{BASES}  handbook: {{path: x, include: y}}\n", "knowledge_bases.handbook.include must be a list"),
        (f"{BASES}  handbook: {{path: x, title: {'x' * 101}}}\n", "knowledge_bases.handbook.title string should have"),
        (
            "knowledge: {path: docs}\nknowledge_bases: [handbook]\n",
            "knowledge_bases must be a section of `name: value`",
        ),
        (
            "knowledge_bases:\n  handbook: {path: x}\n",
            "knowledge.path is not set; beside knowledge_bases, it must name",
        ),
    ],
)
def test_a_wrong_knowledge_base_is_refused_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


@pytest.mark.parametrize("variable", ["ZHIWEN_KNOWLEDGE_BASES", "ZHIWEN_KNOWLEDGE_BASES__HANDBOOK"])
def test_knowledge_bases_in_the_environment_are_refused(tmp_path: Path, variable: str) -> None:
    message = refusal(tmp_path, "", **{variable: "{}"})
    assert message == f"{variable}: knowledge bases are declared in the configuration file: knowledge_bases"


def test_another_folder_has_none_of_the_knowledge_bases_of_the_configured_one(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    file = written(tmp_path, f"{BASES}  handbook: {{path: handbook}}\n")
    assert load_settings(file, {}, knowledge=tmp_path / "docs").knowledge_base_names == ("default", "handbook")
    assert load_settings(file, {}, knowledge=tmp_path).knowledge_base_names == ("default",)
