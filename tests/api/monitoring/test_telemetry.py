"""OpenTelemetry traces of a running server, as a collector receives them."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.kit.processes import Workspace
from tests.kit.threaded_server import served

QUESTION = "向量数据库有哪些知名组件？"


class Collector:
    """Accepts exported traces and keeps them."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                content = self.rfile.read(int(self.headers["content-length"]))
                collector.requests.append(ExportTraceServiceRequest.FromString(content))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    with served(running.server):
        yield running


def test_each_request_is_a_span_with_the_figures_of_its_answer_but_not_its_text(
    workspace: Workspace, collector: Collector
) -> None:
    with workspace.given(ZHIWEN_SERVE__OTLP_ENDPOINT=collector.url).serving() as server:
        answer = server.post("/ask", question=QUESTION).json()
        server.client.get("/health/live")
    resources = [spans for request in collector.requests for spans in request.resource_spans]
    [name] = {one.value.string_value for one in resources[0].resource.attributes if one.key == "service.name"}
    assert name == "zhiwen"
    [span] = [span for spans in resources for scope in spans.scope_spans for span in scope.spans]
    assert span.name == "POST /ask"
    found = {attribute.key: attribute.value for attribute in span.attributes}
    assert found["zhiwen.trace_id"].string_value == answer["trace_id"]
    assert found["zhiwen.total_ms"].double_value > 0
    assert found["zhiwen.dense_ms"].double_value > 0
    assert QUESTION not in str(collector.requests)


def test_an_unreachable_collector_delays_neither_answers_nor_the_shutdown(workspace: Workspace) -> None:
    with workspace.given(ZHIWEN_SERVE__OTLP_ENDPOINT="http://127.0.0.1:9").serving() as server:
        assert server.post("/ask", question=QUESTION).status_code == 200
    # `serving` has stopped the server by SIGTERM, within the time that a shutdown may take.
    assert server.process.returncode == 0
