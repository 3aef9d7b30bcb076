"""Print the section of CHANGELOG.md for a tag such as v0.2.0.

The status is 1 if the tag is not the version of pyproject.toml, or if the version has no dated section.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(tag: str) -> None:
    """Print the notes; end with a message if there are none."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if tag != f"v{version}":
        sys.exit(f"the tag {tag} is not that of the version in pyproject.toml, which is v{version}")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not section:
        sys.exit(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
    print(section[1].strip())


if __name__ == "__main__":
    main(sys.argv[1])
