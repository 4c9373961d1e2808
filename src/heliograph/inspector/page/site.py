"""The page's own addresses, and what is behind each of them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.inspector.chrome import chrome_trace
from heliograph.inspector.page.access import REFUSALS, Door, Verdict
from heliograph.inspector.page.as_test import as_test
from heliograph.inspector.page.document import document
from heliograph.inspector.page.news import news
from heliograph.inspector.page.visits import answer, as_json, as_text, redirect
from heliograph.inspector.page.wiring import as_dicts, held_signals
from heliograph.inspector.parts import Part
from heliograph.inspector.seen import SeenEmission, SeenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.inspector.page.news import Source
    from heliograph.inspector.page.visits import Answer, Visit

_LOG = logging.getLogger("heliograph")


class Site:
    """Answers those who visit the page.

    Args:
        source: Whoever knows what the workers have seen.
        door: Who may see it.
    """

    def __init__(self, source: Source, door: Door) -> None:
        self._source = source
        self._door = door
        self._said_off = False
        self._pages: dict[str, tuple[str, Callable[[Visit], Answer]]] = {
            "/": ("GET", self._page),
            "/news": ("GET", self._news),
            "/wiring": ("GET", self._wiring),
            "/test": ("POST", self._test),
            "/perfetto": ("POST", self._perfetto),
        }

    def welcomes(self, visit: Visit) -> bool:
        """Tell whether a visitor may see what the page shows."""
        return self._door.judge(visit) is Verdict.WELCOME

    def attend(self) -> bool:
        """Take note of a request; returns whether there is somebody who times its receivers."""
        return self._source.attend()

    def answer(self, visit: Visit) -> Answer | None:
        """Answer a visit, or return None if there is no page here: the application answers."""
        ticket = self._door.ticket(visit)
        if ticket is not None:
            # The token does not stay in the address, nor in the browser's history.
            return redirect(f"{visit.called}/" if visit.path == "" else "./", ticket)
        verdict = self._door.judge(visit)
        if verdict is Verdict.OFF:
            self._say_off()
            return None
        if verdict is not Verdict.WELCOME:
            return as_text(f"{REFUSALS[verdict]}\n", status=403)
        return self._welcome(visit)

    def _welcome(self, visit: Visit) -> Answer:
        if visit.path == "":
            # The page's own addresses are relative, so that any prefix may be before them.
            return redirect(f"{visit.called}/")
        method, found = self._pages.get(visit.path, (None, None))
        if found is None:
            return as_text("There is nothing here: the page is at ./\n", status=404)
        if visit.method not in (method, "HEAD" if method == "GET" else method):
            return as_text("", ("Allow", str(method)), status=405)
        return found(visit)

    def _say_off(self) -> None:
        if not self._said_off:
            self._said_off = True
            _LOG.warning(
                "Somebody asked for the page of signals, which is off: the program is not being "
                "developed, and its Inspector has no token. Set HELIOGRAPH_CHECK=1 or the "
                "framework's debug mode, or make the Inspector with a token."
            )

    def _page(self, visit: Visit) -> Answer:  # noqa: ARG002 - as all of them.
        page = document()
        policy = ("Content-Security-Policy", page.policy)
        return answer(page.body, "text/html; charset=utf-8", policy)

    def _news(self, visit: Visit) -> Answer:
        return as_json(news(self._source, visit.query.get("after", ""), visit.base))

    def _wiring(self, visit: Visit) -> Answer:  # noqa: ARG002 - as all of them.
        return as_json({"signals": as_dicts(held_signals())})

    def _test(self, visit: Visit) -> Answer:
        return self._made(visit, _as_test)

    def _perfetto(self, visit: Visit) -> Answer:
        return self._made(visit, _as_trace)

    def _made(
        self, visit: Visit, make: Callable[[SeenRequest | None, list[SeenEmission]], Any]
    ) -> Answer:
        # No form of another site can send this type.
        if visit.content_type.partition(";")[0].strip() != "application/json":
            return as_text("Post it as application/json.\n", status=415)
        try:
            given = json.loads(visit.body)
            request = given["request"] and SeenRequest.from_dict(given["request"])
            emissions = [SeenEmission.from_dict(it) for it in given["emissions"]]
        except (ArgumentError, KeyError, RecursionError, TypeError, ValueError) as error:
            text = f"That is no trace of this page: {type(error).__name__}.\n"
            return as_text(text, status=400)
        return as_json(make(request, emissions))


def _as_test(request: SeenRequest | None, emissions: list[SeenEmission]) -> dict[str, str]:
    return as_test(request, emissions, held_signals())._asdict()


def _as_trace(request: SeenRequest | None, emissions: list[SeenEmission]) -> dict[str, Any]:
    return chrome_trace([_part(request, tuple(emissions))])


def _part(request: SeenRequest | None, emissions: tuple[SeenEmission, ...]) -> Part:
    started = min((it.started for it in emissions), default=0.0)
    ended = max((it.started + it.duration for it in emissions), default=0.0)
    if request is None:
        return Part("outside of requests", "", False, None, started, ended - started, emissions)
    outcome = "" if request.status is None else str(request.status)
    return Part(
        title=f"{request.method} {request.path}",
        outcome=outcome if request.error is None else f"{outcome} {request.error}".strip(),
        failed=request.error is not None,
        location=None,
        started=request.started,
        duration=ended - request.started if request.duration is None else request.duration,
        emissions=emissions,
    )
