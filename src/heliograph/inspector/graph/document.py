"""The graph as one HTML file: a picture, and the same in lists; nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from heliograph.inspector.graph.edges import Kind, full_name, graph_of, how
from heliograph.inspector.graph.layout import HEIGHT, layout_of
from heliograph.inspector.graph.wiring import argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heliograph.inspector.facts import Catalogue, NamespaceInfo, ReceiverInfo, SignalInfo
    from heliograph.inspector.graph.edges import Edge
    from heliograph.inspector.graph.layout import Box, Layout

_COLUMNS = "Who sends is on the left, signals are in the middle, receivers on the right."


def as_html(catalogue: Catalogue) -> str:
    """Return a page that works from a disk, and under a policy without inline scripts.

    Its own policy lets its one style and its one script run, by what is in them, and nothing
    else. Without the script it lacks only the filter and the highlighting.
    """
    folder = files(__name__.rpartition(".")[0]) / "parts"
    style, script, page = (
        folder.joinpath(name).read_text(encoding="utf-8")
        for name in ("style.css", "script.js", "page.html")
    )
    graph = graph_of(catalogue)
    signals = graph.of_kind(Kind.SIGNAL)
    ids = iter(it.id for it in signals)
    sections = "\n".join(
        _section(next(ids), namespace, signal)
        for namespace in catalogue.namespaces
        for signal in namespace.signals
    )
    parts = {
        "policy": escape(_policy(style, script)),
        "target": escape(catalogue.target),
        "style": style,
        "script": script,
        "summary": escape(_summary(catalogue)),
        "picture": _picture(layout_of(graph)) if signals else "",
        "sections": sections or "<p>No signals.</p>",
    }
    # In one pass, as what is put in may look like such a place.
    return re.sub(r"<!--(\w+)-->", lambda found: parts[found[1]], page)


def _policy(style: str, script: str) -> str:
    hashed = (
        f"'sha256-{base64.b64encode(hashlib.sha256(it.encode()).digest()).decode()}'"
        for it in (style, script)
    )
    return "default-src 'none'; style-src {}; script-src {}; base-uri 'none'".format(*hashed)


def _summary(catalogue: Catalogue) -> str:
    signals = [signal for it in catalogue.namespaces for signal in it.signals]
    receivers = sum(len(it.receivers) for it in signals)
    text = f"Signals: {len(signals)}. Connections: {receivers}."
    if catalogue.not_loaded:
        text += f" Not imported, and so not known: {', '.join(catalogue.not_loaded)}."
    return text


# --- the picture -----------------------------------------------------------------------


def _picture(layout: Layout) -> str:
    edges = "\n".join(_edge(it, layout.boxes) for it in layout.edges)
    boxes = "\n".join(_box(it) for it in layout.boxes.values())
    size = f'width="{layout.width}" height="{layout.height}"'
    return (
        f'<svg {size} viewBox="0 0 {layout.width} {layout.height}" role="group" '
        f'aria-label="Picture of the graph. {_COLUMNS}">\n'
        f'<g aria-hidden="true">\n{edges}\n</g>\n{boxes}\n</svg>'
    )


def _edge(edge: Edge, boxes: dict[str, Box]) -> str:
    begin, end = boxes[edge.source], boxes[edge.target]
    x1, y1 = round(begin.x + begin.width, 1), round(begin.y + HEIGHT / 2, 1)
    x2, y2 = end.x, round(end.y + HEIGHT / 2, 1)
    bend = round((x2 - x1) / 2, 1)
    path = f"M{x1} {y1}C{x1 + bend:.1f} {y1} {x2 - bend:.1f} {y2} {x2} {y2}"
    names = "edge broken" if edge.broken else "edge"
    title = f"<title>{escape(edge.label)}</title>" if edge.label else ""
    ends = f'data-source="{edge.source}" data-target="{edge.target}"'
    return f'<path class="{names}" {ends} d="{path}">{title}</path>'


def _box(box: Box) -> str:
    node = box.node
    names = f"node {node.kind}{' lacking' if node.note else ''}"
    told = f"{_KINDS[node.kind]} {node.label}" + (f", {node.note}" if node.note else "")
    inner = (
        f"<title>{escape(f'{told}, {node.place}' if node.place else told)}</title>"
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{box.x + 9:.1f}" y="{box.y + 17:.1f}">{escape(node.label)}</text>'
    )
    where = f' href="#{node.id}"' if node.kind is Kind.SIGNAL else ""
    # Who sends and who receives can be focused too, to see what they are joined with.
    focus = "" if where else ' tabindex="0" role="img"'
    label = f'aria-label="{escape(told)}"'
    return f'<a class="{names}" data-node="{node.id}"{where}{focus} {label}>{inner}</a>'


_KINDS = {
    Kind.SENDER: "Sent by",
    Kind.SIGNAL: "Signal",
    Kind.RECEIVER: "Receiver",
    Kind.DEAD: "Dead receiver",
}


# --- the lists -------------------------------------------------------------------------


def _section(node: str, namespace: NamespaceInfo, signal: SignalInfo) -> str:
    name = full_name(namespace, signal)
    lines = [
        f'<section id="{node}" aria-labelledby="{node}-name" data-name="{escape(name.lower())}">',
        f'<h3 id="{node}-name">{escape(name)}</h3>',
        f"<p><code>{escape(_payload(signal))}</code> {_place(signal.location)}</p>",
    ]
    lines += [f"<p>{escape(signal.doc)}</p>"] if signal.doc else []
    lines += _list("Sent by", "ul", [(it.name, it.location, "") for it in signal.sends])
    lines += _list("Received by, in this order", "ol", map(_receiver, signal.receivers))
    gone = ((it.name, it.connected, "garbage-collected; it was connected at") for it in signal.dead)
    lines += _list("Dead receivers", "ul", gone)
    lines += _list("Not imported, and so not known", "ul", [(it, "", "") for it in signal.unknown])
    if not (signal.receivers or signal.dead or signal.unknown):
        lines.append('<p class="lacking">Nobody hears it.</p>')
    if not signal.sends and namespace.own:
        lines.append('<p class="lacking">No place in the source sends it.</p>')
    return "\n".join([*lines, "</section>"])


def _payload(signal: SignalInfo) -> str:
    if not signal.declared:
        return "payload not declared"
    return f"({', '.join(map(argument, signal.payload))})"


def _receiver(it: ReceiverInfo) -> tuple[str, str | None, str]:
    remarks = ", ".join(filter(None, (how(it), "" if it.weak else "strong")))
    return it.name, it.location or it.connected, remarks


def _list(title: str, kind: str, items: Iterable[tuple[str, str | None, str]]) -> Iterator[str]:
    rows = [
        f"<li><code>{escape(name)}</code> {escape(remarks)} {_place(place)}</li>"
        for name, place, remarks in items
    ]
    if rows:
        yield f"<h4>{escape(title)}</h4>"
        yield f"<{kind}>{''.join(rows)}</{kind}>"


def _place(place: str | None) -> str:
    return f'<span class="place">{escape(place)}</span>' if place else ""
