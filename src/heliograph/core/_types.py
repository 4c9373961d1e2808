"""What type checkers are told of payloads and receivers. Nothing of it is there at run time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, Protocol, TypeVar, overload

    from typing_extensions import ParamSpec as ParamSpecWithDefault
    from typing_extensions import TypeVar as TypeVarWithDefault

    # How a signal is sent, sender included; one that is made by name can be sent in any way.
    P = ParamSpecWithDefault("P", default=...)
    Q = ParamSpec("Q")
    R = ParamSpecWithDefault("R", default=...)
    S = TypeVar("S")
    T = TypeVarWithDefault("T", default=Any)
    T_co = TypeVarWithDefault("T_co", covariant=True, default=Any)
    F = TypeVar("F", bound=Callable[..., Any])

    class Undeclared:
        """Nobody sends this: only a signal that can be sent in any way takes it for its P."""

    class Receiver(Protocol[Q, R, T_co]):
        """A receiver that takes what Q says, and whose own type is ``Callable[R, T_co]``.

        Python has no intersection of types, but what is assignable to overloads is assignable
        to each of them: here the first one is checked, and the second one inferred.
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
