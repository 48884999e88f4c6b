"""Bytes off the socket: numbers, texts and blobs, read ahead into one buffer.

Lengths are checked before anything is reserved for them, and memory for a large body grows with the
bytes that arrive. What the values mean is up to `requests`.
"""

from __future__ import annotations

import socket
from struct import Struct
from typing import Dict, Optional

from .errors import ConnectionEnded, FrameError

#: Longest name, header value or path, in bytes.
TEXT_BYTES_MAX = 1 << 20
#: Size of the buffer to begin with.
BUFFER_BYTES = 1 << 16
#: How much of a large body is reserved at a time.
STEP_BYTES = 4 << 20
#: Ends a list.
END = -1
#: Most pairs in a list.
PAIRS_MAX = 100_000
#: Longest list of pairs that is remembered, in bytes.
SEEN_BYTES_MAX = 4096

_INT = Struct(">i")
_read_int = _INT.unpack_from


class Reader:
    """Reads the values of the protocol from a connected socket."""

    __slots__ = ("_connection", "_buffer", "_view", "_at", "_end", "_seen", "_seen_pairs")

    def __init__(self, connection: socket.socket, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._connection = connection
        self._buffer = bytearray(buffer_bytes)
        self._view = memoryview(self._buffer)
        self._at = 0
        self._end = 0
        #: The bytes of the last list of pairs, and what it held.
        self._seen = b""
        self._seen_pairs: Dict[str, str] = {}

    def command(self) -> Optional[int]:
        """The byte that begins a request; `None` if the server closed the connection instead."""
        if self._at == self._end:
            self._at = 0
            self._end = self._connection.recv_into(self._buffer)
            if self._end == 0:
                return None
        self._at += 1
        return self._buffer[self._at - 1]

    def byte(self) -> int:
        """One byte."""
        if self._at == self._end:
            self._fill(1)
        self._at += 1
        return self._buffer[self._at - 1]

    def number(self) -> int:
        """A signed number of 32 bits."""
        at = self._at
        if self._end - at < 4:
            self._fill(4)
            at = self._at
        self._at = at + 4
        return _read_int(self._buffer, at)[0]

    def text(self) -> str:
        """A text with its length before it."""
        text = self.text_or_end()
        if text is None:
            raise FrameError("a text has the length -1")
        return text

    def text_or_end(self) -> Optional[str]:
        """A text that begins an item of a list; `None` at the end of the list."""
        at = self._at
        if self._end - at < 4:
            self._fill(4)
            at = self._at
        length = _read_int(self._buffer, at)[0]
        begin = at + 4
        end = begin + length
        if end > self._end or length < 0:
            self._at = begin
            if length == END:
                return None
            if length < 0 or length > TEXT_BYTES_MAX:
                raise FrameError(f"a text has the length {length}: at most {TEXT_BYTES_MAX} bytes")
            self._fill(length)
            begin = self._at
            end = begin + length
        self._at = end
        try:
            return self._buffer[begin:end].decode()
        except UnicodeDecodeError as error:
            raise FrameError(f"a text is not UTF-8: {error.reason} at byte {error.start}") from None

    def pairs(self) -> Dict[str, str]:
        """A list of names and values, both texts. To be read only: the same list may come again."""
        buffer, at, end = self._buffer, self._at, self._end
        seen = self._seen
        # The headers of a client's next request are nearly always those of its last.
        if seen and at + len(seen) <= end and buffer.startswith(seen, at):
            self._at = at + len(seen)
            return self._seen_pairs
        found: Dict[str, str] = {}
        first = at
        # What is in the buffer already is read without a call per text.
        while at + 4 <= end:
            length = _read_int(buffer, at)[0]
            if length == END:
                self._at = at + 4
                if self._at - first <= SEEN_BYTES_MAX:
                    self._seen, self._seen_pairs = bytes(buffer[first:self._at]), found
                return found
            middle = at + 4 + length
            if length < 0 or middle + 4 > end:
                break
            begin = middle + 4
            after = begin + _read_int(buffer, middle)[0]
            if after < begin or after > end:
                break
            try:
                found[buffer[at + 4:middle].decode()] = buffer[begin:after].decode()
            except UnicodeDecodeError:
                break
            at = after
            if len(found) > PAIRS_MAX:
                break
        self._at = at
        name = self.text_or_end()
        while name is not None:
            found[name] = self.text()
            if len(found) > PAIRS_MAX:
                raise FrameError(f"a list has more than {PAIRS_MAX} names")
            name = self.text_or_end()
        return found

    def blob(self) -> bytearray:
        """Bytes with their length before them."""
        length = self.number()
        if length < 0:
            raise FrameError(f"a body has the length {length}")
        begin = self._at
        taken = min(length, self._end - begin)
        self._at = begin + taken
        content = bytearray(self._view[begin:begin + taken])
        while len(content) < length:
            self._receive(content, min(length - len(content), STEP_BYTES))
        return content

    def _receive(self, content: bytearray, count: int) -> None:
        """Appends `count` bytes to `content`, past the buffer, which is empty."""
        done = len(content)
        content.extend(bytes(count))
        with memoryview(content) as view:
            while done < len(content):
                got = self._connection.recv_into(view[done:])
                if got == 0:
                    raise ConnectionEnded
                done += got

    def _fill(self, count: int) -> None:
        """Makes the next `count` bytes available in the buffer."""
        kept = bytes(self._view[self._at:self._end])
        if count > len(self._buffer):
            self._buffer = bytearray(count)
            self._view = memoryview(self._buffer)
        self._view[:len(kept)] = kept
        self._at = 0
        self._end = len(kept)
        while self._end < count:
            got = self._connection.recv_into(self._view[self._end:])
            if got == 0:
                raise ConnectionEnded
            self._end += got
