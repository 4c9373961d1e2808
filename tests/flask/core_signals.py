"""Flask's ten signals, with the type that they have now: type checkers still see Blinker's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import flask

if TYPE_CHECKING:
    from heliograph import Signal

appcontext_pushed = cast("Signal", flask.appcontext_pushed)
request_started = cast("Signal", flask.request_started)
message_flashed = cast("Signal", flask.message_flashed)
before_render_template = cast("Signal", flask.before_render_template)
template_rendered = cast("Signal", flask.template_rendered)
got_request_exception = cast("Signal", flask.got_request_exception)
request_finished = cast("Signal", flask.request_finished)
request_tearing_down = cast("Signal", flask.request_tearing_down)
appcontext_tearing_down = cast("Signal", flask.appcontext_tearing_down)
appcontext_popped = cast("Signal", flask.appcontext_popped)

CORE_SIGNALS = {
    "appcontext_pushed": appcontext_pushed,
    "request_started": request_started,
    "message_flashed": message_flashed,
    "before_render_template": before_render_template,
    "template_rendered": template_rendered,
    "got_request_exception": got_request_exception,
    "request_finished": request_finished,
    "request_tearing_down": request_tearing_down,
    "appcontext_tearing_down": appcontext_tearing_down,
    "appcontext_popped": appcontext_popped,
}
"""By their names in Flask, in the order in which a request sends them."""
