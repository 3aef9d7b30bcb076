"""Settings: environment over config.yaml over defaults; unknown keys are errors.

Each section is one frozen model; every knob also stands, with a comment, in config.yaml.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from rag import strict_yaml
from rag.errors import ConfigError

ENVIRONMENT_PREFIX = "ZHIWEN_"
DEFAULT_FILE = "config.yaml"

Seconds = Annotated[float, Field(gt=0, le=3600)]
SECRETS = {
    ("store", "token"),
    ("embedding", "api_key"),
    ("rerank", "api_key"),
    ("chat", "api_key"),
    ("chat", "fallback_api_key"),
    ("serve", "keys"),
}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnowledgeSettings(Section):
    path: Path = Path("knowledge")
    include: tuple[str, ...] = ("*.md", "*.markdown", "*.mdx", "*.txt", "*.html", "*.htm")
    exclude: tuple[str, ...] = ()
    gitignore: bool = True
    max_file_bytes: int = Field(default=10_000_000, ge=1)
    max_seconds_per_document: Seconds = 20
    max_golden_drop: float = Field(default=0.0, ge=0, le=1)


class ChunkingSettings(Section):
    max_tokens: int = Field(default=320, ge=128, le=8192)


class EmbeddingSettings(Section):
    provider: Literal["builtin", "sentence-transformers", "openai"] = "builtin"
    model: str = ""
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    query_model: str = ""
    batch_size: int = Field(default=32, ge=1, le=2048)
    max_tokens: int = Field(default=512, ge=32)
    timeout_seconds: Seconds = 60
    max_attempts: int = Field(default=4, ge=1, le=10)


class StoreSettings(Section):
    uri: str = ".zhiwen/milvus.db"
    token: SecretStr = SecretStr("")
    database: str = ""
    collection: str = Field(default="zhiwen", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    timeout_seconds: Seconds = 10
    connect_timeout_seconds: Seconds = 2.5
    keep_generations: int = Field(default=1, ge=0, le=100)


class RetrievalSettings(Section):
    mode: Literal["hybrid", "dense"] = "hybrid"
    top_k: int = Field(default=8, ge=1, le=50)
    candidates: int = Field(default=100, ge=1, le=1000)


class RerankSettings(Section):
    provider: Literal["none", "cross-encoder", "http"] = "none"
    model: str = ""
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    candidates: int = Field(default=20, ge=1, le=200)
    timeout_seconds: Seconds = 2


class AnsweringSettings(Section):
    min_evidence: float = Field(default=0.5, ge=0, le=1)
    max_passages: int = Field(default=8, ge=1, le=50)
    max_passage_tokens: int = Field(default=640, ge=32, le=100_000)
    max_evidence_tokens: int = Field(default=4000, ge=128, le=1_000_000)
    max_question_characters: int = Field(default=4000, ge=1)
    max_history_turns: int = Field(default=10, ge=0, le=1000)
    max_history_characters: int = Field(default=12_000, ge=0, le=1_000_000)
    rewrite_timeout_seconds: Seconds = 8
    cached_answers: int = Field(default=256, ge=0, le=100_000)


class ChatSettings(Section):
    provider: Literal["auto", "extractive", "custom", "qwen", "siliconflow", "deepseek", "openai", "ollama"] = "auto"
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    model: str = ""
    fallbacks: tuple[str, ...] = ()
    fallback_api_key: SecretStr = SecretStr("")
    thinking: bool = False
    temperature: float = Field(default=0.1, ge=0, le=2)
    max_answer_tokens: int = Field(default=1024, ge=16)
    context_tokens: int = Field(default=0, ge=0)
    first_token_timeout_seconds: Seconds = 30
    idle_timeout_seconds: Seconds = 20
    total_timeout_seconds: Seconds = 120
    max_attempts: int = Field(default=3, ge=1, le=10)
    rest_after_failures: int = Field(default=3, ge=1, le=100)
    rest_seconds: Seconds = 30
    prices: tuple[str, ...] = ()


class TraceSettings(Section):
    enabled: bool = True
    path: Path = Path(".zhiwen/traces")
    max_count: int = Field(default=1000, ge=1, le=1_000_000)
    max_age_days: float = Field(default=7.0, gt=0, le=3650)


class ServeSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    keys: SecretStr = SecretStr("")
    keys_file: str = ""
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    trusted_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    requests_per_minute: int = Field(default=600, ge=0)
    max_concurrent_answers: int = Field(default=64, ge=1, le=10_000)
    max_waiting_answers: int = Field(default=64, ge=0, le=100_000)
    waiting_timeout_seconds: Seconds = 10
    max_connections: int = Field(default=4096, ge=16, le=100_000)
    header_timeout_seconds: Seconds = 10
    body_timeout_seconds: Seconds = 30
    reader_timeout_seconds: Seconds = 30
    drain_seconds: float = Field(default=4, ge=0, le=600)
    log_text: bool = False
    otlp_endpoint: str = ""
    public_url: str = Field(default="", pattern=r"^(?:https?://[^\s?#]+)?$")
    link_list: bool = True
    feedback_path: Path = Path(".zhiwen/feedback.jsonl")


class Settings(Section):
    knowledge: KnowledgeSettings = KnowledgeSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    rerank: RerankSettings = RerankSettings()
    answering: AnsweringSettings = AnsweringSettings()
    chat: ChatSettings = ChatSettings()
    traces: TraceSettings = TraceSettings()
    serve: ServeSettings = ServeSettings()


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    `file` is the configuration file; without one, `config.yaml` in the working directory is read if it is there.
    Paths in the file are relative to the file, paths in the environment to the working directory.

    Raises ConfigError, naming file or variable, key, rule and value.
    """
    return load_with_origins(file, environment)[0]


def load_with_origins(
    file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Settings, Mapping[str, str]]:
    """Like `load`, and where each value comes from: by `section.key`, a file or a variable; no entry for a default."""
    path = file or Path(DEFAULT_FILE)
    if file is not None and not file.is_file():
        raise ConfigError(f"{file}: no such configuration file; leave out --config to use the defaults")
    from_file = _read_file(path) if path.is_file() else {}
    from_environment, variables = _read_environment(environment)
    try:
        settings = Settings.model_validate(_merge(from_file, from_environment))
    except ValidationError as error:
        raise ConfigError(_explain(error, path, variables)) from error
    in_file = {f"{section}.{key}": str(path) for section, values in from_file.items() for key in values}
    return settings, in_file | variables


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except strict_yaml.StrictYAMLError as error:
        raise ConfigError(f"{path}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold sections such as `chat:`, got {type(content).__name__}")
    # A section of which every key is commented out is None.
    content = {section: values for section, values in content.items() if values is not None}
    for section, secret in sorted(SECRETS):
        values = content.get(section)
        if isinstance(values, dict) and values.get(secret):
            variable = _variable(section, secret)
            raise ConfigError(f"{path}: {section}.{secret} is a secret; set it in the environment as {variable}")
    return _anchor_paths(content, path.parent)


def _anchor_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    paths = (
        ("knowledge", "path"),
        ("store", "uri"),
        ("traces", "path"),
        ("serve", "keys_file"),
        ("serve", "feedback_path"),
    )
    for section, key in paths:
        values = content.get(section)
        if not isinstance(values, dict) or not isinstance(values.get(key), str) or not values[key]:
            continue
        if "://" not in values[key]:
            values[key] = str(folder / Path(values[key]).expanduser())
    return content


def _read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values by section and key, and for the messages the variable behind each `section.key`."""
    values: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if not separator:
            _check_misspelt(variable, section)
            continue
        variables[f"{section}.{key}"] = variable
        if section not in Settings.model_fields:
            variables[section] = variable
        field = Settings.model_fields.get(section)
        known = field.annotation.model_fields if field and isinstance(field.annotation, type) else {}
        is_list = key in known and known[key].annotation == tuple[str, ...]
        values.setdefault(section, {})[key] = _split(value) if is_list else value
    return values, variables


def _check_misspelt(variable: str, name: str) -> None:
    """Other variables may begin like ours; one that is a setting but for an underscore is a slip of the hand."""
    section, _, key = name.partition("_")
    if section in Settings.model_fields and key in _known_keys((section, key)):
        raise ConfigError(f"{variable}: two underscores go between section and key: {_variable(section, key)}")


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for section, values in over.items():
        below = merged.get(section)
        merged[section] = {**below, **values} if isinstance(below, dict) else values
    return merged


def _explain(error: ValidationError, path: Path, variables: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        origin = variables.get(".".join(str(part) for part in problem["loc"][:2]), str(path))
        if problem["type"] == "extra_forbidden":
            lines.append(f"{origin}: unknown key {key}; known here: {', '.join(_known_keys(problem['loc']))}")
            continue
        # A whole section may hold a secret in the wrong place.
        secret = tuple(problem["loc"][:2]) in SECRETS or isinstance(problem["input"], dict | list)
        got = "" if secret else f", got {problem['input']!r}"
        rule = problem["msg"].replace("Input should be", "must be").replace("a valid tuple", "a list")
        lines.append(f"{origin}: {key} {rule[:1].lower()}{rule[1:]}{got}")
    return "\n".join(lines)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    field = Settings.model_fields.get(str(location[0])) if len(location) > 1 else None
    model = field.annotation if field else Settings
    return sorted(model.model_fields)  # type: ignore[union-attr]


def _variable(section: str, key: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()
