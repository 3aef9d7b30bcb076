"""Every setting with its default and its limits: one frozen model for each section of config.yaml, which says more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, SecretStr, model_validator

from rag.bot_settings import BotSettings
from rag.database_url import check_database_url
from rag.errors import KnowledgeBaseNotFound
from rag.knowledge_base_names import DEFAULT, check_names, collection_of, not_found
from rag.pasted_values import add_scheme
from rag.published_url import check_url_template
from rag.serve_settings import ServeSettings
from rag.settings_section import BaseURL, Key, Name, Seconds, Section, no_credentials, secrets_of
from rag.source_settings import AWS_INSTEAD, SourceSettings, check_import_url

_PUBLIC = no_credentials("everybody sees it")
_ChatPreset = Literal["qwen", "siliconflow", "deepseek", "zhipu", "moonshot", "openai", "gemini", "mistral", "ollama"]


class KnowledgeSettings(SourceSettings):
    """The folder of documents: which files are read, what an ingest asks before it goes live, and what it may lose.

    `title` and `context` say what it is about. The loader fills in `path` if it is not set, or if the folder is a copy
    of a repository: see `rag.knowledge_folder`.
    """

    path: Path = Path()
    title: str = Field(default="", max_length=100)
    context: str = Field(default="", max_length=500)
    include: tuple[str, ...] = ("*.md", "*.markdown", "*.mdx", "*.txt", "*.html", "*.htm")
    exclude: tuple[str, ...] = ()
    max_file_bytes: int = Field(default=10_000_000, ge=1)
    max_seconds_per_document: Seconds = 20
    max_golden_drop: float = Field(default=0.0, ge=0, le=1)
    url_template: Annotated[str, AfterValidator(check_url_template), _PUBLIC] = ""
    gate_recent_questions: int = Field(default=0, ge=0, le=500)


class KnowledgeBases(Section):
    """The knowledge bases besides the default one, by name; each has the settings of `knowledge`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, KnowledgeSettings] = Field(init=False)

    @property
    def by_name(self) -> Mapping[str, KnowledgeSettings]:
        """The settings of each, in the order of the file."""
        return self.__pydantic_extra__

    _check_names = model_validator(mode="before")(check_names)


class ChunkingSettings(Section):
    """How documents are cut into chunks."""

    max_tokens: int = Field(default=320, ge=128, le=8192)


class IngestSettings(Section):
    """Where documents are read, cut and embedded."""

    engine: Literal["local", "ray"] = "local"
    ray_address: Name = ""


class EmbeddingSettings(Section):
    """The embedding model."""

    provider: Literal["builtin", "sentence-transformers", "openai"] = "builtin"
    model: Name = ""
    base_url: Annotated[BaseURL, no_credentials("set ZHIWEN_EMBEDDING__API_KEY")] = ""
    api_key: Key = SecretStr("")
    query_model: Name = ""
    batch_size: int = Field(default=0, ge=0, le=2048)
    concurrency: int = Field(default=8, ge=1, le=64)
    max_tokens: int = Field(default=512, ge=32)
    timeout_seconds: Seconds = 60
    max_attempts: int = Field(default=4, ge=1, le=10)

    @property
    def usual_batch_size(self) -> int:
        """`batch_size`, or 32 if that leaves it to the provider."""
        return self.batch_size or 32


class StoreSettings(Section):
    """The Milvus Lite file or Milvus server with the index."""

    uri: Annotated[str, no_credentials("set ZHIWEN_STORE__TOKEN=user:password")] = ".zhiwen/milvus.db"
    token: SecretStr = SecretStr("")
    database: str = ""
    collection: str = Field(default="zhiwen", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    timeout_seconds: Seconds = 10
    connect_timeout_seconds: Seconds = 2.5
    keep_generations: int = Field(default=1, ge=0, le=100)
    index: Literal["AUTOINDEX", "HNSW", "IVF_SQ8", "IVF_RABITQ", "DISKANN"] = "AUTOINDEX"
    index_parameters: dict[str, JsonValue] = Field(default_factory=dict)
    search_parameters: dict[str, JsonValue] = Field(default_factory=dict)
    mmap: bool = False
    replicas: int = Field(default=1, ge=1, le=100)
    bulk_import_url: Annotated[str, AfterValidator(check_import_url)] = ""
    bulk_import_endpoint: Annotated[BaseURL, no_credentials(AWS_INSTEAD)] = ""
    bulk_import_region: Name = ""


class RetrievalSettings(Section):
    """How many chunks a search finds, and with which retrievers."""

    mode: Literal["hybrid", "dense"] = "hybrid"
    top_k: int = Field(default=8, ge=1, le=50)
    candidates: int = Field(default=100, ge=1, le=1000)


class RerankSettings(Section):
    """The reranker, if any."""

    provider: Literal["none", "cross-encoder", "http"] = "none"
    model: Name = ""
    base_url: Annotated[str, AfterValidator(add_scheme), no_credentials("set ZHIWEN_RERANK__API_KEY")] = ""
    api_key: Key = SecretStr("")
    candidates: int = Field(default=20, ge=1, le=200)
    timeout_seconds: Seconds = 2


class AnsweringSettings(Section):
    """How much evidence, question and history an answer is made from."""

    min_evidence: float = Field(default=0.5, ge=0, le=1)
    max_passages: int = Field(default=8, ge=1, le=50)
    max_passage_tokens: int = Field(default=640, ge=32, le=100_000)
    max_evidence_tokens: int = Field(default=4000, ge=128, le=1_000_000)
    max_question_characters: int = Field(default=4000, ge=1)
    max_history_turns: int = Field(default=10, ge=0, le=1000)
    max_history_characters: int = Field(default=12_000, ge=0, le=1_000_000)
    rewrite_timeout_seconds: Seconds = 8
    cached_answers: int = Field(default=256, ge=0, le=100_000)
    instructions: str = Field(default="", max_length=8000)


class ChatSettings(Section):
    """The chat model, its fallbacks, its limits and its deadlines."""

    provider: Literal["auto", "extractive", "custom", _ChatPreset] = "auto"
    base_url: Annotated[BaseURL, no_credentials("set ZHIWEN_CHAT__API_KEY")] = ""
    api_key: Key = SecretStr("")
    model: Name = ""
    fallbacks: Annotated[tuple[str, ...], no_credentials("set ZHIWEN_CHAT__FALLBACK_API_KEY")] = ()
    fallback_api_key: Key = SecretStr("")
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
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    prices: tuple[str, ...] = ()


class StateSettings(Section):
    """The database of traces and feedback. The password in its `url` must not be in any output."""

    max_feedback: int = Field(default=100_000, ge=1, le=10_000_000)
    url: Annotated[str, AfterValidator(check_database_url)] = Field(default="", repr=False)


class TraceSettings(Section):
    """Whether traces of answers and questions without an answer are kept, how many, and for how long."""

    enabled: bool = True
    max_count: int = Field(default=1000, ge=1, le=1_000_000)
    max_age_days: float = Field(default=7.0, gt=0, le=3650)
    keep_questions: bool = False
    max_questions: int = Field(default=10_000, ge=1, le=1_000_000)
    question_days: float = Field(default=90.0, gt=0, le=3650)


class Settings(Section):
    """All sections. Instances come from `rag.settings_loader.load`."""

    knowledge: KnowledgeSettings = KnowledgeSettings()
    knowledge_bases: KnowledgeBases = KnowledgeBases()
    ingest: IngestSettings = IngestSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    rerank: RerankSettings = RerankSettings()
    answering: AnsweringSettings = AnsweringSettings()
    chat: ChatSettings = ChatSettings()
    state: StateSettings = StateSettings()
    traces: TraceSettings = TraceSettings()
    serve: ServeSettings = ServeSettings()
    bots: BotSettings = BotSettings()

    @property
    def knowledge_base_names(self) -> tuple[str, ...]:
        """The names of all knowledge bases, the default one first."""
        return (DEFAULT, *self.knowledge_bases.by_name)

    def for_knowledge_base(self, name: str) -> "Settings":
        """Return the settings of one knowledge base: its folder and its collections, and everything that it shares.

        Raises KnowledgeBaseNotFound.
        """
        if name == DEFAULT:
            return self
        if name not in self.knowledge_bases.by_name:
            raise KnowledgeBaseNotFound(not_found(name, self.knowledge_base_names))
        store = self.store.model_copy(update={"collection": collection_of(self.store.collection, name)})
        own = {"knowledge": self.knowledge_bases.by_name[name], "store": store, "knowledge_bases": KnowledgeBases()}
        return self.model_copy(update=own)


SECRETS = secrets_of(Settings)
"""The settings that are read from environment variables only, and never shown."""
