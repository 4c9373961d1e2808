"""How a request came: its scheme and the version of HTTP, in every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Clients write both: what is not known is left out, or each could be a label of its own.
_VERSIONS = {"1.0": "1.0", "1.1": "1.1", "2": "2", "2.0": "2", "3": "3", "3.0": "3"}
_KNOWN = {
    (scheme, version): (scheme, told)
    for scheme in ("http", "https")
    for written, told in _VERSIONS.items()
    # As ASGI has it, and as WSGI does.
    for version in (written, f"HTTP/{written}")
}


def _of_environ(environ: Any) -> tuple[str, str]:
    return environ["wsgi.url_scheme"], environ.get("SERVER_PROTOCOL", "")


def _of_scope(scope: Any) -> tuple[str, str]:
    return scope.get("scheme", "http"), scope.get("http_version", "")


def _of_given(given: Any) -> tuple[str, str]:
    return _of_environ(given) if "wsgi.url_scheme" in given else _of_scope(given)


def _of_aiohttp(request: Any) -> tuple[str, str]:
    return request.scheme, "{}.{}".format(*request.version)


def _of_nobody(_: object) -> tuple[str, str]:
    return "", ""


def _reader(native: Any) -> Callable[[Any], tuple[str, str]]:
    if hasattr(native, "keys") and ("type" in native or "wsgi.url_scheme" in native):
        return _of_given
    # The names under which frameworks' requests have the scope or the environ.
    for name in ("scope", "environ", "env"):
        given: Any = getattr(native, name, None)
        if hasattr(given, "keys"):
            read = _of_environ if "wsgi.url_scheme" in given else _of_scope
            return lambda it: read(getattr(it, name))
    return _of_aiohttp if hasattr(native, "version") else _of_nobody


class Wire:
    """Reads scheme and version of requests, and knows where each kind of request has them."""

    def __init__(self) -> None:
        self._readers: dict[type, Callable[[Any], tuple[str, str]]] = {}

    def read(self, native: Any) -> tuple[str, str]:
        """Return scheme and version of a request; "" for what is not known."""
        read = self._readers.get(type(native))
        if read is None:
            read = self._readers[type(native)] = _reader(native)
        written = read(native)
        found = _KNOWN.get(written)
        return _half_known(*written) if found is None else found


def _half_known(scheme: str, version: str) -> tuple[str, str]:
    found = _VERSIONS.get(version.removeprefix("HTTP/"), "")
    return scheme if scheme in ("http", "https") else "", found
