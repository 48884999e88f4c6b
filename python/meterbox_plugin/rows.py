"""What the host tells in rows with numbered fields: its models, and events."""

from __future__ import annotations

from typing import NamedTuple, Optional

from .codes import EventKinds
from .wire import Row


class Model(NamedTuple):
    """One version of a registered model."""

    name: str
    version: str
    #: Whether requests without a version go to this one.
    is_default: bool
    workers_ready: int
    workers_min: int
    workers_max: int
    #: Requests that wait in the queue.
    queue_len: int

    @classmethod
    def read(cls, row: Row) -> Model:
        """A row as the host sends it; what it lacks is empty or 0."""
        return cls(str(row.get(1, "")), str(row.get(2, "")), bool(number_of(row, 3)),
                   *(number_of(row, field) for field in range(4, 8)))


def number_of(row: Row, field: int) -> int:
    """A whole number of a row; 0 when it has none."""
    found = row.get(field)
    return int(found) if isinstance(found, float) else 0


class Event(NamedTuple):
    """One event. What an event of its kind does not have is `None`."""

    kind: EventKinds
    #: When it happened, in Unix seconds.
    unix_seconds: Optional[float] = None
    model: Optional[str] = None
    model_version: Optional[str] = None
    worker: Optional[str] = None
    #: HTTP method and path of a request.
    method: Optional[str] = None
    path: Optional[str] = None
    #: Why a worker died or a model failed.
    reason: Optional[str] = None
    #: Family name and label text of a sample.
    metric: Optional[str] = None
    labels: Optional[str] = None
    #: HTTP status of a request.
    status: Optional[int] = None
    #: Whole time of a request, and the part that it waited in the queue.
    seconds: Optional[float] = None
    queue_seconds: Optional[float] = None
    #: Bytes of a request's and of a reply's body.
    bytes_in: Optional[int] = None
    bytes_out: Optional[int] = None
    #: Value of a sample.
    value: Optional[float] = None

    @classmethod
    def read(cls, row: Row) -> Event:
        """A row as the host sends it."""
        fields = [row.get(number) for number in range(2, 17)]
        for whole in (_STATUS, _BYTES_IN, _BYTES_OUT):
            found = fields[whole]
            fields[whole] = None if found is None else int(found)
        return cls(EventKinds(number_of(row, 1)), *fields)  # type: ignore[arg-type]


#: Places of whole numbers among the fields after the kind.
_STATUS = 9
_BYTES_IN = 12
_BYTES_OUT = 13
