"""Writes the signals of a program as declarations: a module to be reviewed."""

from __future__ import annotations

import re
from keyword import iskeyword
from textwrap import wrap
from typing import TYPE_CHECKING

from heliograph.inspector.migration.modules import shown_place
from heliograph.inspector.migration.payloads import arguments_of, sender_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph.inspector.migration.annotations import TypeText
    from heliograph.inspector.migration.payloads import Argument
    from heliograph.inspector.migration.reading import Found, FoundSend, FoundSignal

_WIDTH = 100
_TAKEN = ("annotations", "default_namespace", "Any", "Namespace", "TYPE_CHECKING")
_FEW = 3


def declarations(found: Found, title: str) -> str:
    """Return a module that declares the signals of a program.

    Args:
        found: The signals.
        title: What the program is called, as the user wrote it.
    """
    return _Module(found, title).text()


class _Module:
    def __init__(self, found: Found, title: str) -> None:
        self._found = found
        self._title = title
        self._taken: set[str] = set(_TAKEN)
        self._typed: dict[str, str] = {}
        self._needs = set[str]()

    def text(self) -> str:
        groups: dict[str, list[FoundSignal]] = {}
        for it in self._found.signals:
            groups.setdefault(_group_of(it), []).append(it)
        # Before any type is imported, as a type may give way to a variable.
        namespaces = {key: self._namespace(key, its[0]) for key, its in groups.items()}
        named = [[(self._fresh(_identifier(it)), it) for it in its] for its in groups.values()]
        parts = []
        for (variable, made), its in zip(namespaces.values(), named, strict=True):
            parts += [made] if made else []
            parts += [self._declared(variable, name, it) for name, it in its]
        parts += list(self._left())
        return "\n\n\n".join([self._head(), *parts]) + "\n"

    def _fresh(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name

    def _namespace(self, key: str, first: FoundSignal) -> tuple[str, str]:
        """Return the variable of a namespace, and the line that makes it."""
        group = first.made.group
        if group is not None and not group.path:
            self._needs.add("default_namespace")
            return "default_namespace", ""
        self._needs.add("Namespace")
        module = key.rpartition(".")[0] if group else key
        called = module.removesuffix(".signals") or module
        last = key.rpartition(".")[2] if group else called.replace(".", "_")
        variable = self._fresh(last if last.isidentifier() else "signals")
        place = f"# In place of the one that is made at {group.place}.\n" if group else ""
        return variable, f'{place}{variable} = Namespace("{called}")'

    def _declared(self, namespace: str, name: str, signal: FoundSignal) -> str:
        own = signal.made.name if signal.made.group else name
        how = "declare" if own == name else f"declare(name={own!r})".replace("'", '"')
        read = {it.place for it in signal.sends if it.by}
        told = [it for it in signal.sends if it.by or it.unread or it.place not in read]
        lines = [f"# Made at {signal.place}.", *map(_told, told)]
        arguments = arguments_of(signal)
        out = [it.name for it in arguments if it.left_out]
        lines += [f"# Some sends leave out {_listed(out)}."] if out else []
        lines += [f"@{namespace}.{how}", self._signature(name, signal, arguments)]
        return "\n".join([*dict.fromkeys(lines), _docstring(_said_of(signal))])

    def _signature(self, name: str, signal: FoundSignal, arguments: Sequence[Argument]) -> str:
        parts = [f"sender: {self._type(sender_of(signal))}", *(["*"] if arguments else [])]
        parts += [
            f"{it.name}: {self._type(it.type)}{' = ...' if it.left_out else ''}" for it in arguments
        ]
        line = f"def {name}({', '.join(parts)}) -> None:"
        if len(line) <= _WIDTH:
            return line
        return "\n".join([f"def {name}(", *(f"    {it}," for it in parts), ") -> None:"])

    def _type(self, kind: TypeText | None) -> str:
        """Return an annotation; a name that means something else here already gives way."""
        imports = () if kind is None else sorted(kind.imports)
        fits = all(
            name not in self._taken and self._typed.get(name, module) == module
            for module, name in imports
        )
        text = kind.text if kind is not None and fits else "Any"
        if fits:
            self._typed |= {name: module for module, name in imports}
        if re.search(r"\bAny\b", text):
            self._needs.add("Any")
        return text

    def _head(self) -> str:
        typing = [*(["TYPE_CHECKING"] if self._typed else []), *({"Any"} & self._needs)]
        ours = sorted({"Namespace", "default_namespace"} & self._needs)
        parts = [_head_of(self._title), "from __future__ import annotations"]
        parts += [f"from typing import {', '.join(typing)}"] if typing else []
        parts += [f"from heliograph import {', '.join(ours)}"]
        if self._typed:
            # A module that sends may import this one: at run time there shall be no circle.
            by_module: dict[str, list[str]] = {}
            for name, module in sorted(self._typed.items()):
                by_module.setdefault(module, []).append(name)
            imports = [f"from {it} import {', '.join(by_module[it])}" for it in sorted(by_module)]
            parts.append("\n    ".join(["if TYPE_CHECKING:", *imports]))
        return "\n\n".join(parts)

    def _left(self) -> Iterator[str]:
        found = self._found
        notes = [f"{it} makes a signal whose name only a run tells." for it in found.unnamed]
        notes += [f"{it} makes a signal with each call." for it in found.fleeting]
        notes += [f"{it} cannot be read." for it in map(shown_place, map(str, found.unread))]
        if notes:
            yield "\n".join(["# Not declared here:", *(f"# - {it}" for it in notes)])


def _head_of(title: str) -> str:
    return (
        f'"""The signals of {title}: `heliograph migrate` wrote these declarations for review.\n'
        "\n"
        "Compare each with the places that are named above it, and say when the signal is sent.\n"
        '"""'
    )


def _group_of(signal: FoundSignal) -> str:
    """Return what its namespace is known by: without one, its module has one for all."""
    group = signal.made.group
    return signal.module if group is None else group.path


def _identifier(signal: FoundSignal) -> str:
    name = signal.variable or re.sub(r"\W", "_", signal.made.name)
    if not name.isidentifier() or iskeyword(name):
        name = f"signal_{name}"
    return name


def _told(send: FoundSend) -> str:
    if not send.unread:
        return f"# Sent at {send.place}{'' if send.by else ', as a run has shown'}."
    if send.seen and send.by:
        return f"# Sent at {send.place} with {send.unread}: declared is what a run has shown."
    return (
        f"# Sent at {send.place} with {send.unread}, which the source does not show: add it here."
    )


def _said_of(signal: FoundSignal) -> str:
    if signal.doc:
        return signal.doc
    by = [*dict.fromkeys(it.by for it in signal.sends if it.by)]
    if not signal.sends:
        return "Nothing that was read sends it."
    if not by:
        return "Sent in a run."
    few = by if len(by) <= _FEW else [*by[: _FEW - 1], f"{len(by) - _FEW + 1} more"]
    return f"Sent by {_listed(few)}."


def _listed(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def _docstring(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', "'" if '"""' in text else '"').removesuffix('"')
    first, *rest = wrap(text, _WIDTH - 10, break_long_words=False) or ["-"]
    if not rest:
        return f'    """{first}"""'
    return "\n".join([f'    """{first}', *(f"    {it}" for it in rest), '    """'])
