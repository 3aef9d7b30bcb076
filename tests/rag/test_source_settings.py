"""Where documents come from: what is refused, which folder the copy has, and where its secrets are."""

from pathlib import Path

import pytest

from rag.errors import ConfigError
from rag.forge_links import forge_template
from rag.settings_loader import load_settings, load_settings_with_origins

SECRET = "token-0123456789"  # noqa: S105
HANDBOOK = "knowledge:\n  path: docs\nknowledge_bases:\n  hr-handbook:\n    git_url: https://git.example.com/hr/h\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str = "", **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(folder, text), environment)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/handbook",
        "http://gitea:3000/acme/handbook.git",
        "ssh://git@git.example.com:2222/acme/handbook.git",
        "git@github.com:acme/handbook.git",
        "file:///srv/git/handbook.git",
    ],
)
def test_the_addresses_that_git_takes_are_taken(tmp_path: Path, url: str) -> None:
    settings = load_settings(written(tmp_path, ""), {"ZHIWEN_KNOWLEDGE__GIT_URL": url})
    assert settings.knowledge.git_url == url


@pytest.mark.parametrize(
    "url",
    [
        "github.com/acme/handbook",
        "ftp://git.example.com/acme/handbook",
        "git://git.example.com/acme/handbook",
        "ext::sh -c id",
        "--upload-pack=id",
        "/srv/git/handbook",
        "https://",
        "https://github.com/",
        "https://git.example.com/a b",
        "https://git.example.com/a/b?private_token=x",
    ],
)
def test_no_other_address_is(tmp_path: Path, url: str) -> None:
    assert "must be the address of a repository" in refusal(tmp_path, ZHIWEN_KNOWLEDGE__GIT_URL=url)


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        (f"https://{SECRET}@github.com/acme/handbook", "GIT_TOKEN"),
        (f"https://me:{SECRET}@github.com/acme/handbook", "GIT_TOKEN"),
        (f"ssh://git:{SECRET}@github.com/acme/handbook", "GIT_SSH_KEY"),
        (f"ssh://:{SECRET}@github.com/acme/handbook", "GIT_SSH_KEY"),
    ],
)
def test_an_address_with_a_secret_is_refused_and_says_where_that_goes(tmp_path: Path, url: str, variable: str) -> None:
    message = refusal(tmp_path, f"knowledge:\n  git_url: {url}\n")
    assert "must have no user or password" in message
    assert variable in message


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "a^", "refs/heads/", "a.lock", "/a", "a//b", "@{u}"])
def test_what_is_no_branch_is_refused(tmp_path: Path, branch: str) -> None:
    text = f"knowledge:\n  git_url: https://git.example.com/a/b\n  git_branch: '{branch}'\n"
    if branch == "refs/heads/":
        assert load_settings(written(tmp_path, text), {}).knowledge.git_branch == ""
    else:
        assert "git_branch must be the name of a branch" in refusal(tmp_path, text)


@pytest.mark.parametrize("folder", ["..", "docs/../..", "docs//a", "./docs", ".git"])
def test_a_folder_that_leads_out_of_the_repository_is_refused(tmp_path: Path, folder: str) -> None:
    assert "must be a folder of the repository" in refusal(tmp_path, ZHIWEN_KNOWLEDGE__GIT_FOLDER=folder)


@pytest.mark.parametrize("url", ["handbook", "s3://", "s3://Handbook", "https://handbook", "s3://handbook/a@b"])
def test_what_is_no_bucket_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must be a bucket"):
        load_settings(written(tmp_path, ""), {"ZHIWEN_KNOWLEDGE__S3_URL": url})


@pytest.mark.parametrize("url", ["ftp://docs.example.com", "https://", "https://docs.example.com:port/", "a b"])
def test_what_is_no_page_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must be"):
        load_settings(written(tmp_path, ""), {"ZHIWEN_KNOWLEDGE__WEB_URL": url})


def test_documents_come_from_one_place(tmp_path: Path) -> None:
    git = "git_url: https://git.example.com/a/b"
    assert "both path and git_url" in refusal(tmp_path, f"knowledge:\n  path: docs\n  {git}\n")
    assert "git_url and s3_url" in refusal(tmp_path, f"knowledge:\n  {git}\n  s3_url: s3://handbook\n")
    declared = "knowledge:\n  path: docs\nknowledge_bases:\n  handbook:\n    title: x\n"
    assert "or where they come from: git_url, s3_url, web_url" in refusal(tmp_path, declared)


def test_the_copy_is_beside_the_index_and_another_address_has_another(tmp_path: Path) -> None:
    def path(**environment: str) -> Path:
        given = {f"ZHIWEN_{name}": value for name, value in environment.items()}
        return load_settings(written(tmp_path, ""), given).knowledge.path

    url = "https://git.example.com/a/b"
    copy = path(KNOWLEDGE__GIT_URL=url, STORE__URI="/data/m.db")
    assert copy.parent == Path("/data/sources")
    assert path(KNOWLEDGE__GIT_URL=url, STORE__URI="/data/m.db", KNOWLEDGE__GIT_FOLDER="docs/a") == copy / "docs/a"
    assert path(KNOWLEDGE__GIT_URL=f"{url}2", STORE__URI="/data/m.db") != copy
    assert path(KNOWLEDGE__GIT_URL=url, STORE__URI="http://milvus:19530").parent == Path(".zhiwen/sources")
    # The image of the container sets a folder.
    assert path(KNOWLEDGE__GIT_URL=url, STORE__URI="/data/m.db", KNOWLEDGE__PATH="/knowledge") == copy


def test_a_folder_that_the_command_line_names_goes_before_a_repository(tmp_path: Path) -> None:
    file = written(tmp_path, "knowledge:\n  git_url: https://git.example.com/a/b\n")
    settings = load_settings(file, {}, knowledge=tmp_path)
    assert settings.knowledge.path == tmp_path
    assert not settings.knowledge.source_url


def test_a_knowledge_base_has_secrets_of_its_own_in_the_environment(tmp_path: Path) -> None:
    variable = "ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__GIT_TOKEN"
    settings, origins = load_settings_with_origins(written(tmp_path, HANDBOOK), {variable: SECRET})
    assert settings.for_knowledge_base("hr-handbook").knowledge.git_token.get_secret_value() == SECRET
    assert settings.knowledge.git_token.get_secret_value() == ""
    assert origins["knowledge_bases.hr-handbook.git_token"] == variable
    assert SECRET not in repr(settings)


def test_a_secret_of_a_knowledge_base_is_refused_in_the_file_and_for_a_name_that_is_not_declared(
    tmp_path: Path,
) -> None:
    message = refusal(tmp_path, f"{HANDBOOK}    git_token: {SECRET}\n")
    assert "set it in the environment as ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__GIT_TOKEN" in message
    unknown = refusal(tmp_path, HANDBOOK, ZHIWEN_KNOWLEDGE_BASES__OTHER__GIT_TOKEN=SECRET)
    assert "declares no knowledge base other" in unknown
    assert "declared in the configuration file" in refusal(
        tmp_path, HANDBOOK, ZHIWEN_KNOWLEDGE_BASES__HR_HANDBOOK__PATH="docs"
    )


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        ("github", "https://git.example.com/a/b/blob/{commit}/my%20docs/{source}?plain=1#L{line}-L{end_line}"),
        ("gitlab", "https://git.example.com/a/b/-/blob/{commit}/my%20docs/{source}?plain=1#L{line}-{end_line}"),
        (
            "gitea",
            "https://git.example.com/a/b/src/commit/{commit}/my%20docs/{source}?display=source#L{line}-L{end_line}",
        ),
    ],
)
@pytest.mark.parametrize("url", ["https://git.example.com/a/b.git", "git@git.example.com:a/b.git"])
def test_each_forge_has_addresses_of_its_own(forge: str, expected: str, url: str) -> None:
    assert forge_template(forge, url, "my docs") == expected
