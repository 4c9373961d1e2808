"""Answers those who visit the page of a trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import SignalError
from heliograph.audit.moments import moment_of
from heliograph.audit.page.html import FIELDS, POLICY, page_of_entries, page_of_entry
from heliograph.audit.reading import Search
from heliograph.inspector.page.access import REFUSALS, Verdict
from heliograph.inspector.page.visits import answer, as_text, redirect

if TYPE_CHECKING:
    from heliograph.audit.trail import Trail
    from heliograph.inspector.page.access import Door
    from heliograph.inspector.page.visits import Answer, Visit

_AT_ONCE = 50
_TIMES = ("since", "until")


class TrailSite:
    """The page of one trail.

    Args:
        trail: The trail, which has to be open.
        door: Who may see it.
    """

    def __init__(self, trail: Trail, door: Door) -> None:
        self._trail = trail
        self._door = door

    def welcomes(self, visit: Visit) -> bool:  # pragma: no cover - asked where requests are timed.
        """Tell whether a visitor may see the trail."""
        return self._door.judge(visit) is Verdict.WELCOME

    def attend(self) -> bool:
        """Take note of a request: the trail times nobody's receivers."""
        return False

    def answer(self, visit: Visit) -> Answer | None:
        """Answer a visit, or return None if there is no page here: the application answers."""
        ticket = self._door.ticket(visit)
        if ticket is not None:
            # The token does not stay in the address, nor in the browser's history.
            return redirect(f"{visit.called}/" if visit.path == "" else "./", ticket)
        verdict = self._door.judge(visit)
        if verdict is Verdict.OFF:
            return None
        if verdict is not Verdict.WELCOME:
            text = REFUSALS[verdict].replace("Inspector", "page")
            return as_text(f"{text}\n", status=403)
        return self._welcome(visit)

    def _welcome(self, visit: Visit) -> Answer:
        if visit.path == "":
            return redirect(f"{visit.called}/")
        if visit.path != "/":
            return as_text("There is nothing here: the trail is at ./\n", status=404)
        if visit.method not in ("GET", "HEAD"):
            return as_text("", ("Allow", "GET"), status=405)
        return self._read(visit)

    def _read(self, visit: Visit) -> Answer:
        try:
            text = self._entry(visit) if "entry" in visit.query else self._entries(visit)
        except SignalError as error:
            return as_text(f"{error}\n", status=400)
        if text is None:
            return as_text("The trail has no such entry.\n", status=404)
        policy = ("Content-Security-Policy", POLICY)
        return answer(text.encode(), "text/html; charset=utf-8", policy)

    def _entry(self, visit: Visit) -> str | None:
        number = visit.query["entry"]
        found = self._trail.entry(int(number)) if number.isdecimal() else None
        return None if found is None else page_of_entry(found)

    def _entries(self, visit: Visit) -> str:
        wanted = {it: visit.query[it] for it in FIELDS if visit.query.get(it)}
        before = visit.query.get("before", "")
        fields: dict[str, Any] = {
            name: moment_of(it) if name in _TIMES else it for name, it in wanted.items()
        }
        search = Search(
            **fields,
            before=int(before) if before.isdecimal() else None,
            limit=_AT_ONCE,
        )
        found = self._trail.find(search)
        more = found[-1].seq if len(found) == _AT_ONCE else None
        return page_of_entries(found, self._trail.stats(), wanted, more)
