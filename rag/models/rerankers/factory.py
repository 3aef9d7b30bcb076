"""Opens the reranker that the settings name. Only this module knows all of them."""

from rag.errors import ConfigError, RerankerUnavailable
from rag.models.rerankers.protocol import Reranker
from rag.models.rerankers.time_limit import TimeLimitedReranker
from rag.models.sentence_transformers_extra import require_sentence_transformers
from rag.settings import RerankSettings


def open_reranker(settings: RerankSettings) -> TimeLimitedReranker | None:
    """Return the reranker of `settings.provider`, limited to `settings.timeout_seconds` a call; None for `none`.

    Raises ConfigError if a setting is missing or contradicts another, RerankerUnavailable if the model cannot be
    loaded.
    """
    # Imported in the branches: sentence-transformers alone takes seconds.
    if settings.provider == "none":
        if settings.model:
            raise ConfigError(
                f"rerank.model must be empty with rerank.provider: none, got {settings.model!r}; "
                "to use that model, set rerank.provider: cross-encoder or http"
            )
        return None
    if not settings.model:
        raise ConfigError(
            f"rerank.model is required with rerank.provider: {settings.provider}, such as BAAI/bge-reranker-v2-m3"
        )
    return TimeLimitedReranker(_open(settings), timeout_seconds=settings.timeout_seconds)


def _open(settings: RerankSettings) -> Reranker:
    if settings.provider == "cross-encoder":
        require_sentence_transformers("rerank.provider: cross-encoder", RerankerUnavailable)
        from rag.models.rerankers.cross_encoder import CrossEncoderReranker  # noqa: PLC0415

        return CrossEncoderReranker(model=settings.model)

    if not settings.base_url.startswith(("http://", "https://")):
        raise ConfigError(
            "rerank.base_url is required with rerank.provider: http, "
            f"such as https://api.siliconflow.cn/v1, got {settings.base_url!r}"
        )
    from rag.models.rerankers.http import HTTPReranker  # noqa: PLC0415

    return HTTPReranker(
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value(),
        model=settings.model,
        timeout_seconds=settings.timeout_seconds,
    )
