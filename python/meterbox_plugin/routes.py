"""Which requests a plugin answers, and with which of its methods: the decorators, and what they note down."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, TypeVar

from .codes import ANY_METHOD, LISTENERS, METHODS
from .errors import Invalid, NotFound, Unsupported

#: Most routes of one plugin.
ROUTES_MAX = 64
_PATTERN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*(/\{rest\})?")
_NOTES = "_meterbox_routes"
Method = TypeVar("Method", bound=Callable[..., Any])


class Note(NamedTuple):
    """What a decorator says: this method answers these HTTP methods of this route."""

    listener: str
    pattern: str
    methods: int


def route(pattern: str, methods: int, on: str = "metrics") -> Callable[[Method], Method]:
    """The method answers requests for a path and everything below it on one of the host's listeners.

    `"drift"` is `/drift` and below, `"drift/job/{rest}"` only what is below `/drift/job`; of several routes that match
    a path the longest answers.
    """

    def decorate(method: Method) -> Method:
        notes: List[Note] = vars(method).setdefault(_NOTES, [])
        notes.append(Note(on, pattern.lstrip("/"), methods))
        return method

    return decorate


def get(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers `GET`, and `HEAD` by dropping the body. `on` is "metrics", "inference" or "management"."""
    return route(pattern, METHODS["GET"] | METHODS["HEAD"], on)


def post(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers `POST`."""
    return route(pattern, METHODS["POST"], on)


def put(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers `PUT`."""
    return route(pattern, METHODS["PUT"], on)


def delete(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers `DELETE`."""
    return route(pattern, METHODS["DELETE"], on)


def patch(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers `PATCH`."""
    return route(pattern, METHODS["PATCH"], on)


def any_method(pattern: str, on: str = "metrics") -> Callable[[Method], Method]:
    """Answers every method that no other handler of this route names."""
    return route(pattern, ANY_METHOD, on)


class Entry(NamedTuple):
    """One route and what answers it."""

    listener: int
    pattern: str
    handlers: List[Tuple[int, Callable[[Any], Any]]]

    @property
    def methods(self) -> int:
        """All HTTP methods that are answered."""
        both = 0
        for methods, _ in self.handlers:
            both |= methods
        return both

    def handler(self, method: str) -> Callable[[Any], Any]:
        """What answers this HTTP method: the handler that names it, else the one for any."""
        bit = METHODS.get(method, 0)
        rest: Optional[Callable[[Any], Any]] = None
        for methods, handler in self.handlers:
            if methods == ANY_METHOD:
                rest = rest or handler
            elif methods & bit:
                return handler
        if rest is None:
            raise Unsupported(f"{self.pattern} does not answer {method}")
        return rest


class Routes:
    """The routes of one plugin object; a route's number is its place."""

    def __init__(self, plugin: object) -> None:
        found: Dict[Tuple[int, str], Entry] = {}
        for name in dir(type(plugin)):
            for note in getattr(getattr(type(plugin), name), _NOTES, ()):
                key = (_listener(note), note.pattern)
                entry = found.setdefault(key, Entry(*key, []))
                entry.handlers.append((note.methods, getattr(plugin, name)))
        self.entries = list(found.values())
        if len(self.entries) > ROUTES_MAX:
            raise Invalid(f"more than {ROUTES_MAX} routes")

    def find(self, number: int) -> Entry:
        """The route of this number."""
        if number < len(self.entries):
            return self.entries[number]
        raise NotFound("no such route")


def _listener(note: Note) -> int:
    if not _PATTERN.fullmatch(note.pattern):
        raise Invalid(
            f"route {note.pattern!r} is not path segments of letters, digits, -, ., _ or ~ with / between them, "
            "and maybe /{rest} at the end"
        )
    if note.listener not in LISTENERS:
        names = ", ".join(LISTENERS)
        raise Invalid(f"route {note.pattern}: {note.listener!r} is no listener; those are {names}")
    return LISTENERS[note.listener]
