"""The bytes of replies: one per batch, or one per part of a streamed answer.

    REPLY  code, message, { PRED }* -1
    PRED   request_id, content_type, status, phrase, count of headers, {name, value}*, body

`str` and bytes go out as they are, other values as JSON with an indent of 2.
Source: TorchServe 0.12.
"""

from __future__ import annotations

import json
from struct import Struct, error as StructError
from typing import Any, Iterable, List, Optional, Sequence, Tuple

from .context import RequestProcessor

_INT = Struct(">i").pack
_END = _INT(-1)
_NOTHING = _INT(0)
#: The message of a batch that went well.
SUCCESS = "Prediction success"
#: The message of one whose answers cannot be sent.
UNSUPPORTED = "Unsupported model output data type."
#: What stands for the answer to a request of a batch that failed.
_ERROR_BODY = b"error"
#: The response header that says whether more of a streamed answer is to come.
STREAM_NEXT = "ts_stream_next"


class Unsupported(Exception):
    """An answer that is neither text nor bytes nor JSON."""


def text(value: str) -> bytes:
    """A text with its length before it."""
    encoded = value.encode("utf-8")
    return _INT(len(encoded)) + encoded


_SUCCESS = _INT(200) + text(SUCCESS)
_FAILED_TAIL = _NOTHING + _NOTHING + _INT(len(_ERROR_BODY)) + _ERROR_BODY


def loaded(code: int, message: str) -> bytes:
    """The reply to LOAD."""
    return _INT(code) + text(message) + _END


def failed(code: int, message: str, ids: Iterable[str]) -> bytes:
    """The reply to a batch that failed as a whole."""
    parts: List[bytes] = [_INT(code), text(message)]
    for request_id in ids:
        parts += (text(request_id), _NOTHING, _INT(code), _FAILED_TAIL)
    parts.append(_END)
    return b"".join(parts)


def answered(
    ids: Sequence[str],
    answers: Sequence[RequestProcessor],
    values: Sequence[Any],
    begin: Optional[Tuple[int, str]] = None,
    refused: Iterable[bytes] = (),
) -> bytes:
    """The reply to a batch that went well: one value per request.

    `begin` is another code and message than success, `refused` the predictions of requests that
    the handler never saw. Raises `Unsupported`.
    """
    parts = [_SUCCESS if begin is None else _INT(begin[0]) + text(begin[1])]
    try:
        for request_id, answer, value in zip(ids, answers, values):
            parts.append(prediction(request_id, answer, body(value)))
    except (StructError, ValueError, TypeError, AttributeError) as error:
        raise Unsupported(str(error)) from None
    parts.extend(refused)
    parts.append(_END)
    return b"".join(parts)


def prediction(request_id: str, answer: RequestProcessor, content: bytes) -> bytes:
    """The answer to one request."""
    headers = answer.headers
    parts = [text(request_id), text(headers.get("content-type") or "")]
    parts += (_INT(answer.status), text(answer.phrase), _INT(len(headers)))
    for name, value in headers.items():
        parts += (text(name), text(value))
    parts += (_INT(len(content)), content)
    return b"".join(parts)


def refusal(request_id: str, message: str) -> bytes:
    """The answer 400 to a request of a batch that the handler never saw."""
    document = {"code": 400, "type": "BadRequestException", "message": message}
    answer = RequestProcessor({})
    answer.report_status(400, "Bad Request")
    answer.headers["content-type"] = "application/json"
    return prediction(request_id, answer, (json.dumps(document, indent=2) + "\n").encode())


def body(value: Any) -> bytes:
    """The bytes of what a handler answered."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (bytes, bytearray)):
        return value
    try:
        return json.dumps(value, indent=2).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise Unsupported(str(error)) from None
