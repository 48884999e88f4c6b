"""What a plugin is asked over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any, List, Optional, Tuple
from urllib.parse import parse_qsl

from .codes import Message
from .errors import Invalid, TooLarge
from .link import Link
from .reply import Responder
from .wire import Put, Take

#: Most bytes that `Request.body` reads unless told otherwise.
BODY_BYTES_MAX = 16 * 1024 * 1024
#: Read from the host at a time.
PIECE_BYTES = 1 << 20
_NO_DEADLINE = (1 << 64) - 1
_ALL_FOLLOWS = 1
_IS_READ = 2


class Request:
    """One HTTP request. It may be kept after the call; its body can be read once."""

    def __init__(self, link: Link, take: Take) -> None:
        self._link = link
        self.route_number = take.u32()
        self.call_number = take.u64()
        #: The method in upper case: `GET`.
        self.method = take.text()
        #: The whole path as it came, without the query: `/drift/noop`.
        self.path = take.text()
        #: What follows the route's own segment: `/noop`; empty when nothing does.
        self.rest = take.text()
        #: The query as it came, without its `?`.
        self.query = take.text()
        #: The address of the client, for logs.
        self.peer = take.text()
        #: All headers in their order, names in lower case.
        self.headers: List[Tuple[str, bytes]] = take.list(lambda: (take.text(), take.bytes()))
        left, self._body_form = take.u64(), take.u8()
        self._until = None if left == _NO_DEADLINE else time.monotonic() + left / 1e9
        self._body = take.bytes() if self._body_form == _ALL_FOLLOWS else b""
        self._responder: Optional[Responder] = None

    def header(self, name: str) -> Optional[str]:
        """The first header of this name, in any case; `None` when it is missing or no text."""
        wanted = name.lower()
        for known, value in self.headers:
            if known == wanted:
                try:
                    return value.decode()
                except UnicodeDecodeError:
                    return None
        return None

    def query_pairs(self) -> List[Tuple[str, str]]:
        """All pairs of the query in their order, percent-decoded."""
        return parse_qsl(self.query, keep_blank_values=True)

    def query_value(self, key: str, default: str = "") -> str:
        """The first value of this key in the query."""
        return next((value for known, value in self.query_pairs() if known == key), default)

    def query_values(self, key: str) -> List[str]:
        """Every value of this key in the query, as for `name[]=a&name[]=b`."""
        return [value for known, value in self.query_pairs() if known == key]

    @property
    def seconds_left(self) -> Optional[float]:
        """Time until the host answers in the plugin's place; `None` for no limit."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def body(self, bytes_max: int = BODY_BYTES_MAX) -> bytes:
        """The rest of the body. Waits for the client. Raises `TooLarge`, and `Closed` when it left."""
        pieces: List[bytes] = []
        length = 0
        while True:
            piece = self.read()
            if not piece:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            length += len(piece)
            if length > bytes_max:
                raise TooLarge(f"the body is longer than {bytes_max} bytes")
            pieces.append(piece)

    def read(self, bytes_max: int = PIECE_BYTES) -> bytes:
        """The next bytes of the body; empty at its end."""
        if self._body_form == _IS_READ:
            return self._link.ask(Message.BODY, Put().u64(self.call_number).u32(bytes_max).whole()).bytes()
        piece, self._body = self._body[:bytes_max], self._body[bytes_max:]
        return piece

    def json(self) -> Any:
        """The body as JSON. Raises `Invalid` when it is none."""
        try:
            return json.loads(self.body())
        except ValueError as error:
            raise Invalid(f"the body is no JSON: {error}") from None

    @property
    def is_deferred(self) -> bool:
        """Whether the answer was taken over."""
        return self._responder is not None

    def defer(self) -> Responder:
        """Takes over the answer: it is given later, from any thread; what the method returns does not count."""
        if self._responder is None:
            self._responder = Responder(self._link, self.call_number, deferred=True)
        return self._responder
