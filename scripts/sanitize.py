"""Runs the tests on a part in C that watches itself, by gcc's sanitizers.

It compiles the C files once more with AddressSanitizer and UndefinedBehaviorSanitizer, into a copy
of the source that goes when this ends, and starts pytest on that copy. The first time that
this code touches memory that was freed or never asked for, or does what C leaves undefined, the
run ends with a report of where that was. What Python itself does is not watched.

    python scripts/sanitize.py [pytest's arguments]

Needs gcc with its sanitizers (Debian and Ubuntu: `apt-get install gcc libc6-dev`). The exit
status is pytest's, or 1 if nothing could be compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
TESTS = ("tests/core", "tests/blinker")
# They wait for memory to be used again, which AddressSanitizer puts off to see who still uses it.
LEFT_OUT = (
    "tests/core/test_threads.py::test_a_new_sender_is_not_taken_for_a_dead_one_at_its_address",
    "tests/core/test_c_part.py::test_a_signal_in_the_memory_of_a_dead_one_is_a_new_one",
)
FLAGS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",  # Otherwise undefined behaviour is told, and passes.
    "-fno-omit-frame-pointer",
    *("-g", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra"),
)
# Python gives out initializers without all members, and functions under another type, itself.
PYTHON_DOES = ("-Wno-missing-field-initializers", "-Wno-cast-function-type")
ENVIRONMENT = {
    # Python leaves much allocated when it ends; tests/core/test_drift.py is about what is lost.
    "ASAN_OPTIONS": "detect_leaks=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # Python's own allocator would hand out what was freed without the sanitizer's knowledge.
    "PYTHONMALLOC": "malloc",
}
IN_USE = "import heliograph as it; print(it.__file__, it.implementation)"


def main(arguments: list[str]) -> int:
    """Compile, then test; return the exit status."""
    runtime = sanitizer()
    if runtime is None:
        print("No gcc with AddressSanitizer was found. On Debian: apt-get install gcc libc6-dev")
        return 1
    with TemporaryDirectory() as folder:
        source = Path(folder, "src")
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("*.so", "*.egg-info"))
        compile_in(source / "heliograph" / "core")
        environment = os.environ | ENVIRONMENT
        environment |= {"LD_PRELOAD": str(runtime), "PYTHONPATH": str(source)}
        refuse_another(source, environment)
        # Otherwise pytest keeps what is reported to itself, and ends with it.
        options = ("--capture=sys", *(f"--deselect={it}" for it in LEFT_OUT))
        command = [sys.executable, "-m", "pytest", *options, *(arguments or TESTS)]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def sanitizer() -> Path | None:
    """Return the library that has to be loaded before a Python that was built without it."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    command = [gcc, "-print-file-name=libasan.so"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    # Without one, gcc gives back the bare name.
    return Path(said).resolve() if Path(said).is_absolute() else None


def compile_in(folder: Path) -> None:
    """Compile the part in C where it is."""
    gcc = shutil.which("gcc") or "gcc"
    made = folder / "sending" / f"_dispatch{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    files = [*map(str, sorted(folder.glob("*/*.c"))), "-o", str(made)]
    subprocess.run([gcc, *FLAGS, *PYTHON_DOES, "-isystem", include, *files], check=True)


def refuse_another(source: Path, environment: dict[str, str]) -> None:
    """Stop if the tests would run on anything else, and so prove nothing."""
    command = [sys.executable, "-c", IN_USE]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    if run.stdout.split() != [str(source / "heliograph" / "__init__.py"), "c"]:
        sys.exit(f"Not what was compiled is in use, but {run.stdout}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
