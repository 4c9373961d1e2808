"""Makes a folder with the Pythons of Debian's unstable suite, and commands that run inside of it.

Nothing of the machine changes: debootstrap fills the folder, and what is mounted for a command is
mounted for that command alone. Mirror and keyring are those of the machine's own apt. It takes
root on Debian, some minutes, and 900 MB.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

PYTHONS = ("3.14", "3.15")
"""The packages to install there, if the machine does not have them."""

SUITE = "sid"
APT = Path("/etc/apt")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
"""The keyring of an apt whose sources name none."""
COPIED = ("etc/pip.conf", "etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
"""The settings of pip, so that it uses the same index as outside."""

# /dev is there for pseudo-terminals. The mounts are seen by this command alone, and end with it.
INSIDE = """
set -e
root=$1 work=$2 cwd=$3
shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root$work"
mount --bind "$work" "$root$work"
exec chroot "$root" env -C "$cwd" "$@"
"""


class CannotMakeError(Exception):
    """The folder cannot be made or used here, and the rest can go on."""


def inside(root: Path, work: Path, cwd: Path, *command: str | Path) -> list[str]:
    """Return the command that runs *command* in the folder, where *work* is in its usual place."""
    start = ("unshare", "--mount", "sh", "-c", INSIDE, "sh")
    return [*start, *map(str, (root, work, cwd, *command))]


def make(root: Path) -> None:
    """Make the folder, unless it is there.

    Raises:
        CannotMakeError: if this is not Debian, or this user may not.
    """
    refuse_elsewhere()
    if not all((root / f"usr/bin/python{version}").exists() for version in PYTHONS):
        # Under another name until it is whole, so that half of one is never taken for it.
        part = root.with_name(f"{root.name}.part")
        if part.exists():
            msg = f"an earlier run has left {part}: see that nothing runs in it, and remove it"
            raise CannotMakeError(msg)
        fill(part)
        part.rename(root)
    for name in COPIED:
        if Path("/", name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(f"/{name}", root / name)


def refuse_elsewhere() -> None:
    """Tell why the folder cannot be made here."""
    if not (APT / "sources.list.d").is_dir() or "\nID=debian\n" not in about_system():
        msg = "they come from Debian's unstable suite, and this is not Debian"
        raise CannotMakeError(msg)
    if os.geteuid() != 0 or not may_mount():
        msg = "their folder takes root and the right to mount (unshare --mount)"
        raise CannotMakeError(msg)


def may_mount() -> bool:
    """Try it, as a container may forbid it to root too."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None and not subprocess.run([unshare, "-m", "true"], check=False).returncode
    )


def about_system() -> str:
    """Return what the system says of itself."""
    path = Path("/etc/os-release")
    return f"\n{path.read_text(encoding='utf-8')}\n" if path.is_file() else ""


def fill(root: Path) -> None:
    """Install a small Debian with the Pythons, and what compiles for them, into the folder."""
    mirror, keyring = source()
    packages = ["ca-certificates", "gcc", "git", "libc6-dev", "make"]
    for version in PYTHONS:
        packages += [f"python{version}", f"python{version}-venv", f"python{version}-dev"]
    options = ("--variant=minbase", f"--keyring={keyring}", f"--include={','.join(packages)}")
    root.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as tools:
        program, env = debootstrap(Path(tools))
        run(program, *options, SUITE, str(root), mirror, env=env)


def debootstrap(tools: Path) -> tuple[str, dict[str, str]]:
    """Return the program and its environment; one that is not installed is only unpacked."""
    if found := shutil.which("debootstrap"):
        return found, dict(os.environ)
    run("apt-get", "-qq", "update")
    run("apt-get", "-qq", "download", "debootstrap", cwd=tools)
    (package,) = tools.glob("debootstrap_*.deb")
    run("dpkg-deb", "-x", str(package), str(tools))
    parts = tools / "usr/share/debootstrap"
    return str(tools / "usr/sbin/debootstrap"), os.environ | {"DEBOOTSTRAP_DIR": str(parts)}


def source() -> tuple[str, str]:
    """Return the first mirror that the machine's apt asks, and the keyring that it trusts."""
    files = [*sorted(APT.glob("sources.list.d/*.sources")), APT / "sources.list"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    mirror = re.search(r"^(?:URIs:\s*|deb\s+(?:\[.*?\]\s+)?)(\S+)", text, re.MULTILINE)
    if mirror is None:
        msg = f"no mirror is named in {APT}"
        raise CannotMakeError(msg)
    keyring = re.search(r"signed-by[:=]\s*(/[^\s\],]+)", text, re.IGNORECASE)
    return mirror[1], keyring[1] if keyring else KEYRING


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command, and show what it said only if it failed."""
    told = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False
    )
    if told.returncode:
        last = "\n".join((told.stdout + told.stderr).strip().splitlines()[-5:])
        msg = f"{Path(command[0]).name} has failed: {last}"
        raise CannotMakeError(msg)
