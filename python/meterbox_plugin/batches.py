"""Batches of metrics: rows of records whose columns can be read in place, both ways."""

from __future__ import annotations

from array import array
from struct import Struct
from typing import Iterable, List, NamedTuple, Sequence

from .codes import Kind
from .errors import FrameError

_FAMILY = 1
_SEGMENT = 2
_PAIR = Struct("<II")
_ONE = Struct("<Q")
_THREE = Struct("<QQQ")
#: Form of each column after the label text that is used here.
_COLUMNS = "IdQQd"


class Head(NamedTuple):
    """What describes a family."""

    kind: Kind
    name: str
    help: str
    unit: str = ""
    set: str = ""
    bounds: Sequence[float] = ()
    flags: int = 0


class Columns(NamedTuple):
    """Up to 256 series of one family; a column that its kind lacks is empty."""

    label_text: bytes
    label_ends: Sequence[int]
    values: Sequence[float]
    buckets: Sequence[int]
    counts: Sequence[int]
    sums: Sequence[float]


class Found(NamedTuple):
    """A family with its segments, as a batch has them."""

    head: Head
    segments: List[Columns]


def _column(content: bytes, size: int = 1) -> bytes:
    return _PAIR.pack(len(content) // size, size) + content + bytes(-len(content) % 8)


def _text(text: str) -> bytes:
    return _column(text.encode("utf-8", "replace"))


def _numbers(form: str, numbers: Iterable[float]) -> bytes:
    column = array(form, numbers)
    return _column(column.tobytes(), column.itemsize)


def family(head: Head) -> bytes:
    """The record of a family."""
    return b"".join((
        _ONE.pack(_FAMILY), _PAIR.pack(head.kind, head.flags), _text(head.name), _text(head.help),
        _text(head.unit), _text(head.set), _numbers("d", head.bounds),
    ))


def segment(columns: Columns) -> bytes:
    """The record of a segment of the family before it."""
    columns_after = (_numbers(form, column) for form, column in zip(_COLUMNS, columns[1:]))
    # The host numbers structures of its own; 0 says that this segment has none.
    head = _THREE.pack(_SEGMENT, 0, 1 + len(_COLUMNS))
    return b"".join((head, _column(columns.label_text), *columns_after))


def read(batches: Iterable[bytes]) -> List[Found]:
    """The families in batches of one gather; columns are lent from the batches."""
    found: List[Found] = []
    for batch in batches:
        reader = _Reader(memoryview(batch))
        while reader.left:
            record = reader.number()
            if record == _FAMILY:
                found.append(Found(reader.family(), []))
            elif record == _SEGMENT and found:
                found[-1].segments.append(reader.segment())
            else:
                raise FrameError(f"a record of type {record}")
    return found


class _Reader:
    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._view) - self._at

    def number(self) -> int:
        self._at += 8
        if self.left < 0:
            raise FrameError("a batch that ends too early")
        return _ONE.unpack_from(self._view, self._at - 8)[0]

    def _pair(self) -> List[int]:
        both = self.number()
        return [both & 0xFFFF_FFFF, both >> 32]

    def _column(self, form: str) -> memoryview:
        count, size = self._pair()
        begin, end = self._at, self._at + count * size
        self._at = end + -(count * size) % 8
        if self.left < 0:
            raise FrameError("a batch that ends too early")
        return self._view[begin:end].cast(form)  # type: ignore[call-overload]

    def _text(self) -> str:
        return bytes(self._column("B")).decode()

    def family(self) -> Head:
        kind, flags = self._pair()
        name, help, unit, set = (self._text() for _ in range(4))
        return Head(Kind.of(kind), name, help, unit, set, self._column("d"), flags)

    def segment(self) -> Columns:
        _structure, columns = self.number(), self.number()
        found = Columns(bytes(self._column("B")), *(self._column(form) for form in _COLUMNS))
        for _ in range(columns - 1 - len(_COLUMNS)):
            self._column("B")
        return found
