"""Tests a plugin without a server: a `unittest` makes a `Bench` of the plugin's class and asks it.

    class Drift(unittest.TestCase):
        def test_it_counts_who_asks(self):
            with Bench.of_file("drift.py", {"window": 60}) as bench:
                self.assertEqual(bench.get("/drift").json(), {"drift": 0.02})
                self.assertEqual(bench.value("drift_checks_total"), 1)

The plugin runs in the test's own process, over the very entries that the runner calls; what it asks of the
host is answered from memory.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from . import gathered, source
from .codes import LISTENERS, METHODS, Level, Message, Verdict
from .entries import Entries
from .errors import Error, of_status
from .fake_host import PATIENCE, Answer, DirectLink, FakeHost, Line, Push
from .families import Families
from .gathered import Family, Sample
from .host import Host
from .log import Bridge
from .plugin import Plugin
from .reply import HTTP_STATUSES
from .rows import Event
from .wire import Put, Row, Take

__all__ = ["Bench", "Line", "Push", "Reply"]


class Reply:
    """What a client got."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.body
        #: The pieces in which the body came.
        self.pieces = [piece for piece in answer.pieces if piece]
        #: The sentence of a failure.
        self.error = answer.error

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Bench:
    """A created and started plugin; as a context it is stopped at the end. `host` is what it talks to:
    set `host.models` or `host.denied`, look at `host.timers`."""

    def __init__(self, plugin: Type[Plugin], config: Optional[Mapping[str, Any]] = None, name: str = "plugin") -> None:
        self.host = FakeHost()
        link = DirectLink(self.host)
        self._entries = Entries(plugin, Host(link, self.host.cells, name, Level.TRACE), link)
        self._calls = 0
        self._bridge = Bridge(self._entries.host)
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self._bridge)
        root.setLevel(logging.DEBUG)
        try:
            self._run(Message.CREATE, Put().text(json.dumps(dict(config or {}))))
            self.routes = self._read_routes(self._run(Message.ROUTES))
            self._run(Message.START)
        except BaseException:
            self._detach()
            raise

    @classmethod
    def of_file(cls, path: Union[str, Path], config: Optional[Mapping[str, Any]] = None) -> Bench:
        """The plugin in this file, under the file's name."""
        path = Path(path)
        kind = source.load(path.read_bytes(), str(path), path.stem)
        return cls(kind, config, path.stem)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, seconds: float = 5.0) -> None:
        """Takes it out of service."""
        try:
            self._run(Message.STOP, Put().u64(int(seconds * 1e9)))
        finally:
            self._detach()

    def _detach(self) -> None:
        root = logging.getLogger()
        root.removeHandler(self._bridge)
        root.setLevel(self._level)

    @property
    def plugin(self) -> Plugin:
        """The plugin object."""
        return self._entries.plugin

    @property
    def log(self) -> List[Line]:
        """Every line that it logged."""
        return self.host.log

    def _run(self, kind: int, put: Optional[Put] = None) -> Take:
        """Runs one entry. Raises what it failed with."""
        take = Take(self._entries.run(kind, put.whole() if put else b""))
        status, message = take.u32(), take.text()
        if status:
            raise of_status(status, message)
        return take

    @staticmethod
    def _read_routes(take: Take) -> Dict[Tuple[str, int], int]:
        take.u32()
        routes: Dict[Tuple[str, int], int] = {}
        for _ in range(take.u32()):
            number, listener, pattern = take.u32(), take.u32(), take.text()
            routes[pattern, listener] = number
            take.u32()
        return routes

    def _find(self, path: str, listener: int) -> Tuple[Optional[int], str]:
        """The route of the longest pattern that matches, as in the host, and what follows it."""
        begin = path
        while begin:
            rest = path[len(begin):]
            below = self.routes.get((f"{begin}/{{rest}}", listener)) if rest else None
            number = self.routes.get((begin, listener)) if below is None else below
            if number is not None:
                return number, rest
            begin = begin.rpartition("/")[0]
        return None, ""

    def get(self, target: str, headers: Optional[Mapping[str, str]] = None, on: str = "metrics") -> Reply:
        """`GET target`."""
        return self.request("GET", target, b"", headers, on)

    def post(self, target: str, body: bytes = b"", headers: Optional[Mapping[str, str]] = None,
             on: str = "metrics") -> Reply:
        """`POST target` with a body."""
        return self.request("POST", target, body, headers, on)

    def request(self, method: str, target: str, body: bytes = b"", headers: Optional[Mapping[str, str]] = None,
                on: str = "metrics") -> Reply:
        """Asks as a client would, and waits for the whole answer. 404 and 405 are the host's."""
        path, _, query = target.partition("?")
        answer = Answer()
        number, rest = self._find(path.strip("/"), LISTENERS[on])
        if number is None:
            answer.fail(404, f"no route for {path} on {on}")
            return Reply(answer)
        assert self._entries.routes is not None
        if not self._entries.routes.find(number).methods & METHODS.get(method, 1 << 31):
            answer.fail(405, f"{path} does not answer {method}")
            return Reply(answer)
        self._calls += 1
        self.host.answers[self._calls] = answer
        put = Put().u32(number).u64(self._calls).text(method).text(path).text(rest)
        put.text(query).text("127.0.0.1:1")
        pairs = [(name.lower(), value.encode()) for name, value in (headers or {}).items()]
        put.list(pairs, lambda pair: put.text(pair[0]).bytes(pair[1])).u64((1 << 64) - 1)
        put.u8(1).bytes(body)
        try:
            self._run(Message.CALL, put)
        except Error as error:
            answer.fail(HTTP_STATUSES.get(error.status, 500), error.message)
        if not answer.over.wait(PATIENCE):
            raise TimeoutError(f"{method} {target} has no answer after {PATIENCE} s")
        return Reply(answer)

    def collect(self, names: Sequence[str] = ()) -> List[Family]:
        """What its collector shows. Raises what it failed with; `shown` has what came before."""
        self.host.shown.clear()
        self._run(Message.COLLECT, Put().texts(names))
        return self.shown

    @property
    def shown(self) -> List[Family]:
        """What its collector showed last."""
        return gathered.read(self.host.shown)

    def tick(self, id: int) -> None:
        """A timer comes round."""
        if id not in self.host.timers:
            raise AssertionError(f"timer {id} was not started; running are {sorted(self.host.timers)}")
        self._run(Message.TIMER, Put().u64(id))

    def tell(self, events: Sequence[Event]) -> None:
        """Events happen."""
        put = Put()
        self._run(Message.EVENTS, put.list([_row(event) for event in events], put.row))

    def export(self) -> List[Push]:
        """Lets it export what `gather` shows (see `host_shows`), and gives its pushes."""
        self.host.pushes.clear()
        self._run(Message.EXPORT)
        return self.host.pushes

    def classify(self, status: int, body: bytes = b"") -> Tuple[Verdict, str]:
        """How it judges the answer to a push."""
        take = Take(self._entries.run(Message.CLASSIFY, Put().u16(status).bytes(body).whole()))
        failed, reason = take.u32(), take.text()
        if failed:
            raise of_status(failed, reason)
        return Verdict(take.u32()), reason

    def host_shows(self, show: Any) -> None:
        """What the host's metrics are from now on: `show` gets a `Families` to fill."""
        shown: List[bytes] = []

        def keep(batch: bytes) -> bool:
            shown.append(batch)
            return False

        families = Families((), keep)
        show(families)
        families.finish()
        self.host.families = shown

    def sample(self, name: str, **labels: str) -> Optional[Sample]:
        """The series of a registered metric with these labels."""
        for family in self.host.registered():
            if family.name == name:
                return next((sample for sample in family if sample.labels == labels), None)
        return None

    def value(self, name: str, **labels: str) -> Optional[float]:
        """The value of a counter or gauge, the number of observations of a histogram or summary."""
        sample = self.sample(name, **labels)
        if sample is None:
            return None
        return sample.value if sample.value is not None else sample.count


def _row(event: Event) -> Row:
    """An event as the host sends it."""
    fields: Dict[int, Union[str, float]] = {}
    for number, value in enumerate(event, 1):
        if value is not None:
            fields[number] = value if isinstance(value, str) else float(value)
    return fields
