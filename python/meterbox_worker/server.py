"""The socket of the worker: it listens, and the server connects once.

A Unix socket can be reached by its owner only; TCP is bound to loopback.
"""

from __future__ import annotations

import os
import socket
import stat
from typing import Tuple

#: How long the worker waits for its server, in seconds.
ACCEPT_SECONDS = 30.0


def listen_unix(path: str) -> Tuple[socket.socket, str]:
    """Listens on a path; a socket that was left there is replaced. Returns its name too."""
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(1)
    return listener, path


def listen_tcp(port: int) -> Tuple[socket.socket, str]:
    """Listens on a port of loopback, 0 for a free one. Returns the port too."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(1)
    return listener, str(listener.getsockname()[1])


def accept(listener: socket.socket, seconds: float = ACCEPT_SECONDS) -> socket.socket:
    """The connection of the server. Raises `socket.timeout` if none comes in time."""
    listener.settimeout(seconds)
    connection, _ = listener.accept()
    connection.settimeout(None)
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
