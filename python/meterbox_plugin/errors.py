"""Why something could not be done: raised by the host's answers, and by plugins to choose their own.

Raised while a request is answered, each becomes the HTTP status in its line. Any other exception is a 500
with its last line, and its traceback goes to the log.
"""

from __future__ import annotations

from typing import ClassVar, Dict, Type


class Error(Exception):
    """A failure with one sentence for a person: what, where, and what to do. Answered as 500."""

    #: The number that crosses to the host.
    status: ClassVar[int] = 1

    @property
    def message(self) -> str:
        """The sentence."""
        return str(self.args[0]) if self.args else type(self).__name__


class Invalid(Error):
    """The input is wrong: 400."""

    status = 2


class NotFound(Error):
    """What was asked for does not exist: 404."""

    status = 3


class Conflict(Error):
    """It clashes with something that exists: 409."""

    status = 4


class Denied(Error):
    """Not allowed; the host's text names the missing permission: 403."""

    status = 5


class Limit(Error):
    """A budget is used up: 429."""

    status = 6


class TooLarge(Error):
    """One item is too large: 413."""

    status = 7


class Closed(Error):
    """The client has left, or the host has already answered."""

    status = 8


class Timeout(Error):
    """It took too long: 504."""

    status = 9


class Unavailable(Error):
    """Not able right now: 503."""

    status = 10


class Unsupported(Error):
    """Neither this plugin nor this host does that: 501."""

    status = 11


_BY_STATUS: Dict[int, Type[Error]] = {
    kind.status: kind
    for kind in (Error, Invalid, NotFound, Conflict, Denied, Limit, TooLarge, Closed, Timeout,
                 Unavailable, Unsupported)
}


def of_status(status: int, message: str) -> Error:
    """The error of a status number; one that is not known is a plain `Error`."""
    return _BY_STATUS.get(status, Error)(message)


class FrameError(Exception):
    """Bytes that are no message; the lane is of no use any more."""


class Ended(Exception):
    """The host closed a lane: this process has nothing left to do."""
