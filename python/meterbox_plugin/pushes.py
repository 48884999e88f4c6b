"""What an exporter hands to the host for delivery."""

from __future__ import annotations

from typing import Mapping, Optional, Union

from .codes import Message
from .link import Link
from .wire import Put


class Pushes:
    """Takes pushes, in `Plugin.export`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def push(self, method: str, url: str, body: Union[str, bytes] = b"",
             headers: Optional[Mapping[str, str]] = None) -> None:
        """Hands over one request to an absolute address. Raises `Limit` when too much waits already,
        `TooLarge`, `Invalid`."""
        put = Put().text(method).text(url)
        put.list((headers or {}).items(), lambda pair: put.text(pair[0]).text(pair[1]))
        put.bytes(body.encode() if isinstance(body, str) else body)
        self._link.ask(Message.PUSH, put.whole())

    def post(self, url: str, body: Union[str, bytes], content_type: str) -> None:
        """Hands over a `POST`."""
        self.push("POST", url, body, {"content-type": content_type})
