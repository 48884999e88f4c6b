"""What a plugin says through `logging`, and the tracebacks of its exceptions, in the host's log."""

from __future__ import annotations

import logging
import os
import traceback
from types import TracebackType
from typing import Optional

from .codes import Level
from .errors import Error
from .host import Host

#: The first level that is at least as loud, in the order of `logging`.
_LEVELS = ((logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARN), (logging.INFO, Level.INFO),
           (logging.DEBUG, Level.DEBUG), (0, Level.TRACE))
_HERE = os.path.dirname(os.path.abspath(__file__))


class Bridge(logging.Handler):
    """Hands lines of the `logging` module to the host."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        level = next(level for number, level in _LEVELS if record.levelno >= number)
        try:
            self._host.log(level, self.format(record), record.name)
        except Exception:
            self.handleError(record)


def attach(host: Host, level: int) -> Bridge:
    """Sends everything that is said through `logging` to the host, down to its level."""
    bridge = Bridge(host)
    root = logging.getLogger()
    root.addHandler(bridge)
    root.setLevel(next((number for number, ours in _LEVELS if ours == level), logging.INFO) or 1)
    return bridge


def last_line(error: BaseException) -> str:
    """An exception in one line; of an `Error`, its sentence."""
    if isinstance(error, Error):
        return error.message
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    lines = traceback.format_exception_only(type(error), error)
    return lines[-1].strip()


def line_in(error: BaseException, path: str) -> str:
    """`line 7: ` for an exception that came up on line 7 of the file at `path`; else nothing."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}: " if line else ""


def text_of(error: BaseException) -> str:
    """The traceback of an exception, from the first line that is the plugin's."""
    trace: Optional[TracebackType] = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()
