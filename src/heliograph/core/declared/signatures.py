"""Signatures of callables, with annotations as they are written, not evaluated."""

from __future__ import annotations

import inspect
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from inspect import Signature
    from typing import Any


class AsWritten:
    """Stands for an annotation or a default that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_of(call: Callable[..., Any]) -> Signature:
    """Return the signature of a callable.

    Raises:
        TypeError: If it has none.
        ValueError: If it cannot be read, as that of some callables written in C.
    """
    if sys.version_info >= (3, 14):  # pragma: no cover - where annotations are evaluated late.
        from annotationlib import Format

        return inspect.signature(call, annotation_format=Format.STRING)
    return inspect.signature(call)


def annotations_of(call: Callable[..., Any]) -> dict[str, object]:
    """Return the annotations of the parameters, evaluated where possible, else as text.

    The callable must have a signature.
    """
    if sys.version_info >= (3, 14):  # pragma: no cover - where annotations are evaluated late.
        from annotationlib import Format

        # It knows the names around the function or the class, and puts a stand-in for those that
        # do not exist yet.
        return _annotations(inspect.signature(call, annotation_format=Format.FORWARDREF))
    return _annotations(inspect.signature(call))


def own_annotations(cls: type) -> Mapping[str, object]:
    """Return the annotations of the class itself; callers use only the names."""
    if sys.version_info >= (3, 14):  # pragma: no cover - where annotations are evaluated late.
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.STRING)
    return inspect.get_annotations(cls)


def _annotations(signature: Signature) -> dict[str, object]:
    return {it.name: it.annotation for it in signature.parameters.values()}


def told_signature(receiver: Callable[..., Any]) -> Signature | None:
    """Return the signature of a receiver, or None if it cannot be read.

    The receiver may be written in C, or be an unbound proxy: an error in reading its signature
    is no reason to refuse it.
    """
    try:
        return signature_of(receiver)
    except Exception:  # noqa: BLE001 - see the docstring.
        return None


def takes_extra(receiver: Callable[..., Any]) -> bool:
    """Tell whether a receiver has ``**extra``, or a signature that cannot be read."""
    signature = told_signature(receiver)
    if signature is None:
        return True
    return any(it.kind is it.VAR_KEYWORD for it in signature.parameters.values())


def annotation_text(annotation: object) -> str:
    """Return an annotation as it is written in the source; "" if there is none."""
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
