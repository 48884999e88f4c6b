"""Metric lines: collected while a batch runs, written in one go before its reply.

Written straight to the file descriptor, so that a handler's own half-written lines cannot mix in.
Line ends inside a line become spaces; everything else that the server's grammar refuses is written
all the same, because the server counts what it refuses.
"""

from __future__ import annotations

import os
import threading
from typing import Callable, List

#: Lines kept before they are written anyway.
HELD_MAX = 256


class Lines:
    """Collects lines and writes them."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lines: List[str] = []
        self._lock = threading.Lock()
        self._held = False

    def hold(self) -> None:
        """From here to `flush`, lines wait."""
        self._held = True

    def add(self, line: str) -> None:
        """Takes a line without its end."""
        self._lines.append(line)
        if not self._held or len(self._lines) >= HELD_MAX:
            self._write_all()

    def flush(self) -> None:
        """Writes what waits; lines that come later, from other threads, no longer wait."""
        self._held = False
        if self._lines:
            self._write_all()

    def _write_all(self) -> None:
        with self._lock:
            count = len(self._lines)
            if count == 0:
                return
            lines = self._lines[:count]
            text = "\n".join(lines) + "\n"
            if text.count("\n") != count or "\r" in text:
                text = "".join([" ".join(line.splitlines()) + "\n" for line in lines])
            # Only those: another thread may have added more meanwhile.
            del self._lines[:count]
            self._write(text.encode("utf-8", "replace"))


def to_descriptor(descriptor: int) -> Callable[[bytes], object]:
    """Writes bytes to a file descriptor, all of them."""

    def write(content: bytes) -> None:
        written = os.write(descriptor, content)
        while written < len(content):
            content = content[written:]
            written = os.write(descriptor, content)

    return write
