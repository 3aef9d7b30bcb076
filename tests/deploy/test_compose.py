"""docker-compose.yml against the Compose specification, and against the service that it starts."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.main import app
from api.guard.access import rule_of
from api.guard.key_file import keys_of
from rag import config
from rag.errors import ConfigError
from rag.settings import Settings
from tests.kit.compose import COMPOSE, EXAMPLE, FILLED_IN, Missing, composed, example, parsed, variables
from tests.kit.paths import ROOT

OURS = ("zhiwen", "lite")
_RELEASE = re.compile(r":(v?\d+\.\d+\.\d+|RELEASE\.\d{4}-\d{2}-\d{2}T[\d-]+Z)$")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = composed()["services"]
    return found


def settings_of(service: dict[str, Any]) -> Settings:
    return config.load(environment={name: value or "" for name, value in service["environment"].items()})


def test_the_file_meets_the_specification(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, "milvus", "etcd", "minio"}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("read_only: true", "read_onyl: true"),
        ("interval: 10s", "interval: soon"),
        ("networks: [outside, store]", "networks: [outside, stoer]"),
        ("condition: service_healthy", "condition: service_fine"),
        ("data:/data", "dta:/data"),
        ("memory: 4g", "memory: much"),
    ],
)
def test_a_file_that_does_not_meet_it_is_found_out(good: str, bad: str) -> None:
    assert good in COMPOSE
    with pytest.raises(ValueError, match=r".+"):
        parsed(COMPOSE.replace(good, bad, 1), example() | FILLED_IN)


def test_what_a_service_depends_on_runs_with_it_and_says_when_it_is_ready(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in services[other]
            assert set(service["profiles"]) <= set(services[other]["profiles"]), name
            assert set(service["networks"]) & set(services[other]["networks"])


def test_the_profile_lite_is_one_service_and_the_other_is_all_of_milvus(services: dict[str, Any]) -> None:
    profiles = {name: service["profiles"] for name, service in services.items()}
    assert [name for name, where in profiles.items() if "lite" in where] == ["lite"]
    assert {name for name, where in profiles.items() if "milvus" in where} == set(profiles) - {"lite"}
    assert example()["COMPOSE_PROFILES"] == "milvus"


def test_every_service_is_fixed_to_a_release_restarted_bounded_and_watched(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert _RELEASE.search(service["image"]), name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert service["logging"]["options"]["max-size"], name


@pytest.mark.parametrize("name", OURS)
def test_our_service_can_write_nowhere_but_where_its_volumes_are(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image has it"
    assert "data:/data" in service["volumes"]
    assert [place.partition(":")[0] for place in service["tmpfs"]] == ["/tmp"]  # noqa: S108
    assert "./knowledge:/knowledge:ro" in service["volumes"]


def test_milvus_is_reached_by_nobody_but_zhiwen(services: dict[str, Any]) -> None:
    for name in ("milvus", "etcd", "minio"):
        assert "ports" not in services[name]
        assert services[name]["networks"] == ["store"]
    assert composed()["networks"]["store"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_its_value_a_valid_one(name: str, services: dict[str, Any]) -> None:
    settings = settings_of(services[name])
    assert keys_of(settings.serve).find("k" * 43)
    if name == "zhiwen":
        host, port = settings.store.uri.removeprefix("http://").split(":")
        assert services[host]["image"].startswith("milvusdb/milvus:")
        assert port == "19530"
    else:
        assert Path(settings.store.uri).parent == Path("/data")


@pytest.mark.parametrize("name", OURS)
def test_the_command_the_port_and_the_health_check_are_those_of_the_service(
    name: str, services: dict[str, Any]
) -> None:
    service = services[name]
    command, *options = service["command"]
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    known = {option for parameter in group.commands[command].params for option in parameter.opts}
    assert set(options) <= known
    port = Settings().serve.port
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    check = " ".join(service["healthcheck"]["test"])
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", check)
    assert address
    assert int(address[1]) == port
    assert rule_of("GET", address[2]).needs is None, "it asks without a key"


def test_no_secret_has_a_value_before_somebody_gives_it_one() -> None:
    assert not example()["ZHIWEN_SERVE__KEYS"]
    with pytest.raises(Missing, match="MINIO_ROOT_PASSWORD"):
        composed(MINIO_ROOT_PASSWORD="")
    service = composed(ZHIWEN_SERVE__KEYS="")["services"]["zhiwen"]
    serve = settings_of(service).serve.model_copy(update={"host": "0.0.0.0"})  # as the image has it
    with pytest.raises(ConfigError, match="no API key"):
        keys_of(serve)


def test_the_example_names_the_variables_of_the_file_and_no_others() -> None:
    assert set(example()) - {"COMPOSE_PROFILES"} == variables() - {"MINIO_ROOT_USER"}
    for name, value in example().items():
        default = re.search(rf"\$\{{{name}:-([^}}]*)\}}", COMPOSE)
        if default and name != "KNOWLEDGE":
            assert value == default[1], name


def test_other_settings_have_a_file_that_need_not_be_there_and_that_git_ignores(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["env_file"] == [{"path": "zhiwen.env", "required": False}]
    assert {".env", "zhiwen.env"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())
    (named,) = re.findall(r"zhiwen\.env, such as (\w+)=([\d.]+)", EXAMPLE)
    config.load(environment=dict([named]))


def test_the_commands_in_the_example_exist() -> None:
    (line,) = re.findall(r"docker compose run .* zhiwen (keys .*)", EXAMPLE)
    keys, new, _, *options = shlex.split(line)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    below = group.commands[keys]
    assert isinstance(below, typer.core.TyperGroup)
    assert options[0] in {option for parameter in below.commands[new].params for option in parameter.opts}
