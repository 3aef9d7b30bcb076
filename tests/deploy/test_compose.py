"""The Compose files are what Compose accepts, and fit the service that they start."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.main import app
from api.guard.key_file import keys_of
from api.guard.route_rules import rule_of
from rag.settings import Settings
from rag.settings_loader import load_settings
from tests.kit.compose import ALONE, EXAMPLE, WITH_MILVUS, Refused, composed, copied, example
from tests.kit.paths import ROOT

PASSWORD = {"MINIO_ROOT_PASSWORD": "p" * 24}
_RELEASE = re.compile(r":(v?\d+\.\d+\.\d+|RELEASE\.\d{4}-\d{2}-\d{2}T[\d-]+Z)$")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The only service of docker-compose.yml, as it starts in a fresh clone."""
    services = composed(copied(tmp_path_factory.mktemp("alone")))["services"]
    assert set(services) == {"zhiwen"}
    service: dict[str, Any] = services["zhiwen"]
    return service


@pytest.fixture(scope="module")
def with_milvus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The services of both files together."""
    folder = copied(tmp_path_factory.mktemp("milvus"), WITH_MILVUS)
    services: dict[str, Any] = composed(folder, WITH_MILVUS, **PASSWORD)["services"]
    return services


def settings_of(service: dict[str, Any]) -> Settings:
    """The settings that a service starts with, those of the image included."""
    image = re.findall(r"^ +(ZHIWEN_\w+)=(\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return load_settings(environment=dict(image) | service["environment"])


def test_a_fresh_clone_needs_no_settings_no_secret_and_no_number_of_cpus(alone: dict[str, Any]) -> None:
    settings = settings_of(alone)
    assert Path(settings.store.uri).parent == Path("/data")
    assert len(keys_of(settings.serve)) == 0
    assert settings.serve.keys_file, "it waits for its first key there"
    assert "cpus" not in alone["deploy"]["resources"]["limits"], "Docker refuses more than the machine has"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("read_only: true", "read_onyl: true"),
        ("interval: 10s", "interval: soon"),
        ("networks: [default, store]", "networks: [default, stoer]"),
        ("condition: service_healthy", "condition: service_fine"),
        ("data:/data", "dta:/data"),
        ("memory: 4g", "memory: much"),
    ],
)
def test_a_file_that_breaks_the_specification_is_refused(tmp_path: Path, good: str, bad: str) -> None:
    copied(tmp_path, WITH_MILVUS)
    (name, text) = next((name, text) for name in WITH_MILVUS if good in (text := (tmp_path / name).read_text("utf-8")))
    (tmp_path / name).write_text(text.replace(good, bad, 1), "utf-8")
    with pytest.raises(Refused):
        composed(tmp_path, WITH_MILVUS, **PASSWORD)


def test_every_service_has_a_pinned_image_a_restart_policy_limits_and_a_health_check(
    with_milvus: dict[str, Any],
) -> None:
    assert set(with_milvus) == {"zhiwen", "milvus", "etcd", "minio"}
    for name, service in with_milvus.items():
        assert _RELEASE.search(service["image"]), name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["deploy"]["resources"]["limits"].keys() <= {"memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name


def test_our_service_can_only_write_to_its_volumes(alone: dict[str, Any]) -> None:
    assert alone["read_only"]
    assert alone["cap_drop"] == ["ALL"]
    assert alone["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in alone, "the image sets it"
    assert [mount.partition(":")[0] for mount in alone["tmpfs"]] == ["/tmp"]  # noqa: S108
    writable = [volume["target"] for volume in alone["volumes"] if not volume.get("read_only")]
    assert writable == ["/data"]


def test_a_folder_of_documents_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    copied(tmp_path)
    for given, expected in (("", tmp_path / "knowledge"), ("/srv/handbook", Path("/srv/handbook"))):
        volumes = composed(tmp_path, KNOWLEDGE=given)["services"]["zhiwen"]["volumes"]
        (knowledge,) = [volume for volume in volumes if volume["type"] == "bind"]
        assert knowledge["target"] == "/knowledge"
        assert Path(knowledge["source"]) == expected
        assert knowledge["bind"] == {"create_host_path": False}


def test_only_zhiwen_can_reach_milvus_and_finds_it_there(tmp_path: Path, with_milvus: dict[str, Any]) -> None:
    for name in ("milvus", "etcd", "minio"):
        assert "ports" not in with_milvus[name]
        assert set(with_milvus[name]["networks"]) == {"store"}
    networks = composed(copied(tmp_path, WITH_MILVUS), WITH_MILVUS, **PASSWORD)["networks"]
    assert networks["store"]["internal"]
    host, port = settings_of(with_milvus["zhiwen"]).store.uri.removeprefix("http://").split(":")
    assert with_milvus[host]["image"].startswith("milvusdb/milvus:")
    assert port == "19530"
    assert set(with_milvus["zhiwen"]["networks"]) == {"default", "store"}


def test_a_model_on_the_host_is_in_reach(alone: dict[str, Any]) -> None:
    assert alone["extra_hosts"] == ["host.docker.internal=host-gateway"]
    assert "http://host.docker.internal:11434/v1" in EXAMPLE


def test_the_command_the_port_and_the_health_check_exist_in_the_service(alone: dict[str, Any]) -> None:
    command, *options = alone["command"]
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    known = {option for parameter in group.commands[command].params for option in parameter.opts}
    assert set(options) <= known
    port = Settings().serve.port
    (published,) = alone["ports"]
    assert (published["host_ip"], published["published"], published["target"]) == ("127.0.0.1", str(port), port)
    check = " ".join(alone["healthcheck"]["test"])
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", check)
    assert address
    assert int(address[1]) == port
    assert rule_of("GET", address[2]).needs is None, "the health check has no key"


def test_no_secret_has_a_default_value_and_only_milvus_asks_for_one(tmp_path: Path) -> None:
    copied(tmp_path, WITH_MILVUS)
    with pytest.raises(Refused, match=r"MINIO_ROOT_PASSWORD is missing a value: any long random text, in .env"):
        composed(tmp_path, WITH_MILVUS)
    secrets = [name for name in example() if name.endswith(("KEY", "KEYS", "PASSWORD", "TOKEN"))]
    assert secrets
    assert not any(example()[name] for name in secrets)


def test_the_example_changes_nothing_until_it_is_edited(tmp_path: Path) -> None:
    copied(tmp_path)
    before = composed(tmp_path)
    (tmp_path / ".env").write_text(EXAMPLE, "utf-8")
    assert composed(tmp_path) == before
    text = (ROOT / ALONE[0]).read_text("utf-8")
    # Keys in .env are from before there was a file of keys; they still work.
    assert set(example()) == set(re.findall(r"\$\{(\w+)", text)) - {"ZHIWEN_SERVE__KEYS"}


def test_the_example_of_milvus_starts_both_files(tmp_path: Path) -> None:
    copied(tmp_path, WITH_MILVUS)
    files = re.search(r"^#COMPOSE_FILE=(.+)$", EXAMPLE, re.MULTILINE)
    assert files
    assert tuple(files[1].split(":")) == WITH_MILVUS
    assert "\n#MINIO_ROOT_PASSWORD=\n" in EXAMPLE


def test_the_build_gets_the_settings_of_pip_that_are_set_and_no_others(tmp_path: Path) -> None:
    copied(tmp_path)
    assert "args" not in composed(tmp_path)["services"]["zhiwen"]["build"]
    given = {"PIP_INDEX_URL": "https://pypi.example.com/simple", "EXTRAS": "documents"}
    assert composed(tmp_path, **given)["services"]["zhiwen"]["build"]["args"] == given
    declared = set(re.findall(r"^ +- (\w+)$", (ROOT / ALONE[0]).read_text("utf-8"), re.MULTILINE))
    arguments = re.findall(r"^ARG (.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert {name.partition("=")[0] for line in arguments for name in line.split()} == declared - {"CMD", "python"}


def test_other_settings_go_into_an_optional_file_that_git_ignores(tmp_path: Path) -> None:
    copied(tmp_path)
    assert {".env", "zhiwen.env"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())
    (name, value) = re.findall(r"zhiwen\.env, such as (\w+)=([\d.]+)", EXAMPLE)[0]
    (tmp_path / "zhiwen.env").write_text(f"{name}={value}\n", "utf-8")
    settings = settings_of(composed(tmp_path)["services"]["zhiwen"])
    assert settings.answering.min_evidence == float(value)


def test_the_command_that_makes_the_first_key_exists_and_writes_where_the_service_looks(alone: dict[str, Any]) -> None:
    text = (ROOT / ALONE[0]).read_text("utf-8")
    (line,) = re.findall(r"docker compose run --rm zhiwen (keys .*)", text)
    keys, new, _, option, file = shlex.split(line)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    subcommands = group.commands[keys]
    assert isinstance(subcommands, typer.core.TyperGroup)
    assert option in {option for parameter in subcommands.commands[new].params for option in parameter.opts}
    assert file == settings_of(alone).serve.keys_file
