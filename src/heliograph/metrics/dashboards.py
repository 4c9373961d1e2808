"""A dashboard for Grafana and alert rules for Prometheus, made of what metrics are declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.metrics import http, of_signals
from heliograph.metrics.names import COUNTER, HISTOGRAM, in_ascii, prometheus_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heliograph.metrics.families import Description
    from heliograph.metrics.metrics import Metrics

    # A title, a unit of Grafana's, and queries by their legends.
    Panel = tuple[str, str, dict[str, str]]

_WINDOW = "$__rate_interval"
_UNITS = {"s": "s", "By": "bytes", "EUR": "currencyEUR", "USD": "currencyUSD"}
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_KNOWN = {*of_signals.ALL, *http.ALWAYS, *http.PHASES}


def dashboard(metrics: Metrics, title: str = "Signals") -> dict[str, Any]:
    """Return a dashboard of Grafana, to be saved as JSON and imported.

    It asks for the data source when it is opened, and has panels for all that is declared.

    Args:
        metrics: The metrics; they need not have been started.
        title: The title of the dashboard.

    Example:
        >>> from heliograph.metrics import Metrics
        >>> made = dashboard(Metrics(), "Shop")
        >>> made["title"], made["panels"][0]["title"]
        ('Shop', 'Emissions')
    """
    panels = [_placed(at, panel) for at, panel in enumerate(_panels(metrics))]
    return {
        "title": title,
        "uid": None,
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }


def alerts(metrics: Metrics) -> dict[str, Any]:
    """Return a file of alert rules for Prometheus, to be saved as JSON, which is YAML as well.

    Args:
        metrics: The metrics; rules of requests, and of what `Metrics.health_of` has the health of,
            are among them if those are declared.
    """
    rules = [
        *(_rules_of_requests() if _has(metrics, http.REQUEST) else ()),
        *_rules_of_signals(),
        *_rules_of_healths(metrics),
    ]
    return {"groups": [{"name": "heliograph", "rules": rules}]}


def queries(made: dict[str, Any]) -> list[str]:
    """Return all queries of a dashboard or of alert rules.

    Args:
        made: What `dashboard` or `alerts` returned.
    """
    targets = [target["expr"] for it in made.get("panels", ()) for target in it["targets"]]
    return targets + [rule["expr"] for it in made.get("groups", ()) for rule in it["rules"]]


def _has(metrics: Metrics, about: Description) -> bool:
    return any(it.about.name == about.name for it in metrics.families())


# --- panels ----------------------------------------------------------------------------


def _panels(metrics: Metrics) -> Iterator[Panel]:
    if _has(metrics, http.REQUEST):
        yield from _panels_of_requests(phases=_has(metrics, http.HEADERS))
    yield from _panels_of_signals()
    known = {it.name for it in _KNOWN}
    for family in metrics.families():
        if family.about.name not in known:
            yield _panel_of(family.about)


def _rate(name: str, by: str = "", chosen: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({name}{chosen}[{_WINDOW}]))"


def _quantiles(name: str, by: str = "") -> dict[str, str]:
    legend = "".join(f" {{{{{it.strip()}}}}}" for it in by.split(",") if it)
    grouped = f"le, {by}" if by else "le"
    rate = _rate(f"{name}_bucket", grouped)
    return {f"p{it}{legend}": f"histogram_quantile(0.{it}, {rate})" for it in (50, 95, 99)}


def _panels_of_requests(*, phases: bool) -> Iterator[Panel]:
    name = _called(http.REQUEST)
    failed, all_of = _rate(_called(http.FAILED)), _rate(f"{name}_count")
    within = _rate(f"{name}_bucket", chosen='{le="1.0"}')
    yield "Requests", "reqps", {"{{http_route}}": _rate(f"{name}_count", "http_route")}
    yield "Failed requests", "percentunit", {"failed": f"{failed} / {all_of}"}
    yield "Answered within a second", "percentunit", {"within 1 s": f"{within} / {all_of}"}
    yield "Duration of requests", "s", _quantiles(name)
    yield "Duration by route", "s", _quantiles(name, "http_route")
    if phases:
        yield "Time to headers", "s", _quantiles(_called(http.HEADERS))
        yield "Work in the background", "s", _quantiles(_called(http.BACKGROUND))
    yield "Aborted responses", "reqps", {"{{reason}}": _rate(_called(http.ABORTED), "reason")}
    yield "Templates", "s", _quantiles(_called(http.RENDERED), "template")
    flashed = {"{{category}}": _rate(_called(http.FLASHED), "category")}
    yield "Flashed messages", "cps", flashed


def _panels_of_signals() -> Iterator[Panel]:
    name = _called(of_signals.DURATION)
    yield "Emissions", "cps", {"{{signal}}": _rate(_called(of_signals.SENT), "signal")}
    yield "Unheard emissions", "cps", {"{{signal}}": _rate(_called(of_signals.UNHEARD), "signal")}
    yield "Time in receivers", "percentunit", {"{{receiver}}": _rate(f"{name}_sum", "receiver")}
    yield "Duration of deliveries", "s", _quantiles(name, "receiver")
    errors = {"{{signal}} {{receiver}}": _rate(_called(of_signals.ERRORS), "signal, receiver")}
    yield "Failed deliveries", "cps", errors
    kinds = {
        "{{receiver}} {{exception}}": _rate(_called(of_signals.EXCEPTIONS), "receiver, exception")
    }
    yield "Errors by type", "cps", kinds
    dead = f"max by (signal) ({_called(of_signals.DEAD)}) > 0"
    yield "Receivers that died", "short", {"{{signal}}": dead}


def _panel_of(about: Description) -> Panel:
    name, by = _called(about), ", ".join(map(in_ascii, about.labels))
    legend = " ".join(f"{{{{{in_ascii(it)}}}}}" for it in about.labels) or about.name
    unit = _UNITS.get(about.unit, "short")
    if about.kind == HISTOGRAM:
        return about.doc, unit, _quantiles(name, by)
    if about.kind == COUNTER:
        return about.doc, "cps", {legend: _rate(name, by)}
    return about.doc, unit, {legend: f"sum by ({by}) ({name})" if by else f"sum ({name})"}


def _called(about: Description) -> str:
    name = prometheus_name(about.name, about.kind, about.unit)
    return f"{name}_total" if about.kind == COUNTER else name


def _placed(at: int, panel: Panel) -> dict[str, Any]:
    title, unit, by_legend = panel
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": title.rstrip("."),
        "datasource": _SOURCE,
        "gridPos": {"h": 8, "w": 12, "x": at % 2 * 12, "y": at // 2 * 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": query,
                "legendFormat": legend,
                "datasource": _SOURCE,
            }
            for number, (legend, query) in enumerate(by_legend.items())
        ],
    }


# --- alerts ----------------------------------------------------------------------------


def _rule(name: str, query: str, wait: str, severity: str, summary: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": query,
        "for": wait,
        "labels": {"severity": severity},
        "annotations": {"summary": summary},
    }


def _rules_of_requests() -> Iterable[dict[str, Any]]:
    name = _called(http.REQUEST)
    failed, all_of = f"rate({_called(http.FAILED)}[5m])", f"rate({name}_count[5m])"
    slow = f"histogram_quantile(0.95, sum by (le) (rate({name}_bucket[5m])))"
    return [
        _rule(
            "RequestsFail",
            f"sum ({failed}) / sum ({all_of}) > 0.05",
            "5m",
            "critical",
            "More than one request in twenty fails.",
        ),
        _rule(
            "RequestFailed",
            # The counter is there before the first error: so the increase sees that as well.
            f"sum (increase({_called(http.FAILED)}[5m])) > 0",
            "0m",
            "info",
            "A request has failed.",
        ),
        _rule(
            "RequestsAreSlow",
            f"{slow} > 1",
            "10m",
            "warning",
            "One request in twenty takes a second.",
        ),
    ]


def _rules_of_signals() -> Iterable[dict[str, Any]]:
    errors = f"increase({_called(of_signals.ERRORS)}[5m])"
    slow = f"rate({_called(of_signals.DURATION)}_bucket[5m])"
    return [
        _rule(
            "ReceiverFails",
            f"sum by (signal, receiver) ({errors}) > 0",
            "0m",
            "warning",
            "{{ $labels.receiver }} fails on {{ $labels.signal }}.",
        ),
        _rule(
            "ReceiverIsSlow",
            f"histogram_quantile(0.99, sum by (le, signal, receiver) ({slow})) > 0.5",
            "10m",
            "warning",
            "{{ $labels.receiver }} takes half a second on {{ $labels.signal }}.",
        ),
        _rule(
            "ReceiversDie",
            f"max by (signal) ({_called(of_signals.DEAD)}) > 0",
            "10m",
            "info",
            "Receivers of {{ $labels.signal }} were garbage-collected while they were connected.",
        ),
        _rule(
            "MetricsHaveProblems",
            "sum (increase(heliograph_metrics_problems_total[10m])) > 0",
            "0m",
            "warning",
            "Something could not be counted: the log of the application says what.",
        ),
    ]


# By the attribute of a health: how the alert ends, the query, how long, how bad, and what it means.
_OF_HEALTHS = {
    "connected": (
        "IsNotConnected",
        "min by (instance) ({name}) < 1",
        ("2m", "critical"),
        "A process of {{{{ $labels.instance }}}} has no connection: what it sends waits there.",
    ),
    "oldest_unsent": (
        "IsLate",
        "max ({name}) > 60",
        ("1m", "warning"),
        "What was committed more than a minute ago has not left the outbox.",
    ),
    "dead": (
        "PutsAside",
        "sum (increase({name}[10m])) > 0",
        ("0m", "critical"),
        "A receiver of a group has failed for the last time: `heliograph relay dead-letters`.",
    ),
    "dropped": (
        "Drops",
        "sum (increase({name}[10m])) > 0",
        ("0m", "warning"),
        "Something that was sent reaches nobody: the log of the application says why.",
    ),
    "lost": (
        "Loses",
        "sum (increase({name}[10m])) > 0",
        ("0m", "critical"),
        "Entries are lost: the log of the application says why.",
    ),
}


def _rules_of_healths(metrics: Metrics) -> Iterator[dict[str, Any]]:
    for it in metrics.declared.of_healths():
        if it.field in _OF_HEALTHS:
            ending, query, how, summary = _OF_HEALTHS[it.field]
            name = _called(it.about)
            prefix = it.about.name.removesuffix(f".{it.field}").replace(".", "_")
            title = "".join(word.capitalize() for word in prefix.split("_"))
            yield _rule(
                f"{title}{ending}", query.format(name=name), *how, summary.format(name=name)
            )
