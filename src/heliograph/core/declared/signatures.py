"""Signatures of callables, with annotations as they are written: none of them is evaluated."""

from __future__ import annotations

import inspect
import sys

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any


class AsWritten:
    """Stands for what is shown without quotes: a text that is an annotation, or a default."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_of(call: Callable[..., Any]) -> Signature:
    """Return the signature of a callable.

    Raises:
        TypeError: If it has none.
        ValueError: If it does not tell, as some that are written in C.
    """
    if sys.version_info >= (3, 14):  # pragma: no cover - where annotations are evaluated late.
        from annotationlib import Format

        return inspect.signature(call, annotation_format=Format.STRING)
    return inspect.signature(call)


def takes_extra(receiver: Callable[..., Any]) -> bool:
    """Tell whether a receiver takes arguments that it does not name, or does not tell."""
    try:
        parameters = signature_of(receiver).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(it.kind is it.VAR_KEYWORD for it in parameters)


def annotation_text(annotation: object) -> str:
    """Return an annotation as it is written in the source, or nothing where there is none."""
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        return annotation.__qualname__
    return inspect.formatannotation(annotation)


def signature_text(signature: Signature) -> str:
    """Return the parameters of a signature as they are written in the source."""
    parameters = [
        it
        if it.annotation is it.empty
        else it.replace(annotation=AsWritten(annotation_text(it.annotation)))
        for it in signature.parameters.values()
    ]
    return str(inspect.Signature(parameters))
