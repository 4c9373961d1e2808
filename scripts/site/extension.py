"""What Sphinx has to know of these pages: files outside of docs/, and names that have no page."""

from __future__ import annotations

import inspect
import os
from functools import cache
from importlib import import_module
from os.path import normpath, relpath
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import ReferencesResolver, SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

from heliograph import Namespace, Signal, __version__
from scripts.site import markdown
from scripts.site.amending import amend
from scripts.site.modules import public_modules
from scripts.site.pictures import PICTURES

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.domains.python import PythonDomain
    from sphinx.environment import BuildEnvironment

LOGGER = getLogger(__name__)

_REPOSITORY = os.environ.get("HELIOGRAPH_REPOSITORY", "").rstrip("/")
_BLOB = f"{_REPOSITORY}/blob/v{__version__}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with the events of a build."""
    app.add_directive("picture", Picture)
    app.add_directive("signals-of", SignalsOf)
    app.connect("autodoc-process-docstring", leave_out_words_for_tools)
    app.connect("autodoc-process-signature", show_arguments)
    app.connect("build-finished", amend)
    app.connect("env-check-consistency", look_for_missing_names)
    app.connect("source-read", show_whole_files)
    app.connect("missing-reference", resolve)
    app.add_post_transform(NamesOfThisModule)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# --- files outside of docs/ --------------------------------------------------------------


@cache
def pages() -> dict[Path, Path]:
    """Return which page of the site shows a file."""
    return {markdown.origin_of(it): it for it in markdown.DOCS.rglob("*.md")}


def show_whole_files(app: Sphinx, name: str, source: list[str]) -> None:
    """Let pages stand for files outside of docs/, and links lead to such pages."""
    page = Path(app.env.doc2path(name))
    origin = markdown.origin_of(page)
    text = origin.read_text(encoding="utf-8") if origin != page else source[0]

    def change(target: str) -> str | None:
        path, mark, anchor = target.partition("#")
        if not path or markdown.is_outside(target):
            return target
        file = Path(normpath(origin.parent / path))
        shown = pages().get(file) or pages().get(file / "README.md")
        if shown is not None:
            return Path(relpath(shown, page.parent)).as_posix() + mark + anchor
        if file.is_relative_to(markdown.DOCS):
            return Path(relpath(file, page.parent)).as_posix()
        # What the site has no page for is in the repository, if anybody has said where that is.
        return f"{_BLOB}/{file.relative_to(markdown.ROOT).as_posix()}" if _REPOSITORY else None

    source[0] = markdown.directed(markdown.relinked(text, change))


# --- pictures ----------------------------------------------------------------------------


class Picture(SphinxDirective):
    """Shows a picture that the build draws from a run."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        draw = PICTURES.get(self.arguments[0])
        if draw is None:
            msg = f"There is no picture {self.arguments[0]!r}: {', '.join(PICTURES)}."
            raise self.error(msg)
        return [nodes.raw("", draw(), format="html")]


# --- the reference -----------------------------------------------------------------------


class SignalsOf(SphinxDirective):
    """Documents the signals and the namespaces that a module has, each as a variable."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write an entry for each, in the order of the module."""
        module = import_module(self.arguments[0])
        lines = []
        for name in module.__all__:
            it = getattr(module, name)
            if isinstance(it, (Signal, Namespace)):
                lines += [f".. py:data:: {name}", f"   :type: {type(it).__name__}", ""]
                said = it.__doc__ if isinstance(it, Signal) else "The namespace of the signals."
                lines += [f"   {line}".rstrip() for line in (said or "").splitlines()]
                lines.append("")
        entries: list[nodes.Node] = self.parse_text_to_nodes("\n".join(lines))
        return entries


def leave_out_words_for_tools(
    _app: Sphinx, _what: str, _name: str, _it: object, _options: object, lines: list[str]
) -> None:
    """Leave out what a docstring says to pytest."""
    lines[:] = [it for it in lines if "PYTEST_DONT_REWRITE" not in it]


def show_arguments(
    _app: Sphinx, what: str, _name: str, it: object, _options: object, given: str | None, _: object
) -> tuple[str, None] | None:
    """Leave out what a class is made with where its docstring tells nothing of it.

    Users get such objects and make none of them.
    """
    if given and what == "class" and "\nArgs:" not in (inspect.getdoc(it) or ""):
        return "", None
    return None


def look_for_missing_names(_app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of public names that no page of the reference has."""
    known = env.domains.python_domain.objects
    for module in public_modules():
        for name in getattr(import_module(module), "__all__", ()):
            if f"{module}.{name}" not in known:
                LOGGER.warning("%s.%s is public and has no entry", module, name, type="names")


# --- names -------------------------------------------------------------------------------


@cache
def documented(domain: PythonDomain) -> dict[str, str]:
    """Return where the reference has a name, for names without their module."""
    known = dict[str, list[str]]()
    for name in domain.objects:
        module, _, last = name.rpartition(".")
        if module in domain.modules:
            known.setdefault(last, []).append(name)
    # Where a name is in several modules, that of the front door is meant, or nobody knows.
    door = {it: f"heliograph.{it}" for it in known if f"heliograph.{it}" in domain.objects}
    return {it: names[0] for it, names in known.items() if len(names) == 1} | door


class NamesOfThisModule(SphinxPostTransform):
    """Lets `Signal` be that of the module that is documented, wherever else one is called so."""

    default_priority = ReferencesResolver.default_priority - 1

    def run(self, **_: object) -> None:
        """Take away what lets Python's domain look for a name in all modules."""
        for node in self.document.findall(pending_xref):
            if node.get("refdomain") == "py":
                node.attributes.pop("refspecific", None)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.Node | None:
    """Link names in signatures and docstrings to their page; leave other packages' names as text.

    Python's own names and those of other packages have no page here. Names in the pages
    themselves are written by hand, and those without a page fail the build.
    """
    target: str = node.get("reftarget", "")
    if node.get("refdomain") != "py" or node.get("reftype") not in {"class", "obj", "exc"}:
        return None
    module: str = node.get("py:module") or "heliograph"
    domain = env.domains.python_domain
    head, _, rest = target.partition(".")
    known = documented(domain)
    candidates = [f"{module}.{target}", f"heliograph.{target}"]
    if head in known:
        candidates.append(known[head] + (f".{rest}" if rest else ""))
    for name in candidates:
        if name in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, text)
    return text
