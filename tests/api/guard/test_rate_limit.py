"""The rate limit of each API key."""

import pytest

from api.guard.rate_limit import TokenBuckets
from tests.kit.processes import Server, assert_json_error
from tests.kit.tight_server import KEYS


def test_a_key_has_its_requests_per_minute_and_does_not_hold_up_others(tight: Server) -> None:
    headers = {"Authorization": f"Bearer {KEYS['often']}"}
    statuses = []
    while not statuses or statuses[-1] == 200:
        response = tight.client.get("/ingest", headers=headers)
        statuses.append(response.status_code)
    assert len(statuses) > 30, "the bucket holds 30 and refills meanwhile"
    message = assert_json_error(response, 429, "too_many_requests")
    assert "often" in message
    assert 1 <= int(response.headers["retry-after"]) <= 3
    seldom = {"Authorization": f"Bearer {KEYS['seldom']}"}
    assert tight.client.get("/ingest", headers=seldom).status_code == 200
    assert tight.client.get("/health/live", headers=headers).status_code == 200


def test_a_bucket_refills_evenly_and_never_holds_more_than_a_minute_allows() -> None:
    now = 1000.0
    buckets = TokenBuckets(60, clock=lambda: now)
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == pytest.approx(1)
    assert buckets.take("b") == 0
    now += 1.5
    assert [buckets.take("a") for _ in range(2)] == [0.0, pytest.approx(0.5)]
    now += 10_000
    assert [buckets.take("a") > 0 for _ in range(61)] == [False] * 60 + [True]
