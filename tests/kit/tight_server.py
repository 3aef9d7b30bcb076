"""The settings of a server with tight limits, and what its tests have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.kit.api_keys import key_of
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server
from tests.kit.raw_connection import connected, post
from tests.kit.waiting import eventually

QUESTION = "向量数据库有哪些知名组件？"
KEYS = {name: key_of(name) for name in ("often", "seldom")}
TIGHT = {
    "ZHIWEN_SERVE__KEYS": f"often:ask:{KEYS['often']},seldom:ask:{KEYS['seldom']}",
    "ZHIWEN_SERVE__REQUESTS_PER_MINUTE": "30",
    "ZHIWEN_SERVE__MAX_CONCURRENT_ANSWERS": "2",
    "ZHIWEN_SERVE__MAX_WAITING_ANSWERS": "1",
    "ZHIWEN_SERVE__WAITING_TIMEOUT_SECONDS": "300",
    "ZHIWEN_SERVE__BODY_TIMEOUT_SECONDS": "2",
    "ZHIWEN_SERVE__READER_TIMEOUT_SECONDS": "2",
    "ZHIWEN_SERVE__TRUSTED_HOSTS": "127.0.0.1,*.example.com",
    "ZHIWEN_SERVE__CORS_ORIGINS": "https://intranet.example.com",
    "ZHIWEN_SERVE__DRAIN_SECONDS": "0.2",
    "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
}


def key_header(server: Server) -> dict[str, str]:
    """The header with the key that the server's client sends."""
    return {"X-API-Key": server.client.headers["X-API-Key"]}


def question(server: Server, *, stream: bool = True) -> bytes:
    """A question as it goes over the wire."""
    return post("/ask", {"question": QUESTION, "stream": stream}, headers=key_header(server))


def metric(server: Server, name: str) -> float:
    """The value of a metric; 0 if the server does not have it yet."""
    response = server.client.get("/metrics")
    assert response.status_code == 200
    for line in response.text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    return 0.0


def running(server: Server) -> float:
    """How many questions are being answered."""
    return metric(server, "zhiwen_answers_under_way")


def queued(server: Server) -> float:
    """How many questions wait in the queue."""
    return metric(server, "zhiwen_answers_waiting")


@contextmanager
def full(server: Server, chat_endpoint: OpenAIServer) -> Iterator[None]:
    """All slots of the tight server are taken, and the queue is full."""
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    asking = question(server)
    with connected(server, asking), connected(server, asking), connected(server, asking):
        eventually(lambda: (running(server), queued(server)) == (2, 1))
        yield
    eventually(lambda: not running(server))
    chat_endpoint.play(completion("Milvus [1]."))
