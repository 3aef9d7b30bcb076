"""What the OpenAPI document says holds for whatever it allows to be sent, and for what it does not allow."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.guard.keys import new_key
from api.http.app import create_app
from api.http.openapi.document import operations
from api.http.server_context import ServerContext
from ingest.runner import IngestRunner
from tests.api.guard.test_access import UNOPENED
from tests.kit.processes import FirstAsk, Server

DOCUMENT = create_app(UNOPENED, IngestRunner(), ServerContext()).openapi()
EXAMPLES = 200
tried: Counter[str] = Counter()
# What is generated is as good as what the tool would list besides, and three times as fast.
generated_only = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
document = schemathesis.openapi.from_dict(DOCUMENT, config=generated_only)
thoroughly = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
OPEN = ("/health/live", "/health/ready")
KEY = {"X-API-Key": new_key()}
# Whether a request that the document does not allow is taken all the same is left out: 0 for false is.
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


@document.parametrize()
@thoroughly
def test_every_answer_is_as_described_with_and_without_a_key_and_none_is_a_failure(
    case: Case, keyed_server: Server, session: requests.Session
) -> None:
    tried[f"{case.method} {case.operation.path}"] += 1
    refused = case.call(base_url=keyed_server.url, session=session)
    validate(case, refused)
    if case.operation.path not in OPEN:
        assert refused.status_code == (403 if case.operation.path == "/retrieval" else 401)
    validate(case, case.call(base_url=keyed_server.url, session=session, headers=KEY))


def test_there_were_enough_of_them() -> None:
    """Two hundred wherever there is anything to vary."""
    if not tried:
        pytest.skip("none of the others has run")
    with_body = {f"{method} {path}" for method, path, operation in operations(DOCUMENT) if "requestBody" in operation}
    assert {name: tried[name] for name in with_body if tried[name] < EXAMPLES} == {}
    assert len(with_body) >= 6


def validate(case: Case, response: Response) -> None:
    # A stream is described as the text that it is, and would be checked event by event.
    is_stream = response.headers["content-type"][0].startswith("text/event-stream")
    case.validate_response(response, checks=CHECKS if is_stream else [*CHECKS, response_schema_conformance])
