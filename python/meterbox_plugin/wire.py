"""Payloads of the runner protocol: fields one after the other, little endian, lengths before texts."""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Callable, Iterable, List, Mapping, Tuple, TypeVar, Union

from .errors import FrameError

#: Longest payload, in bytes.
PAYLOAD_BYTES_MAX = 64 << 20

HEADER = Struct("<IHH")
_U8 = Struct("<B")
_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")
_F64 = Struct("<d")
_TEXT = 1
_NUMBER = 2

Bytes = Union[bytes, bytearray, memoryview]
#: A whole payload; classes here have methods named like the type.
Whole = bytes
#: A row of a table: fields by their numbers.
Row = Mapping[int, Union[str, float]]
T = TypeVar("T")


class Put:
    """Writes a payload, field by field; every method gives the same object back."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: List[Bytes] = []

    def bytes(self, value: Bytes) -> Put:
        self.parts.append(_U32.pack(len(value)))
        self.parts.append(value)
        return self

    def u8(self, value: int) -> Put:
        self.parts.append(_U8.pack(value))
        return self

    def u16(self, value: int) -> Put:
        self.parts.append(_U16.pack(value))
        return self

    def u32(self, value: int) -> Put:
        self.parts.append(_U32.pack(value))
        return self

    def u64(self, value: int) -> Put:
        self.parts.append(_U64.pack(value))
        return self

    def f64(self, value: float) -> Put:
        self.parts.append(_F64.pack(value))
        return self

    def text(self, value: str) -> Put:
        # A lone surrogate is no text anywhere else.
        return self.bytes(value.encode("utf-8", "replace"))

    def texts(self, values: Iterable[str]) -> Put:
        return self.list(values, self.text)

    def list(self, values: Iterable[T], put: Callable[[T], object]) -> Put:
        values = list(values)
        self.u32(len(values))
        for value in values:
            put(value)
        return self

    def row(self, row: Row) -> Put:
        """One row of a table; numbers and texts."""
        self.u32(len(row))
        for field, value in row.items():
            self.u32(field)
            if isinstance(value, str):
                self.u8(_TEXT).text(value)
            else:
                self.u8(_NUMBER).f64(value)
        return self

    def whole(self) -> Whole:
        """The payload."""
        return b"".join(self.parts)


class Take:
    """Reads a payload, field by field. What is too short or no text is a `FrameError`."""

    __slots__ = ("_content", "_at")

    def __init__(self, content: Bytes) -> None:
        self._content = content
        self._at = 0

    def _fixed(self, form: Struct) -> Tuple[int, ...]:
        at = self._at
        self._at = at + form.size
        try:
            return form.unpack_from(self._content, at)
        except StructError:
            raise FrameError(f"a payload of {len(self._content)} bytes ends too early") from None

    def u8(self) -> int:
        return self._fixed(_U8)[0]

    def u16(self) -> int:
        return self._fixed(_U16)[0]

    def u32(self) -> int:
        return self._fixed(_U32)[0]

    def u64(self) -> int:
        return self._fixed(_U64)[0]

    def f64(self) -> float:
        return self._fixed(_F64)[0]

    def bytes(self) -> bytes:
        length = self.u32()
        begin = self._at
        end = begin + length
        if end > len(self._content):
            raise FrameError(f"{length} bytes are announced where {len(self._content) - begin} follow")
        self._at = end
        return bytes(self._content[begin:end])

    def text(self) -> str:
        try:
            return self.bytes().decode()
        except UnicodeDecodeError as error:
            raise FrameError(f"a text is not UTF-8: {error.reason} at byte {error.start}") from None

    def texts(self) -> List[str]:
        return self.list(self.text)

    def list(self, take: Callable[[], T]) -> List[T]:
        count = self.u32()
        # The smallest item has a byte, so a count that cannot be is found before room is made.
        if count > len(self._content) - self._at:
            raise FrameError(f"{count} items are announced where {len(self._content) - self._at} bytes follow")
        return [take() for _ in range(count)]

    def table(self) -> List[Row]:
        """Rows; a field of a type that is not known is an error, as its length is not known."""
        return self.list(self._row)

    def _row(self) -> Row:
        return dict(self.list(self._field))

    def _field(self) -> Tuple[int, Union[str, float]]:
        field, kind = self.u32(), self.u8()
        if kind == _TEXT:
            return field, self.text()
        if kind == _NUMBER:
            return field, self.f64()
        raise FrameError(f"field {field} has the type {kind}")

    def rest(self) -> Bytes:
        """Everything that is left."""
        begin, self._at = self._at, len(self._content)
        return memoryview(self._content)[begin:]

    def end(self) -> None:
        """Says that nothing may follow."""
        if self._at != len(self._content):
            raise FrameError(f"{len(self._content) - self._at} bytes follow the last field")
