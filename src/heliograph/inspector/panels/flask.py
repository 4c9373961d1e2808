"""A panel for Flask-DebugToolbar: what the signals did until the response was ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_debugtoolbar.panels import DebugPanel

from heliograph.inspector.page.visits import PAGE
from heliograph.inspector.panels.collecting import Collection
from heliograph.inspector.panels.guarding import guarded
from heliograph.inspector.panels.rows import as_html, rows_of, summary

if TYPE_CHECKING:
    from werkzeug import Request, Response

    from heliograph.inspector.panels.rows import Row


class HeliographPanel(DebugPanel):
    """Name it in ``DEBUG_TB_PANELS``: ``"heliograph.inspector.panels.flask.HeliographPanel"``.

    Its own faults are shown inside of it, and never change the page.
    """

    name = "Heliograph"
    has_content = True

    def __init__(self, jinja_env: Any, context: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - as below.
        # Not with the context: the toolbar shares one among all panels and requests.
        super().__init__(jinja_env)
        self.problem: str | None = None
        self._collection: Collection | None = None
        self._rows: list[Row] = []
        self._link: str | None = None

    @guarded(None)
    def process_request(self, request: Request) -> None:
        """Begin to collect."""
        self._link = request.environ.get(PAGE)
        self._collection = Collection()
        self._collection.begin()

    @guarded(None)
    def process_response(self, request: Request, response: Response) -> None:  # noqa: ARG002 - the toolbar passes them.
        """Keep what was collected: the toolbar asks for the content next."""
        if self._collection is not None:
            self._rows = rows_of(self._collection.end())

    def nav_title(self) -> str:
        """Return the title in the toolbar."""
        return "Signals"

    @guarded("failed")
    def nav_subtitle(self) -> str:
        """Return the line below it."""
        return summary(self._rows) if self.problem is None else "failed"

    def title(self) -> str:
        """Return the title of the panel."""
        return "Signals"

    def url(self) -> str:
        """Return no address: the content is in the page."""
        return ""

    @guarded("This panel has failed; the log tells more.")
    def content(self) -> str:
        """Return the table as HTML."""
        return as_html(self._rows, self._link, self.problem)
