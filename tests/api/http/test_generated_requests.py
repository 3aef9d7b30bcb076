"""Responses are as the OpenAPI document describes them, to requests that it allows and to others."""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.guard.keys import new_key
from api.http.app import create_app
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from tests.kit.processes import FirstAsk, Server
from tests.kit.services import UNOPENED

DOCUMENT = create_app(UNOPENED, IngestRunner(), ServerContext()).openapi()
found = [operation.ok() for operation in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
OPERATIONS = {operation.label: operation for operation in found}
WITH_BODY = {label for label, operation in OPERATIONS.items() if operation.body}
EXAMPLES = 100
thoroughly = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
OPEN = ("/health/live", "/health/ready", "/docs/{source}")
KEY = {"X-API-Key": new_key()}
# Not checked: whether every request that the document forbids is refused. `0` for `false` is accepted.
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance]


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


# The tool's own decorator gives all operations the same node id, of which pytest-xdist runs only one.
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_described_with_and_without_a_key_and_none_is_a_failure(
    label: str, keyed_server: Server, session: requests.Session
) -> None:
    operation = OPERATIONS[label]
    tried = 0

    def check(case: Case) -> None:
        nonlocal tried
        tried += 1
        refused = case.call(base_url=keyed_server.url, session=session)
        validate(case, refused)
        if operation.path not in OPEN:
            assert refused.status_code == (403 if operation.path == "/retrieval" else 401)
        validate(case, case.call(base_url=keyed_server.url, session=session, headers=KEY))

    generated = st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    thoroughly(given(generated)(check))()
    for documented in operation.get_strategies_from_examples():
        settings(thoroughly, max_examples=1)(given(documented)(check))()
    assert tried >= (EXAMPLES if label in WITH_BODY else 1)


def test_all_operations_of_the_document_are_tried() -> None:
    assert len(OPERATIONS) == sum(len(item) for item in DOCUMENT["paths"].values())
    assert len(WITH_BODY) >= 6


def validate(case: Case, response: Response) -> None:
    # The document describes a stream as text, but the check would be done event by event.
    is_stream = response.headers["content-type"][0].startswith("text/event-stream")
    case.validate_response(response, checks=CHECKS if is_stream else [*CHECKS, response_schema_conformance])
