"""From the bytes of an input to the value that a handler gets.

`application/json` becomes what JSON makes of it, `text/*` a `str`, everything else stays a
`bytearray`. `TS_DECODE_INPUT_REQUEST=false` turns that off.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping

#: Makes a value of a content type and bytes.
Decode = Callable[[str, bytearray], Any]


class BadInput(Exception):
    """An input that is not what its content type says. It fails its own request, not the batch."""


def decoder(environment: Mapping[str, str]) -> Decode:
    """What the environment asks for."""
    wanted = environment.get("TS_DECODE_INPUT_REQUEST", "true").strip().lower()
    return decode if wanted == "true" else keep


def decode(content_type: str, value: bytearray) -> Any:
    """The value by its content type."""
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "application/json":
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"is not JSON: {error}") from None
    if kind.startswith("text/"):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    return value


def keep(content_type: str, value: bytearray) -> Any:
    """The value as it came."""
    return value
