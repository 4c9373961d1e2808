"""What a release is asked before it goes out: its names agree, and its files are what they say."""

from __future__ import annotations

import re
from email.parser import Parser
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from scripts import checking, release
from tests.packaging.building import ROOT, build_wheel, install

if TYPE_CHECKING:
    from pathlib import Path

WHERE = "https://forge.example/heliograph/heliograph"
READY = "# Changelog\n\n## 0.2.0 - 2030-12-31\n\n### Added\n\n## 0.1.0 - 2030-01-31\n"


def test_a_release_is_ready_if_version_tag_and_changelog_agree() -> None:
    """Then nothing is in its way."""
    assert release.obstacles("0.2.0", "v0.2.0", READY, [], WHERE) == []


@pytest.mark.parametrize(
    ("version", "tag", "changelog", "changed", "where", "said"),
    [
        ("0.2.0", "v0.3.0", READY, [], WHERE, "The tag is v0.3.0"),
        ("0.3.0", "v0.3.0", READY, [], WHERE, "CHANGELOG.md begins with 0.2.0"),
        (
            "0.2.0",
            "v0.2.0",
            "## 0.2.0 - unreleased\n",
            [],
            WHERE,
            "The top version of CHANGELOG.md",
        ),
        ("0.2.0", "v0.2.0", READY, ["setup.py"], WHERE, "Not committed: setup.py"),
        ("0.2.0", "v0.2.0", READY, [], "", "Nobody knows where the project is"),
    ],
)
def test_what_is_in_the_way_of_a_release_is_named(
    version: str, tag: str, changelog: str, changed: list[str], where: str, said: str
) -> None:
    """Each alone, with what to do."""
    (found,) = release.obstacles(version, tag, changelog, changed, where)

    assert found.startswith(said)


@pytest.mark.parametrize(
    ("tag", "files", "wrong"),
    [
        ("cp313-cp313-linux_x86_64", ["_dispatch.cpython-313-x86_64-linux-gnu.so"], []),
        ("cp313-cp313-macosx_11_0_arm64", ["_dispatch.cpython-313-darwin.so"], []),
        ("cp313-cp313-win_amd64", ["_dispatch.cp313-win_amd64.pyd"], []),
        ("py3-none-any", ["signal.py"], []),
        ("cp313-cp313-linux_x86_64", ["signal.py"], ["the part in C is missing"]),
        (
            "cp313-cp313-linux_x86_64",
            ["_dispatch.abi3.so"],
            ["_dispatch.abi3.so is not for cp313"],
        ),
        (
            "cp313-cp313t-linux_x86_64",
            ["_dispatch.cpython-313-x86_64-linux-gnu.so"],
            ["_dispatch.cpython-313-x86_64-linux-gnu.so is not for cp313t"],
        ),
        (
            "py3-none-any",
            ["_dispatch.cp313-win_amd64.pyd"],
            ["_dispatch.cp313-win_amd64.pyd is compiled, and the wheel is for all"],
        ),
    ],
)
def test_a_wheel_has_what_its_name_says(
    tag: str, files: list[str], wrong: list[str], tmp_path: Path
) -> None:
    """A part in C that another Python could load by mistake is found before users find it."""
    wheel = tmp_path / f"heliograph-0.1.0-{tag}.whl"
    with ZipFile(wheel, "w") as archive:
        for name in files:
            archive.writestr(name, "")

    assert checking.disagreements(wheel) == wrong


def test_links_of_the_readme_lead_somewhere_from_an_index_too(sdist: Path, tmp_path: Path) -> None:
    """To the pages and pictures of this version, at the address that the release is made at."""
    wheel = build_wheel(sdist, tmp_path, HELIOGRAPH_PURE="1", HELIOGRAPH_REPOSITORY=f"{WHERE}/")
    about = f"{sdist.name.removesuffix('.tar.gz')}.dist-info/METADATA"
    with ZipFile(wheel) as archive:
        told = Parser().parsestr(archive.read(about).decode())
    readme = str(told.get_payload())
    urls = dict(it.split(", ") for it in told.get_all("Project-URL", []))

    assert set(urls) == {"Changelog", "Documentation", "Issues", "Source"}
    assert all(it.startswith(WHERE) for it in urls.values())
    tag = f"v{told['Version']}"
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", readme)
    ours = [(image, it) for image, it in links if it.startswith(WHERE)]
    for image, link in ours:
        kind, at, path = link.removeprefix(f"{WHERE}/").split("/", 2)
        assert (kind, at) == ("raw" if image else "blob", tag)
        assert (ROOT / path.partition("#")[0]).exists(), link
    assert {image for image, _ in ours} == {"", "!"}
    assert all(it.startswith(("https:", "#")) for _, it in links)


def test_an_address_that_is_none_is_refused(sdist: Path, tmp_path: Path) -> None:
    """Before anything is built: on an index, a link that leads nowhere stays there for good."""
    said = install(sdist, tmp_path / "inside", fails=True, HELIOGRAPH_REPOSITORY="heliograph")

    assert "HELIOGRAPH_REPOSITORY=heliograph is no address of a repository" in said
