"""What this process is called, by those that hear of it."""

from __future__ import annotations

import os
import socket
from secrets import token_hex


def new_origin(app: str) -> str:
    """Return a name of this process that no other process has or ever had."""
    return f"{app}@{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"
