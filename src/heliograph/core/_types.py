"""Types of payloads and receivers, for type checkers. None of them exists at run time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, Protocol, TypeVar, overload

    from typing_extensions import ParamSpec as ParamSpecWithDefault
    from typing_extensions import TypeVar as TypeVarWithDefault

    # The arguments of a send, with the sender. A signal made by name accepts any arguments.
    P = ParamSpecWithDefault("P", default=...)
    Q = ParamSpec("Q")
    R = ParamSpecWithDefault("R", default=...)
    S = TypeVar("S")
    T = TypeVarWithDefault("T", default=Any)
    T_co = TypeVarWithDefault("T_co", covariant=True, default=Any)
    F = TypeVar("F", bound=Callable[..., Any])

    class Undeclared:
        """It is never sent: only the P of a signal that accepts any arguments allows it."""

    class Receiver(Protocol[Q, R, T_co]):
        """A receiver that accepts the arguments Q, and whose own type is ``Callable[R, T_co]``.

        Python has no intersection of types, but a value that is assignable to overloads is
        assignable to each of them: here the first is checked, and the second inferred.
        """

        @overload
        def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> Any: ...
        @overload
        def __call__(self, *args: R.args, **kwargs: R.kwargs) -> T_co: ...

    class Connecting(Protocol[Q]):
        """A decorator that connects receivers to a signal, and returns them as they are."""

        @overload
        def __call__(self: Connecting[[Undeclared]], receiver: F, /) -> F: ...
        @overload
        def __call__(self, receiver: Receiver[Q, R, T], /) -> Callable[R, T]: ...
