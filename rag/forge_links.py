"""The addresses at which forges show the lines of a file at a commit."""

import re
from urllib.parse import quote, urlsplit

_PAGES = {
    # In the rendered Markdown there are no lines.
    "github": "/blob/{{commit}}/{path}?plain=1#L{{line}}-L{{end_line}}",
    "gitlab": "/-/blob/{{commit}}/{path}?plain=1#L{{line}}-{{end_line}}",
    "gitea": "/src/commit/{{commit}}/{path}?display=source#L{{line}}-L{{end_line}}",
}
_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)/?(.+)")


def forge_template(forge: str, url: str, folder: str) -> str:
    """Return a `url_template` for the documents in a folder of a repository; "" if `forge` is, or for a local one.

    >>> forge_template("github", "git@github.com:acme/handbook.git", "docs")
    'https://github.com/acme/handbook/blob/{commit}/docs/{source}?plain=1#L{line}-L{end_line}'
    """
    page = web_page(url)
    if not forge or not page:
        return ""
    path = f"{quote(folder)}/{{source}}" if folder else "{source}"
    return page.replace("{", "{{").replace("}", "}}") + _PAGES[forge].format(path=path)


def web_page(url: str) -> str:
    """Return the page of a repository on its forge, "" for a local one.

    >>> web_page("ssh://git@git.example.com:2222/acme/handbook.git"), web_page("http://localhost:3000/acme/handbook/")
    ('https://git.example.com/acme/handbook', 'http://localhost:3000/acme/handbook')
    """
    if scp := _SCP.fullmatch(url):
        return f"https://{scp[1]}/{_repository(scp[2])}"
    parts = urlsplit(url)
    if parts.scheme in ("https", "http"):
        return f"{parts.scheme}://{parts.netloc}/{_repository(parts.path)}"
    return f"https://{parts.hostname}/{_repository(parts.path)}" if parts.scheme == "ssh" else ""


def _repository(path: str) -> str:
    return quote(path.strip("/").removesuffix(".git"), safe="/%~")
