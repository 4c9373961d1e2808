"""The life of an application and of its requests, as signals: the same in every framework."""

from __future__ import annotations

from heliograph.lifecycle.job_info import JobInfo, current_job
from heliograph.lifecycle.jobs import job
from heliograph.lifecycle.request import RequestInfo, current_request
from heliograph.lifecycle.response import ResponseInfo
from heliograph.lifecycle.signals import (
    app_started,
    app_stopping,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    got_websocket_exception,
    job_failed,
    job_finished,
    job_started,
    job_tearing_down,
    lifecycle,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    response_sent,
    template_rendered,
    websocket_finished,
    websocket_received,
    websocket_sent,
    websocket_started,
    websocket_tearing_down,
)

__all__ = [
    "JobInfo",
    "RequestInfo",
    "ResponseInfo",
    "app_started",
    "app_stopping",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "current_job",
    "current_request",
    "got_request_exception",
    "got_websocket_exception",
    "job",
    "job_failed",
    "job_finished",
    "job_started",
    "job_tearing_down",
    "lifecycle",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "response_sent",
    "template_rendered",
    "websocket_finished",
    "websocket_received",
    "websocket_sent",
    "websocket_started",
    "websocket_tearing_down",
]
