"""Tells whether everything is ready for the tag of a release, and builds and tests what it has.

    python -m scripts.release               # What `make release` does.
    python -m scripts.release --check --tag v0.1.0

The second form only looks; a workflow asks it before it builds what was tagged.
RELEASING.md has the steps around it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib

from scripts import dist
from scripts.interpreters import CHECKOUT


def main(arguments: list[str]) -> int:
    """Look, and build; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.release")
    parser.add_argument("--tag", help="the tag that was made, or is going to be")
    parser.add_argument("--check", action="store_true", help="only look")
    options = parser.parse_args(arguments)
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    version: str = project["project"]["version"]
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    repository = os.environ.get("HELIOGRAPH_REPOSITORY", "")
    found = obstacles(version, options.tag or f"v{version}", changelog, changes(), repository)
    for obstacle in found:
        print(obstacle, file=sys.stderr)
    if found:
        return 1
    print(f"Heliograph {version} is ready for its tag.")
    return 0 if options.check else dist.main()


def obstacles(
    version: str, tag: str, changelog: str, changed: list[str], repository: str
) -> list[str]:
    """Return what stands between a checkout and its release, each with what to do."""
    top = re.search(r"^## (\S+) - (.+)$", changelog, re.MULTILINE)
    named, day = (top[1], top[2]) if top else ("nothing", "")
    found: list[str] = []
    if tag != f"v{version}":
        found.append(f"The tag is {tag}, the version in pyproject.toml {version}: they must agree.")
    if named != version:
        found.append(f"CHANGELOG.md begins with {named}, not with {version}: change one of them.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        found.append("The top version of CHANGELOG.md has no day: write it as `- 2030-12-31`.")
    if changed:
        found.append(f"Not committed: {', '.join(changed)}. A release is made of a commit.")
    if not repository:
        found.append(
            "Nobody knows where the project is: HELIOGRAPH_REPOSITORY=https://… is the address of "
            "its repository, which links of the README lead to on an index."
        )
    return found


def changes() -> list[str]:
    """Return the files that differ from the commit."""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return [line[3:] for line in run.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
