"""Look up known vulnerabilities of the locked dependencies in the OSV database, with pip-audit.

The exit status is 1 if there are any. If the database cannot be reached, the status is 0 and one line says that the
look-up was skipped: a machine without a network must not fail, and its log must not look like a clean audit.
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
"""ID of a finding that does not affect zhiwen → why not."""


def main(url: str = OSV_URL) -> int:
    """Audit constraints.txt against the database at `url`; return the exit status."""
    problem = reason_unreachable(url)
    if problem:
        print(f"vulnerabilities: skipped, {url} cannot be reached ({problem})")
        return 0
    root = Path(__file__).parents[1]
    options = ["--vulnerability-service", "osv", "--osv-url", url, "--progress-spinner", "off"]
    ignored = [word for finding in IGNORED for word in ("--ignore-vuln", finding)]
    pinned = ["--requirement", str(root / "constraints.txt"), "--no-deps", "--disable-pip"]
    command = [str(Path(sys.executable).with_name("pip-audit")), *options, *ignored, *pinned]
    try:
        return subprocess.run(command, check=False, timeout=LOOKUP_SECONDS).returncode  # noqa: S603  (our own arguments)
    except subprocess.TimeoutExpired:
        print(f"vulnerabilities: skipped, {url} did not answer within {LOOKUP_SECONDS} s")
        return 0


def reason_unreachable(url: str) -> str:
    """Why the database at `url` cannot be reached. Empty if it can."""
    request = Request(url, data=b"{}", headers={"Content-Type": "application/json"})  # noqa: S310  (http or https)
    try:
        with urlopen(request, timeout=REACH_SECONDS):  # noqa: S310
            return ""
    except HTTPError:
        return ""  # the server answers, even if it rejects an empty query
    except (URLError, OSError) as error:
        return str(getattr(error, "reason", error))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
