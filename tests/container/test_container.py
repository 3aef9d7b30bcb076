"""The image and docker-compose.yml, built and started unchanged in a real Docker engine."""

import json
import re
import time

import pytest

from tests.kit.compose_project import Stack
from tests.kit.docker_engine import Engine
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import openai_server
from tests.kit.server_events import streamed
from tests.kit.waiting import eventually

# The first test builds the image.
pytestmark = [pytest.mark.container, pytest.mark.timeout(3600)]

QUESTION = "向量数据库有哪些知名组件？"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def key(stack: Stack, figures: dict[str, str]) -> str:
    """The key of the running service, made while it runs."""
    eventually(lambda: stack.status_of("/health/live") == 200, within_seconds=300)
    made = stack.new_key("tester")
    began = time.monotonic()
    eventually(lambda: stack.status_of("/status", made) == 200)
    figures["key added while it runs, seen after"] = f"{time.monotonic() - began:.1f} s"
    return made


def test_the_image_is_small_and_carries_no_settings_of_the_build(stack: Stack, figures: dict[str, str]) -> None:
    image = stack.engine.inspect(stack.engine.inspect(stack.container)["Image"])
    figures["image"] = f"{image['Size'] / MEGABYTE:.0f} MB"
    assert image["Size"] < 700 * MEGABYTE
    assert image["Config"]["User"] == "10001:10001"
    assert not [entry for entry in image["Config"]["Env"] if entry.startswith("PIP_")]
    assert image["Config"]["Healthcheck"]["Test"][0] == "CMD"


def test_without_a_key_it_runs_says_how_to_make_one_and_is_not_restarted(stack: Stack, figures: dict[str, str]) -> None:
    began = stack.started_at
    eventually(lambda: stack.status_of("/health/live") == 200, within_seconds=300)
    assert stack.status_of("/status") == 401
    assert "zhiwen keys new NAME --file /data/keys.txt" in stack.log

    def waits_for_nothing_but_a_key() -> bool:
        parts = stack.client.get("/health/ready").json()["parts"]
        return [part["part"] for part in parts if not part["ok"]] == ["keys"]

    eventually(waits_for_nothing_but_a_key, within_seconds=300)
    figures["ready but for a key after the first start, ingest included"] = f"{time.monotonic() - began:.1f} s"
    described = stack.engine.inspect(stack.container)
    assert described["State"]["Running"]
    assert described["RestartCount"] == 0


def test_it_answers_over_http_with_a_citation(stack: Stack, key: str) -> None:
    stack.wait_until_ready()
    answer = stack.ask(QUESTION, key)
    assert "Milvus" in answer["answer"]
    assert answer["citations"][0]["source"] == "overview.md"
    assert stack.status_of("/status", "zw_wrong") == 401
    eventually(lambda: stack.engine.inspect(stack.container)["State"]["Health"]["Status"] == "healthy")


def test_it_is_confined(stack: Stack) -> None:
    assert stack.inside("id -u; id -g").split() == ["10001", "10001"]
    status = dict(re.findall(r"^(\w+):\s+(\S+)$", stack.inside("cat /proc/self/status"), re.MULTILINE))
    assert {name: int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == dict.fromkeys(
        ("CapEff", "CapPrm", "CapBnd", "CapInh"), 0
    )
    assert status["NoNewPrivs"] == "1"
    writable = stack.inside(
        "for d in / /opt/zhiwen /knowledge /etc /data /tmp; do touch $d/x 2>&- && echo $d; done; true"
    )
    assert writable.split() == ["/data", "/tmp"]  # noqa: S108
    assert stack.inside("ls -l /data/keys.txt").startswith("-rw-------")


def test_a_file_that_changes_is_ingested_by_itself_and_the_command_in_the_container_works(
    stack: Stack, key: str
) -> None:
    stack.wait_until_ready()
    (stack.clone / "knowledge" / "harbour.md").write_text("# 港口\n\n灯塔的守夜人叫林海。\n", "utf-8")
    eventually(lambda: "林海" in stack.ask("灯塔的守夜人叫什么？", key)["answer"])
    report = json.loads(stack.compose("exec", "--no-TTY", "zhiwen", "zhiwen", "ingest", "--json"))
    assert report["documents"]["unchanged"] >= 2
    assert report["documents"]["failed"] == 0


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_what_is_ingested_and_the_keys_survive_a_restart_and_a_kill(
    stack: Stack, key: str, end: str, figures: dict[str, str]
) -> None:
    stack.wait_until_ready()
    generation = stack.client.get("/health", headers={"Authorization": f"Bearer {key}"}).json()["generation"]
    if end == "restart":
        stack.compose("restart")
    else:
        stack.compose("kill", "--signal", "KILL")
        stack.compose("up", "--detach")
    figures[f"ready after a {end}"] = f"{stack.wait_until_ready():.1f} s"
    assert stack.client.get("/health", headers={"Authorization": f"Bearer {key}"}).json()["generation"] == generation
    assert "Milvus" in stack.ask(QUESTION, key)["answer"]


def test_a_folder_of_documents_that_does_not_exist_is_an_error(stack: Stack) -> None:
    missing = stack.clone / "knowlege"
    (stack.clone / ".env").write_text(f"KNOWLEDGE={missing}\n", "utf-8")
    try:
        status, _, message = stack.tried("up", "--detach")
    finally:
        (stack.clone / ".env").unlink()
        stack.compose("up", "--detach")
    assert status != 0
    assert str(missing) in message
    assert not missing.exists()


def test_a_model_on_the_host_is_asked_and_a_stop_in_mid_stream_ends_the_stream(
    stack: Stack, key: str, figures: dict[str, str]
) -> None:
    gateway = stack.engine.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    with openai_server(completion("Milvus [1] is", " one", hangs=True), host=gateway) as model:
        url = f"http://host.docker.internal:{model.server_port}/v1"
        (stack.clone / ".env").write_text(
            f"ZHIWEN_CHAT__PROVIDER=custom\nZHIWEN_CHAT__BASE_URL={url}\nZHIWEN_CHAT__MODEL=m\nZHIWEN_CHAT__API_KEY=k\n"
        )
        try:
            stack.compose("up", "--detach")
            stack.wait_until_ready()
            body = {"question": QUESTION, "stream": True}
            headers = {"Authorization": f"Bearer {key}"}
            with stack.client.stream("POST", "/ask", json=body, headers=headers) as response:
                events = streamed(response)
                assert [next(events).name, next(events).name] == ["passages", "delta"]
                began = time.monotonic()
                stack.compose("stop")
                figures["stop in mid-stream"] = f"{time.monotonic() - began:.1f} s"
                last = list(events)[-1]
        finally:
            (stack.clone / ".env").unlink()
    assert (last.name, last.data["code"]) == ("error", "stopping")
    assert stack.engine.inspect(stack.container)["State"]["ExitCode"] == 0, "killed after stop_grace_period"


def test_one_cpu_and_two_gigabytes_are_enough(engine: Engine, stack: Stack, key: str, figures: dict[str, str]) -> None:
    stack.compose("up", "--detach")
    engine.docker("update", "--cpus", "1", "--memory", "2g", "--memory-swap", "2g", stack.container)
    stack.compose("restart")
    figures["ready after a start with 1 CPU and 2 GB"] = f"{stack.wait_until_ready():.1f} s"
    assert "Milvus" in stack.ask(QUESTION, key)["answer"]
    threads = stack.inside("cat /proc/[0-9]*/environ 2>&- | tr '\\0' '\\n' | grep ^OMP_NUM_THREADS= | sort -u; true")
    assert threads == "OMP_NUM_THREADS=1", "what Milvus Lite, started by the service, inherits"
    state = engine.inspect(stack.container)
    assert (state["State"]["OOMKilled"], state["RestartCount"]) == (False, 0)
    used = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", stack.container)
    figures["memory after a question"] = used.split(" / ")[0]
