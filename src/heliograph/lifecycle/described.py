"""What a scope of ASGI and an environ of WSGI say of the request that they describe."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle.exchange import REQUEST
from heliograph.lifecycle.request import HEADER, RequestInfo

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_HEADER = HEADER.encode()
_OFFERED = "HTTP_" + HEADER.upper().replace("-", "_")

# Every request makes one, whether anybody looks at it or not: what layers inside may change is
# noted at once, and all else is found out when it is asked for.


class ScopeRequest(RequestInfo):
    """What a scope describes.

    Attributes:
        scope: The scope, until it is known that nobody needs it.
    """

    by_asgi = True

    __slots__ = ("_client", "_headers", "scope")

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self.scope: MutableMapping[str, Any] | None = scope
        self.kind: str = scope["type"]
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self._client = scope.get("client")
        self._headers = scope.get("headers")
        self.is_over = False
        self._clock = perf_counter()

    def _found(self, name: str) -> Any:
        match name:
            case "native":
                return self.scope
            case "client":
                return self._client[0] if self._client else None
        return super()._found(name)

    def _offered(self) -> str | None:
        for name, value in self._headers or ():
            if name.lower() == _HEADER:
                offered: str = value.decode("latin-1")
                return offered
        return None


class EnvironRequest(RequestInfo):
    """What an environ describes."""

    __slots__ = ("_environ", "_info", "_script")

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.client: str | None = environ.get("REMOTE_ADDR") or None
        self._script: str = environ.get("SCRIPT_NAME", "")
        self._info: str = environ.get("PATH_INFO", "")
        self.is_over = False
        self._clock = perf_counter()

    def leave(self) -> None:
        """Be over, and in nothing that frameworks keep of a request and that this one holds."""
        super().leave()
        self._environ.pop(REQUEST, None)

    def _found(self, name: str) -> Any:
        match name:
            case "native":
                return self._environ
            case "kind":
                return "http"
            case "path":
                # WSGI hands on bytes as if they were Latin-1 (PEP 3333).
                path = self._script + self._info
                return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")
        return super()._found(name)

    def _offered(self) -> str | None:
        return self._environ.get(_OFFERED)
