"""What the OpenAPI document says holds for whatever it allows to be sent, and for what it does not allow."""

from collections.abc import Iterator
from typing import cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from processes import FirstAsk, Server
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.keys import new_key
from ingest.runner import IngestRunner
from rag.chat.extractive import ExtractiveChat
from rag.config import Settings
from rag.embedders import Embedder
from rag.store import Store
from rag.wiring import Parts

# Describing the routes opens nothing.
UNOPENED = Parts(Settings(), cast(Store, None), cast(Embedder, None), ExtractiveChat())
document = schemathesis.openapi.from_dict(create_app(UNOPENED, IngestRunner()).openapi())
thoroughly = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
KEY = {"X-API-Key": new_key()}
# Whether a request that the document does not allow is taken all the same is left out: 0 for false is.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def keyed_server(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("keyed"))
    keys = f"boss:admin:{KEY['X-API-Key']}"
    with workspace.given(ZHIWEN_SERVE__KEYS=keys, ZHIWEN_SERVE__REQUESTS_PER_MINUTE="0").serving() as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@document.parametrize()
@thoroughly
def test_every_answer_is_as_described_with_and_without_a_key_and_none_is_a_failure(
    case: Case, keyed_server: Server, session: requests.Session
) -> None:
    refused = case.call(base_url=keyed_server.url, session=session)
    case.validate_response(refused, checks=CHECKS)
    if case.operation.path not in ("/health/live", "/health/ready"):
        assert refused.status_code == (403 if case.operation.path == "/retrieval" else 401)
    case.call_and_validate(base_url=keyed_server.url, session=session, headers=KEY, checks=CHECKS)
