"""Opens the embedder that the settings name. Only this module knows all three."""

from rag.errors import ConfigError, EmbedderUnavailable
from rag.models.embedders.protocol import Embedder
from rag.models.sentence_transformers_extra import require_sentence_transformers
from rag.settings import EmbeddingSettings


def open_embedder(settings: EmbeddingSettings, *, serving: bool = False) -> Embedder:
    """Return the embedder of `settings.provider`; the libraries of the other providers are not imported.

    While `serving`, the built-in model is loaded at once, and an ingest leaves it a thread for questions.

    Raises ConfigError if a setting of the provider is missing, EmbedderUnavailable if the model cannot be loaded.
    """
    # Imported in the branches: sentence-transformers alone takes seconds.
    if settings.provider == "builtin":
        _check_no_model(settings)
        from rag.models.embedders.builtin import BuiltinEmbedder  # noqa: PLC0415

        return BuiltinEmbedder(serving=serving)

    if not settings.model:
        raise ConfigError(
            f"embedding.model is required with embedding.provider: {settings.provider}, "
            f"such as {_EXAMPLES[settings.provider]}"
        )
    if settings.provider == "sentence-transformers":
        require_sentence_transformers("embedding.provider: sentence-transformers", EmbedderUnavailable)
        from rag.models.embedders.sentence_transformers import SentenceTransformersEmbedder  # noqa: PLC0415

        return SentenceTransformersEmbedder(model=settings.model, batch_size=settings.usual_batch_size)

    if not settings.base_url.startswith(("http://", "https://")):
        raise ConfigError(
            "embedding.base_url is required with embedding.provider: openai, "
            f"such as http://127.0.0.1:11434/v1, got {settings.base_url!r}"
        )
    from rag.models.embedders.openai_compatible import OpenAIEmbedder  # noqa: PLC0415

    return OpenAIEmbedder(
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value(),
        model=settings.model,
        query_model=settings.query_model,
        batch_size=settings.batch_size,
        concurrency=settings.concurrency,
        max_tokens=settings.max_tokens,
        timeout_seconds=settings.timeout_seconds,
        max_attempts=settings.max_attempts,
    )


def open_question_embedder(settings: EmbeddingSettings) -> Embedder:
    """Return an embedder for the question of a single command, which waits for the model to load.

    It can search the indexes that `open_embedder` can. Raises what `open_embedder` raises.
    """
    if settings.provider != "builtin":
        return open_embedder(settings)
    _check_no_model(settings)
    from rag.models.embedders.builtin import open_quick_builtin  # noqa: PLC0415

    return open_quick_builtin()


def _check_no_model(settings: EmbeddingSettings) -> None:
    if settings.model:
        raise ConfigError(
            f"embedding.model must be empty with embedding.provider: builtin, got {settings.model!r}; "
            "to use that model, set embedding.provider: sentence-transformers or openai"
        )


_EXAMPLES = {"sentence-transformers": "BAAI/bge-m3", "openai": "text-embedding-v4"}
