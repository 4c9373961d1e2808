"""Receivers that write down, in one list, that they were called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Diary:
    """Makes receivers and keeps them alive; each returns its name and notes it in `lines`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.kept: list[Callable[..., Any]] = []

    def receiver(
        self,
        name: str,
        *,
        then: Callable[[], object] | None = None,
        error: BaseException | None = None,
    ) -> Callable[..., str]:
        """Return a receiver that notes *name*, does *then*, and raises *error* if there is one."""

        def receive(sender: object, **payload: object) -> str:
            self.lines.append(name)
            if then is not None:
                then()
            if error is not None:
                raise error
            return name

        self.kept.append(receive)
        return receive

    def async_receiver(
        self,
        name: str,
        *,
        then: Callable[[], object] | None = None,
        error: BaseException | None = None,
    ) -> Callable[..., Coroutine[Any, Any, str]]:
        """Return a coroutine function that does what `receiver` makes."""
        plain = self.receiver(name, then=then, error=error)

        async def receive(sender: object, **payload: object) -> str:
            return plain(sender, **payload)

        self.kept.append(receive)
        return receive
