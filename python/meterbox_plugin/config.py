"""A plugin's configuration: its own table, a dict, with readers whose errors a person can act on."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Sequence

from .errors import Invalid


class Config(Dict[str, Any]):
    """The table of `<name>.toml` beside the plugin; empty when there is no such file.

    A missing key takes the default; without one, or when its value has the wrong type, the reader
    raises `Invalid` with file, key, what was found and what was expected.
    """

    def __init__(self, origin: str = "config", table: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(table or {})
        self._origin = origin

    @classmethod
    def from_json(cls, plugin: str, text: str) -> Config:
        """Reads the form in which a table crosses; empty text is an empty table."""
        return cls(f"{plugin}.toml", json.loads(text) if text else {})

    def text(self, key: str, default: Optional[str] = None) -> str:
        """A text."""
        return self._read(key, default, "a text", lambda value: isinstance(value, str))

    def int(self, key: str, default: Optional[int] = None, minimum: Optional[int] = None,
            maximum: Optional[int] = None) -> int:
        """A whole number, within bounds if there are any."""
        found = self._read(key, default, "a whole number", _is_int)
        low = minimum is not None and found < minimum
        if low or (maximum is not None and found > maximum):
            low_text = "any" if minimum is None else minimum
            high_text = "any" if maximum is None else maximum
            raise Invalid(f"{self._origin}: {key} is {found} (expected {low_text} to {high_text})")
        return found

    def float(self, key: str, default: Optional[float] = None) -> float:
        """A number."""
        return float(self._read(key, default, "a number", _is_number))

    def bool(self, key: str, default: Optional[bool] = None) -> bool:
        """True or false."""
        return self._read(key, default, "true or false", lambda value: isinstance(value, bool))

    def texts(self, key: str, default: Optional[Sequence[str]] = None) -> List[str]:
        """A list of texts."""
        return list(self._read(key, default, "a list of texts", _are_texts))

    def table(self, key: str) -> Config:
        """A table inside this one; an empty one when it is missing."""
        found = self._read(key, {}, "a table", lambda value: isinstance(value, dict))
        return Config(f"{self._origin}: [{key}]", found)

    def allow_only(self, *known: str) -> None:
        """Refuses other keys than these, so that a misspelt one is not silently ignored."""
        for key in self:
            if key not in known:
                names = ", ".join(known)
                raise Invalid(f"{self._origin}: {key} is not a key of this plugin (known: {names})")

    def _read(self, key: str, default: Any, expected: str, fits: Any) -> Any:
        if key not in self:
            if default is None:
                raise Invalid(f"{self._origin}: {key} is missing (expected {expected})")
            return default
        if not fits(self[key]):
            found = json.dumps(self[key], ensure_ascii=False)
            raise Invalid(f"{self._origin}: {key} is {found} (expected {expected})")
        return self[key]


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_int(value) or isinstance(value, float)


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
