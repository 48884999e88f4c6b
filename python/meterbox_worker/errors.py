"""Errors that cross the worker: what handlers raise on purpose, and what ends it."""


class PredictionException(Exception):
    """Raised by a handler to choose the code and the message of the answer to its batch."""

    def __init__(self, message: str, error_code: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code

    def __str__(self) -> str:
        return f"{self.message} : {self.error_code}"


class FrameError(Exception):
    """Bytes that are no request; the connection is of no use any more."""


class ConnectionEnded(Exception):
    """The server closed the connection in the middle of a request."""


class LoadError(Exception):
    """Why a model cannot be loaded: what, where, and what to do."""
