"""Known vulnerabilities of the locked dependencies, as pip-audit knows them from the OSV database.

Exit status 1 if there are any. Where the database cannot be reached, one line says that nothing was looked up, and the
status is 0: a machine without a network must not fail for it, and must not seem to have looked.
"""

import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

OSV_URL = "https://api.osv.dev/v1/query"
REACH_SECONDS = 5
LOOKUP_SECONDS = 300

IGNORED: dict[str, str] = {}
"""Findings that do not touch us, by their ID, with the reason."""


def main(url: str) -> int:
    problem = unreachable(url)
    if problem:
        print(f"vulnerabilities: skipped, {url} cannot be reached ({problem})")
        return 0
    root = Path(__file__).parents[1]
    options = ["--vulnerability-service", "osv", "--osv-url", url, "--progress-spinner", "off"]
    ignored = [word for finding in IGNORED for word in ("--ignore-vuln", finding)]
    pinned = ["--requirement", str(root / "constraints.txt"), "--no-deps", "--disable-pip"]
    command = [str(Path(sys.executable).with_name("pip-audit")), *options, *ignored, *pinned]
    try:
        return subprocess.run(command, check=False, timeout=LOOKUP_SECONDS).returncode  # noqa: S603  (our own words)
    except subprocess.TimeoutExpired:
        print(f"vulnerabilities: skipped, {url} did not answer within {LOOKUP_SECONDS} s")
        return 0


def unreachable(url: str) -> str:
    """Why the service cannot be asked; empty if it can."""
    question = Request(url, data=b"{}", headers={"Content-Type": "application/json"})  # noqa: S310  (http or https)
    try:
        with urlopen(question, timeout=REACH_SECONDS):  # noqa: S310
            return ""
    except HTTPError:
        return ""  # an answer, if only that this is no question
    except (URLError, OSError) as error:
        return str(getattr(error, "reason", error))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [OSV_URL]))
