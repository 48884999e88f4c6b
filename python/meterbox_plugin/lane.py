"""A lane: one connected socket, used by one thread at a time, strictly in turns.

Everything follows the header in the socket; the shared arenas of the protocol are declined, since a
copy through the socket costs less than what Python does with the bytes.
"""

from __future__ import annotations

import socket
from typing import List, Tuple

from .errors import Ended, FrameError
from .wire import HEADER, PAYLOAD_BYTES_MAX, Bytes

#: Read at a time; nearly every message is smaller.
READ_BYTES = 1 << 16


class Lane:
    """Sends and receives frames over a socket."""

    def __init__(self, connection: socket.socket, begun: bytes = b"") -> None:
        self._connection = connection
        #: What was read beyond the last frame.
        self._ahead = begun
        self._queued: List[bytes] = []

    def queue(self, kind: int, payload: bytes) -> None:
        """Keeps a frame, to be sent in one write with the next one."""
        self._queued += (HEADER.pack(len(payload), kind, 0), payload)

    def send(self, kind: int, payload: bytes) -> None:
        """Sends a frame, and those that were kept before it. Raises `Ended` when the host is gone."""
        self._queued += (HEADER.pack(len(payload), kind, 0), payload)
        content, self._queued = b"".join(self._queued), []
        try:
            self._connection.sendall(content)
        except OSError:
            raise Ended from None

    def receive(self) -> Tuple[int, Bytes]:
        """The kind and payload of the next frame. Raises `Ended` at the end of the lane."""
        content = self._ahead
        while len(content) < HEADER.size:
            content += self._read()
        length, kind, flags = HEADER.unpack_from(content)
        if flags or length > PAYLOAD_BYTES_MAX:
            raise FrameError(f"a frame of {length} bytes with the flags {flags:#x}")
        begin, end = HEADER.size, HEADER.size + length
        if len(content) <= end:
            self._ahead = b""
            missing = end - len(content)
            if missing == 0:
                return kind, memoryview(content)[begin:]
            whole = bytearray(end)
            whole[:len(content)] = content
            self._fill(memoryview(whole)[len(content):])
            return kind, memoryview(whole)[begin:]
        self._ahead = content[end:]
        return kind, content[begin:end]

    def _read(self) -> bytes:
        try:
            content = self._connection.recv(READ_BYTES)
        except OSError:
            content = b""
        if not content:
            raise Ended
        return content

    def _fill(self, view: memoryview) -> None:
        while view:
            try:
                count = self._connection.recv_into(view)
            except OSError:
                count = 0
            if count == 0:
                raise Ended
            view = view[count:]
