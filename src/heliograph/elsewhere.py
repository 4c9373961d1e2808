"""What the front door says of a name that it lacks, and where a wing has that name."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_OF_WINGS = {
    "blinker": ("NamedSignal", "install"),
    "describe": (
        "EmissionNode",
        "calling_location",
        "describe_callable",
        "describe_duration",
        "describe_error",
        "describe_outcome",
        "describe_sender",
        "emission_tree",
        "full_repr",
        "label_of",
        "location_of",
        "name_of",
        "portable_location",
        "relative_location",
        "short_repr",
        "title_of",
        "variables",
    ),
    "testing": (
        "Capture",
        "Emissions",
        "Expectation",
        "ExpectationError",
        "Flashes",
        "LoggedErrors",
        "Sent",
        "SignalsMixin",
        "Muting",
        "Templates",
        "assert_connected",
        "capture",
        "expect",
        "expect_logged",
        "isolated",
        "mute",
        "only",
    ),
}


def not_here(package: str, name: str) -> Exception:
    """Return the error for a name that the front door does not have."""
    hint = "".join(
        f". It is in {package}.{wing}: `from {package}.{wing} import {name}`."
        for wing, names in _OF_WINGS.items()
        if name in names
    )
    # An import statement would replace an AttributeError by its own error, without the hint.
    if hint and _is_import(sys._getframe(2)):
        return ImportError(f"cannot import name {name!r} from {package!r}{hint}", name=package)
    msg = f"module {package!r} has no attribute {name!r}{hint}"
    return AttributeError(msg, name=name, obj=sys.modules[package])


def _is_import(frame: FrameType) -> bool:
    from opcode import opmap

    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
