"""What an answer of an embedding endpoint with an error status means."""

import json
from http import HTTPStatus

import pytest

from rag.models.embedders.endpoint.failures import Failure, Kind, read_failure, to_error

KEY = "sk-secret"


def failure(status: int, message: object, **headers: str) -> Failure:
    body = message if isinstance(message, bytes) else json.dumps({"error": message}).encode()
    return read_failure(
        "endpoint", status, {name.replace("_", "-"): value for name, value in headers.items()}, body, KEY
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger"),
        (413, "input batch size 473 > maximum allowed batch size 64"),
        (400, "Invalid 'input': array too long. Expected an array with maximum length 2048, but got one with 3000."),
        (400, "Too many inputs in request, split into more batches."),
        (400, "Too many inputs. The max number of inputs is 1."),
        (400, "Validation error: 'body -> jina-embeddings-v4' Each input list can contain at most 512 items.."),
        (400, "input length is larger than the largest allowed size 2048"),
        (400, "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch"),
        (400, "input数组最大不得超过64条"),
        (422, "List should have at most 8 items after validation, not 32"),
        (413, b"<html><head><title>413 Request Entity Too Large</title></head></html>"),
        (413, b"Failed to buffer the request body: length limit exceeded"),
    ],
)
def test_too_many_texts(status: int, message: object) -> None:
    assert failure(status, message).kind is Kind.TOO_MANY_TEXTS


@pytest.mark.parametrize(
    "message",
    [
        "Requested 313102 tokens, max 300000 tokens per request",
        "Too many tokens overall, split into more batches.",
        "Too many tokens in batch. Max is 16384 got 17555",
        "Request to model 'voyage-3' failed. The max allowed tokens per submitted batch is 120000.",
    ],
)
def test_too_many_tokens(message: str) -> None:
    assert failure(400, {"message": message}).kind is Kind.TOO_MANY_TOKENS


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Model not found"),
        (400, "Input data may contain inappropriate content."),
        (400, "the input length exceeds the context length"),
        (400, "This model's maximum context length is 8192 tokens, however you requested 10000 tokens."),
        (400, "Range of input length should be [1, 8192]"),
        (413, "`inputs` must have less than 512 tokens. Given: 600"),
        (400, "input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)"),
        (500, "input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)"),
        (500, "failed to encode response: json: unsupported value: NaN"),
        (422, "value is not a valid string"),
    ],
)
def test_a_text_or_every_call_is_refused(status: int, message: str) -> None:
    assert failure(status, message).kind is Kind.REFUSED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, Kind.BUSY),
        (500, Kind.TEMPORARY),
        (503, Kind.TEMPORARY),
        (401, Kind.FINAL),
        (402, Kind.FINAL),
        (403, Kind.FINAL),
        (404, Kind.FINAL),
        (405, Kind.FINAL),
    ],
)
def test_other_statuses(status: int, kind: Kind) -> None:
    assert failure(status, "some reason").kind is kind


def test_a_quota_that_is_used_up_is_not_waited_for() -> None:
    used_up = failure(429, {"message": "You exceeded your current quota", "code": "insufficient_quota"})
    assert used_up.kind is Kind.FINAL
    assert "no quota left (HTTP 429: You exceeded your current quota)" in str(to_error(used_up))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "7", "retry_after_ms": "250"}, 0.25),
    ],
)
def test_what_the_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert failure(429, "busy", **headers).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "no\\nmore", "code": 1}}', "HTTP 400: no more"),
        (b'{"error": "plain"}', "HTTP 400: plain"),
        (b'{"message": "bare"}', "HTTP 400: bare"),
        (b'{"detail": [1]}', "HTTP 400: 1"),
        (b"[1]", "HTTP 400: 1"),
        (b"<h1>sk-secret</h1>", "HTTP 400: <h1>***</h1>"),
        (b"\xff", "HTTP 400: \ufffd"),
        (b"x" * 999, f"HTTP 400: {'x' * 200}"),
    ],
)
def test_the_reason_is_one_short_line_without_the_key(body: bytes, reason: str) -> None:
    assert failure(HTTPStatus.BAD_REQUEST, body).reason == reason
