"""How a plugin answers a request: with what its method returns, in pieces, or later."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from .codes import Message
from .errors import Closed, Error, Invalid
from .link import Link
from .wire import Put

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
BYTES = "application/octet-stream"
#: What `Reply.parts` says on the wire.
HEAD, END, FAILURE = 1, 2, 4
#: The HTTP status of a failure, by the number that crosses.
HTTP_STATUSES: Mapping[int, int] = {2: 400, 3: 404, 4: 409, 5: 403, 6: 429, 7: 413, 9: 504, 10: 503, 11: 501}
Piece = Union[str, bytes, bytearray]


class Reply:
    """An answer with status and headers. The body is text, bytes, or an iterable of these that is sent piece by piece."""

    def __init__(self, body: Union[Piece, Iterable[Piece]] = b"", status: int = 200, content_type: str = "",
                 headers: Optional[Mapping[str, str]] = None) -> None:
        self.status = status
        self.headers: Dict[str, str] = dict(headers or {})
        self.body = body
        if not content_type:
            content_type = BYTES if isinstance(body, (bytes, bytearray)) else TEXT
        self.headers.setdefault("content-type", content_type)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Optional[Mapping[str, str]] = None) -> Reply:
        """A value as JSON."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(text, status, JSON, headers)

    @classmethod
    def html(cls, page: str, status: int = 200, headers: Optional[Mapping[str, str]] = None) -> Reply:
        """A page."""
        return cls(page, status, HTML, headers)

    @classmethod
    def of(cls, answer: object) -> Reply:
        """What a method may return: a `Reply`, text, bytes, a dict or list (JSON), or an iterator of pieces."""
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, (str, bytes, bytearray)):
            return cls(answer)
        if isinstance(answer, (dict, list)):
            return cls.json(answer)
        if hasattr(answer, "__next__"):
            return cls(answer)  # type: ignore[arg-type]
        what = "nothing" if answer is None else f"a {type(answer).__name__}"
        raise Error(f"the method answered {what}; return text, bytes, a dict, a list, an iterator or a Reply")


def _bytes(piece: Piece) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


class Responder:
    """The answer to one request, given once. Between threads it needs a lock of yours."""

    def __init__(self, link: Link, call: int, deferred: bool = False) -> None:
        self._link = link
        self._call = call
        self._head: Optional[Tuple[int, List[Tuple[str, bytes]]]] = (200, [])
        self._over = False
        self.deferred = deferred
        if deferred:
            link.expect_drops()

    def head(self, status: int = 200, headers: Optional[Mapping[str, str]] = None) -> None:
        """Sets status and headers; they go out with the first bytes."""
        if self._head is None:
            raise Invalid("the head of the answer was sent already")
        self._head = (status, [(name, value.encode()) for name, value in (headers or {}).items()])

    def send(self, answer: object, wait: bool = False) -> None:
        """Answers with what a method may return. Raises `Closed` when the client left meanwhile."""
        reply = Reply.of(answer)
        self.head(reply.status, reply.headers)
        if isinstance(reply.body, (str, bytes, bytearray)):
            self.finish(reply.body, wait)
            return
        for piece in reply.body:
            self.write(piece)
        self.finish(wait=wait)

    def write(self, piece: Piece) -> None:
        """Sends these bytes, the head first. Waits while too much waits for the client; raises `Closed`."""
        content = _bytes(piece)
        if content:
            self._link.ask(Message.REPLY, self._part(0, content))

    def finish(self, piece: Piece = b"", wait: bool = False) -> None:
        """Ends the answer with these last bytes."""
        self._link.tell(Message.REPLY, self._part(END, _bytes(piece)), wait)
        self._over = True

    def fail(self, error: Error) -> None:
        """The whole answer is this error; after the first bytes it breaks the answer off."""
        self._open()
        put = Put().u64(self._call).u8(FAILURE).u16(HTTP_STATUSES.get(error.status, 500)).text(error.message)
        self._link.tell(Message.REPLY, put.whole())
        self._over = True

    @property
    def closed(self) -> bool:
        """Whether nobody wants the answer any more; worth asking in a long stream."""
        return self._over or bool(self._link.ask(Message.CLOSED, Put().u64(self._call).whole()).u8())

    def _open(self) -> None:
        if self._over:
            raise Closed("this request has been answered already")

    def _part(self, parts: int, content: bytes) -> bytes:
        self._open()
        head, self._head = self._head, None
        put = Put().u64(self._call).u8(parts | (HEAD if head else 0))
        if head:
            status, headers = head
            put.u16(status).list(headers, lambda pair: put.text(pair[0]).bytes(pair[1]))
        return put.bytes(content).whole()

    def __del__(self) -> None:
        if self.deferred and not self._over:
            self._link.dropped(self._call)
