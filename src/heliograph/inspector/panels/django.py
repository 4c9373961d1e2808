"""A panel for django-debug-toolbar: what the signals did until the response was ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from debug_toolbar.panels import Panel

from heliograph.inspector.page.visits import PAGE
from heliograph.inspector.panels.collecting import Collection
from heliograph.inspector.panels.guarding import guarded
from heliograph.inspector.panels.rows import as_html, rows_of, summary

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class HeliographPanel(Panel):
    """Name it in ``DEBUG_TOOLBAR_PANELS``.

    That is ``"heliograph.inspector.panels.django.HeliographPanel"``, under WSGI and under ASGI.
    Its own faults are shown inside of it, and never change the page.
    """

    # Without it the toolbar leaves the panel out under ASGI, and says nothing.
    is_async = True

    def __init__(self, toolbar: Any, get_response: Any) -> None:
        super().__init__(toolbar, get_response)
        self.problem: str | None = None
        self._collection: Collection | None = None

    def process_request(self, request: HttpRequest) -> Any:
        """Collect what is sent while the rest of Django serves the request."""
        self._begin()
        return self.get_response(request)

    @guarded(None)
    def _begin(self) -> None:
        self._collection = Collection()
        self._collection.begin()

    @guarded(None)
    def disable_instrumentation(self) -> None:
        """Collect no more; the toolbar calls this also if the request has failed."""
        self._end()

    def _end(self) -> list[Any]:
        return [] if self._collection is None else self._collection.end()

    @guarded(None)
    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:  # noqa: ARG002 - the toolbar passes it.
        """Keep what was collected, as the toolbar stores it."""
        rows: list[Any] = self._collected()
        stats = {"rows": rows, "link": _link(request), "problem": self.problem}
        self.record_stats(stats)  # type: ignore[no-untyped-call]  # The toolbar's own.

    @guarded([])
    def _collected(self) -> list[Any]:
        return rows_of(self._end())

    @property
    def title(self) -> str:
        """Return the title."""
        return "Signals"

    @property
    def nav_subtitle(self) -> Any:  # The toolbar's own is said to be empty always.
        """Return the line below the title."""
        return self._subtitle()

    @guarded("failed")
    def _subtitle(self) -> str:
        stats = self._stats()
        return "failed" if stats["problem"] else summary(stats["rows"])

    @property
    def content(self) -> str:
        """Return the table as HTML."""
        return self._content()

    @guarded("This panel has failed; the log tells more.")
    def _content(self) -> str:
        stats = self._stats()
        return as_html(stats["rows"], stats["link"], stats["problem"])

    def _stats(self) -> dict[str, Any]:
        # Of this request, or of an earlier one that the toolbar has stored.
        return dict(self.get_stats())  # type: ignore[no-untyped-call]  # The toolbar's own.


def _link(request: HttpRequest) -> str | None:
    around = getattr(request, "scope", request.META)
    found = around.get(PAGE)
    return None if found is None else str(found)
