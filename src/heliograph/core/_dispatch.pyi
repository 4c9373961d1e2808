from collections import deque
from collections.abc import Callable
from typing import Any

class Send:
    def __init__(
        self,
        in_python: Callable[..., Any],
        finish: Callable[..., Any],
        instruments: list[Any],
        waiting: deque[Any],
        at_once: tuple[type[Exception], ...],
        registry: type,
        group: type,
        connection: type,
        plan: type,
        record: type,
        method_record: type,
    ) -> None: ...
    def __call__(self, signal: Any, sender: Any = None, /, **payload: Any) -> Any: ...

class UnlessHeard:
    def __init__(
        self,
        value: object,
        registry: type,
        registries: tuple[Any, ...],
        heard: Callable[..., Any] | None = None,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
