from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import ContextVar
from typing import Any, Literal

class Send:
    def __init__(
        self,
        in_python: Callable[..., Any],
        finish: Callable[..., Any],
        is_raised: Callable[..., bool],
        dress: Callable[[Any], Any],
        explain: Callable[[Any, Any, Any], BaseException],
        pending_changes: deque[Any],
        at_once: tuple[type[Exception], ...],
        registry: type,
        group: type,
        connection: type,
        snapshot: type,
        receiver_ref: type,
        method_ref: type,
        watchers: type,
        place: type,
        innermost_block: ContextVar[Any],
        scope: type,
        unfinished: type,
        known: list[Any],
        os_names: dict[str, Any],
        lock_state: type,
        connected_block: type,
        muted_block: type,
    ) -> None: ...
    def watch_with(
        self,
        tellers: dict[Any, None],
        inside: ContextVar[Any],
        end_watching: Callable[..., Any],
        outlive: Callable[..., Any],
        whoever_runs: Callable[[], Any],
        switch_off: Callable[..., Any],
        deliveries: Callable[[Any], Any],
        emission: type,
        delivery: type,
    ) -> None: ...
    def deliveries_of(self, emission: Any) -> tuple[Any, ...]: ...
    def __call__(self, signal: Any, sender: Any = None, /, **payload: Any) -> Any: ...

class Notes:
    def payload(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...

class Sending:
    cr_await: Any
    def start(self) -> list[tuple[Callable[..., Any], Any]] | None: ...
    def send(self, value: Any, /) -> Any: ...
    def throw(self, *error: Any) -> Any: ...
    def close(self) -> None: ...
    def left(self) -> tuple[Any, ...] | None: ...
    def __await__(self) -> Generator[Any, Any, list[tuple[Callable[..., Any], Any]]]: ...
    def __iter__(self) -> Any: ...
    def __next__(self) -> Any: ...

class AsyncSend:
    def __init__(
        self,
        engine: Send,
        in_python: Callable[..., Any],
        around: Callable[[Sending], Coroutine[Any, Any, Any]],
        find: Callable[[Any, Any], tuple[Any, Any, Any]],
        rest: Callable[..., Coroutine[Any, Any, Any]],
    ) -> None: ...
    def __call__(self, signal: Any, sender: Any = None, /, **payload: Any) -> Any: ...

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

class Tables:
    def __init__(self, engine: Send, **parts: Any) -> None: ...

class Verb:
    def __init__(self, tables: Tables, name: str, in_python: Callable[..., Any]) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class Noop:
    def __init__(
        self,
        value: object,
        registry: type,
        registries: tuple[Any, ...],
        otherwise: Callable[..., Any] | None = None,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class SpanCall:
    def __init__(
        self,
        what: Literal["begin", "enter", "leave"],
        engine: Any,
        in_python: Callable[..., Any],
        span: type,
        span_kind: type,
        place: ContextVar[Any],
        nothing: Mapping[str, Any],
        kind: object = None,
    ) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class Caller:
    def __init__(
        self,
        in_python: Callable[..., str | None],
        engines: dict[str, bool],
        asyncio: dict[str, bool],
        places: dict[int, tuple[Any, dict[int, str]]],
    ) -> None: ...
    def __call__(self, *skipped: str) -> str | None: ...
