"""Services like others, with some parts exchanged, and services that open nothing."""

from typing import cast

from rag.chat.protocol import ChatModel
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.protocol import Reranker
from rag.settings import Settings
from rag.store.store import Store
from rag.wiring import Services

UNOPENED = Services(Settings(), store=cast(Store, object()), embedder=cast(Embedder, object()))
"""The application uses store and embedder only when there is a request."""


def changed(
    services: Services,
    *,
    settings: Settings | None = None,
    store: Store | None = None,
    embedder: Embedder | None = None,
    chat: ChatModel | None = None,
    reranker: Reranker | None = None,
) -> Services:
    """Return services over the same store and embedder; without `chat`, answers are quoted."""
    return Services(
        settings or services.settings,
        store=store or services.store,
        embedder=embedder or services.embedder,
        chat=chat,
        reranker=reranker,
    )


def with_settings(services: Services, **sections: object) -> Settings:
    """Return the settings with other sections: `with_settings(services, answering=AnsweringSettings(…))`."""
    return services.settings.model_copy(update=sections)
