"""What can stand against an entry in the trail."""

from __future__ import annotations

from heliograph import ArgumentError, StateError


class TrailError(StateError):
    """The trail cannot be used: it is closed, too new, or its place cannot be written."""


class PayloadError(ArgumentError):
    """A payload cannot be made into an entry."""
