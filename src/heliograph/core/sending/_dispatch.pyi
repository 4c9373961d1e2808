from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

class Send:
    def __init__(
        self,
        in_python: Callable[..., Any],
        finish: Callable[..., Any],
        pending_changes: deque[Any],
        at_once: tuple[type[Exception], ...],
        registry: type,
        group: type,
        connection: type,
        snapshot: type,
        receiver_ref: type,
        method_ref: type,
        tellers: dict[Any, None],
        inside: ContextVar[Any],
        end_watching: Callable[..., Any],
        outlive: Callable[..., Any],
        whoever_runs: Callable[[], Any],
        switch_off: Callable[..., Any],
        watchers: type,
        place: type,
        emission: type,
        delivery: type,
        innermost_block: ContextVar[Any],
        scope: type,
        deliveries: Callable[[Any], Any],
        unfinished: type,
    ) -> None: ...
    def deliveries_of(self, emission: Any) -> tuple[Any, ...]: ...
    def __call__(self, signal: Any, sender: Any = None, /, **payload: Any) -> Any: ...

class Notes:
    def payload(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...

class Question:
    def __init__(
        self,
        engine: Send,
        in_python: Callable[..., Any],
        due: Callable[..., Any] | None = None,
    ) -> None: ...
    def __call__(self, signal: Any, sender: Any, /) -> Any: ...

class Anyone:
    reads_as: tuple[Send]
    registry: Any
    def __init__(self, registry: Any) -> None: ...
    def __bool__(self) -> bool: ...

class Noop:
    def __init__(
        self,
        value: object,
        registry: type,
        registries: tuple[Any, ...],
        otherwise: Callable[..., Any] | None = None,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
