"""Questions, texts and a scripted endpoint for the tests of rerankers."""

from rag.models.rerankers.http import HTTPReranker
from tests.kit.openai_scripts import ranking
from tests.kit.openai_server import Call, OpenAIServer

KEY = "sk-secret-0123456789"
QUESTION = "where is the log kept"
TEXTS = ["the log is kept on object storage", "lunch is served", "the log of the keeper is kept", "a row"]


def shared_words(call: Call) -> None:
    """A server whose score is the share of the question's words that a text has; it names the best text first."""
    words = set(str(call.body["query"]).split())
    scores = [len(words & set(text.split())) / max(len(words), 1) for text in call.body["documents"]]
    best_first = sorted(enumerate(scores), key=lambda scored: -scored[1])
    ranking(*best_first)(call)


def client_of(server: OpenAIServer, **options: object) -> HTTPReranker:
    return client_at(**{"base_url": server.base_url, **options})  # type: ignore[arg-type]


def client_at(base_url: str, *, api_key: str = KEY, timeout_seconds: float = 5) -> HTTPReranker:
    return HTTPReranker(base_url=base_url, api_key=api_key, model="m", timeout_seconds=timeout_seconds)
