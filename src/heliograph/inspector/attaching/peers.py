"""Who is at the other end of a private socket."""

from __future__ import annotations

import os
import socket
import struct
import sys

from heliograph.inspector.attaching.messages import AttachError

_CREDENTIALS = struct.Struct("3i")


def refuse_stranger(connection: socket.socket) -> None:
    """Refuse another user at the other end.

    The superuser is none: it can read the memory of every process anyway. Systems that do not
    tell rely on the private folder alone.

    Raises:
        AttachError: If it is one.
    """
    if sys.platform != "linux" or connection.family != socket.AF_UNIX:
        return
    size = _CREDENTIALS.size
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, user, _ = _CREDENTIALS.unpack(told)
    if user not in (0, os.geteuid()):
        msg = f"user {user} is there, and not user {os.geteuid()}"
        raise AttachError(msg)
