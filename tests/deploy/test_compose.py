"""docker-compose.yml follows the Compose specification and fits the service that it starts."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.main import app
from api.guard.key_file import keys_of
from api.guard.route_rules import rule_of
from rag.errors import ConfigError
from rag.settings import Settings
from rag.settings_loader import load_settings
from tests.kit.compose import COMPOSE, EXAMPLE, FILLED_IN, Missing, composed, example, parsed, variables
from tests.kit.paths import ROOT

OURS = ("zhiwen", "lite")
_RELEASE = re.compile(r":(v?\d+\.\d+\.\d+|RELEASE\.\d{4}-\d{2}-\d{2}T[\d-]+Z)$")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = composed()["services"]
    return found


def settings_of(service: dict[str, Any]) -> Settings:
    """The settings that a service of the file starts with."""
    return load_settings(environment={name: value or "" for name, value in service["environment"].items()})


def test_the_file_follows_the_specification(services: dict[str, Any]) -> None:
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
def test_a_file_that_breaks_the_specification_is_rejected(good: str, bad: str) -> None:
    assert good in COMPOSE
    with pytest.raises(ValueError, match=r".+"):
        parsed(COMPOSE.replace(good, bad, 1), example() | FILLED_IN)


def test_a_dependency_runs_in_the_same_profile_and_has_a_health_check(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, dependency in service.get("depends_on", {}).items():
            assert dependency["condition"] == "service_healthy"
            assert "healthcheck" in services[other]
            assert set(service["profiles"]) <= set(services[other]["profiles"]), name
            assert set(service["networks"]) & set(services[other]["networks"])


def test_the_profile_lite_has_one_service_and_the_profile_milvus_has_the_others(services: dict[str, Any]) -> None:
    profiles = {name: service["profiles"] for name, service in services.items()}
    assert [name for name, listed in profiles.items() if "lite" in listed] == ["lite"]
    assert {name for name, listed in profiles.items() if "milvus" in listed} == set(profiles) - {"lite"}
    assert example()["COMPOSE_PROFILES"] == "milvus"


def test_every_service_has_a_pinned_image_a_restart_policy_limits_and_a_health_check(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert _RELEASE.search(service["image"]), name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert service["logging"]["options"]["max-size"], name


@pytest.mark.parametrize("name", OURS)
def test_our_service_can_only_write_to_its_volumes(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image sets it"
    assert "data:/data" in service["volumes"]
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108
    assert "./knowledge:/knowledge:ro" in service["volumes"]


def test_only_zhiwen_can_reach_milvus(services: dict[str, Any]) -> None:
    for name in ("milvus", "etcd", "minio"):
        assert "ports" not in services[name]
        assert services[name]["networks"] == ["store"]
    assert composed()["networks"]["store"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_with_a_valid_value(name: str, services: dict[str, Any]) -> None:
    settings = settings_of(services[name])
    assert keys_of(settings.serve).find("k" * 43)
    if name == "zhiwen":
        host, port = settings.store.uri.removeprefix("http://").split(":")
        assert services[host]["image"].startswith("milvusdb/milvus:")
        assert port == "19530"
    else:
        assert Path(settings.store.uri).parent == Path("/data")


@pytest.mark.parametrize("name", OURS)
def test_the_command_the_port_and_the_health_check_exist_in_the_service(name: str, services: dict[str, Any]) -> None:
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
    assert rule_of("GET", address[2]).needs is None, "the health check has no key"


def test_no_secret_has_a_default_value() -> None:
    assert not example()["ZHIWEN_SERVE__KEYS"]
    with pytest.raises(Missing, match="MINIO_ROOT_PASSWORD"):
        composed(MINIO_ROOT_PASSWORD="")
    service = composed(ZHIWEN_SERVE__KEYS="")["services"]["zhiwen"]
    serve = settings_of(service).serve.model_copy(update={"host": "0.0.0.0"})  # as the image sets it
    with pytest.raises(ConfigError, match="no API key"):
        keys_of(serve)


def test_the_example_names_exactly_the_variables_of_the_file() -> None:
    assert set(example()) - {"COMPOSE_PROFILES"} == variables() - {"MINIO_ROOT_USER"}
    for name, value in example().items():
        default = re.search(rf"\$\{{{name}:-([^}}]*)\}}", COMPOSE)
        if default and name != "KNOWLEDGE":
            assert value == default[1], name


def test_other_settings_go_into_an_optional_file_that_git_ignores(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["env_file"] == [{"path": "zhiwen.env", "required": False}]
    assert {".env", "zhiwen.env"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())
    (example_setting,) = re.findall(r"zhiwen\.env, such as (\w+)=([\d.]+)", EXAMPLE)
    load_settings(environment=dict([example_setting]))


def test_the_commands_in_the_example_exist() -> None:
    (line,) = re.findall(r"docker compose run .* zhiwen (keys .*)", EXAMPLE)
    keys, new, _, *options = shlex.split(line)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    subcommands = group.commands[keys]
    assert isinstance(subcommands, typer.core.TyperGroup)
    assert options[0] in {option for parameter in subcommands.commands[new].params for option in parameter.opts}
