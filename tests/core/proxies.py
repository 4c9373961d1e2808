"""A proxy that stands for another object, as Werkzeug's do, and is made of nothing but that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Proxy:
    """Stands for what *look_up* returns now; what that raises says that it is unbound."""

    def __init__(self, look_up: Callable[[], Any]) -> None:
        self._look_up = look_up

    def _get_current_object(self) -> Any:
        return self._look_up()
