"""A host in memory: answers what a plugin asks, and keeps what it was told. What the testkit stands on."""

from __future__ import annotations

import threading
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .batches import Columns, Head
from .cells import Cells
from .codes import UNSET, EventKinds, Fact, Kind, Level, Message
from .errors import Conflict, Denied, Error, Invalid, NotFound, of_status
from .families import LABEL_NAME, METRIC_NAME
from .gathered import Family
from .link import Link
from .reply import END, FAILURE, HEAD
from .wire import Put, Row, Take

#: Bytes of the cells, and into how many stripes they are divided.
CELL_BYTES = 1 << 16
STRIPES = 8
#: How long a test waits for an answer, in seconds.
PATIENCE = 30.0
#: Cells 0 and 1 are the host's.
_FIRST_CELL = 2
_OK = Put().u32(0).text("").whole()


class Line(NamedTuple):
    """A line of the log."""

    level: Level
    target: str
    message: str


class Push(NamedTuple):
    """One request to be delivered."""

    method: str
    url: str
    headers: Dict[str, str]
    body: bytes


class Answer:
    """The answer to one request, as it comes in."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Dict[str, str] = {}
        #: The pieces in which the body came.
        self.pieces: List[bytes] = []
        self.error: Optional[str] = None
        self.over = threading.Event()

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def take(self, part: Take) -> None:
        """Adds what a `REPLY` carries."""
        parts = part.u8()
        if parts & FAILURE:
            self.fail(part.u16(), part.text())
            return
        if parts & HEAD:
            self.status = part.u16()
            self.headers = {name: value.decode() for name, value in part.list(lambda: (part.text(), part.bytes()))}
        self.pieces.append(part.bytes())
        if parts & END:
            self.over.set()

    def fail(self, status: int, message: str) -> None:
        """The whole answer is an error."""
        self.status, self.error = status, message
        self.over.set()


class Registered:
    """A family that a plugin registered."""

    def __init__(self, kind: Kind, head: Head, labels: List[str]) -> None:
        self.head = head
        self.kind = kind
        self.labels = labels
        self.series: Dict[Tuple[str, ...], int] = {}

    def width(self) -> int:
        """Cells of one series."""
        return {Kind.COUNTER: 3, Kind.HISTOGRAM: len(self.head.bounds) + 2, Kind.SUMMARY: 2}.get(self.kind, 1)


class FakeHost:
    """Answers requests by their kind; a method a kind."""

    def __init__(self, memory: Optional[bytearray] = None) -> None:
        self.memory = bytearray(CELL_BYTES) if memory is None else memory
        self.cells = Cells(self.memory, STRIPES)
        self._whole = memoryview(self.memory).cast("Q")
        self._next_cell = _FIRST_CELL
        self._families: List[Registered] = []
        self._lock = threading.Lock()
        #: Every line of the log.
        self.log: List[Line] = []
        #: What `gather` shows, without the plugin's own.
        self.families: List[bytes] = []
        #: Rows of `models`.
        self.models: List[Row] = []
        self.facts: Dict[int, str] = {
            Fact.PID: "1", Fact.HOSTNAME: "test", Fact.UUID: "u", Fact.VERSION: "0", Fact.METRIC_SETS: "meterbox",
        }
        #: Periods in seconds of running timers.
        self.timers: Dict[int, float] = {}
        self.subscribed = EventKinds(0)
        self.pushes: List[Push] = []
        #: What a collector showed.
        self.shown: List[bytes] = []
        self.answers: Dict[int, Answer] = {}
        #: Pieces of bodies that are read with `BODY`.
        self.bodies: Dict[int, List[bytes]] = {}
        self.denied: Dict[int, str] = {}

    def answer(self, kind: int, take: Take) -> Optional[bytes]:
        """The payload of ANSWER; `None` for what gets none."""
        try:
            if kind in self.denied:
                raise Denied(self.denied[kind])
            with self._lock:
                result = self._ways()[kind](take)
        except Error as error:
            return Put().u32(error.status).text(error.message).whole()
        if kind in (Message.LOG, Message.DROP) or result is None:
            return None
        return _OK + result.whole()

    def _ways(self) -> Dict[int, Callable[[Take], Optional[Put]]]:
        return {
            Message.LOG: self._log, Message.REGISTER: self._register, Message.SERIES: self._series,
            Message.REMOVE: self._remove, Message.MODELS: self._models,
            Message.SUBSCRIBE: self._subscribe, Message.TIMER_START: self._timer_start,
            Message.TIMER_STOP: self._timer_stop, Message.INFO: self._info, Message.BODY: self._body,
            Message.REPLY: self._reply, Message.DROP: self._drop, Message.CLOSED: self._closed,
            Message.PUSH: self._push, Message.SHOW: self._show,
        }

    def _log(self, take: Take) -> None:
        self.log.append(Line(Level(take.u32()), take.text(), take.text()))

    def _register(self, take: Take) -> Put:
        kind, name, help, unit = Kind.of(take.u32()), take.text(), take.text(), take.text()
        labels, bounds, flags, set = take.texts(), take.list(take.f64), take.u32(), take.text()
        if not METRIC_NAME.fullmatch(name):
            raise Invalid(f"{name!r} is not a metric name")
        wrong = next((label for label in labels if not LABEL_NAME.fullmatch(label)), None)
        if wrong is not None:
            raise Invalid(f"metric {name}: {wrong!r} is not a label name")
        made = Registered(kind, Head(kind, name, help, unit, set, bounds, flags), labels)
        for number, known in enumerate(self._families):
            if known.head.name == name:
                if (known.kind, known.labels, known.head.bounds) != (kind, labels, bounds):
                    raise Conflict(f"metric {name} is registered as another kind, with other labels or bounds")
                return Put().u32(number)
        self._families.append(made)
        return Put().u32(len(self._families) - 1)

    def _series(self, take: Take) -> Put:
        family, values = self._families[take.u32()], tuple(take.texts())
        if len(values) != len(family.labels):
            raise Invalid(f"metric {family.head.name} has {len(family.labels)} labels, not {len(values)}")
        if values not in family.series:
            family.series[values] = self._next_cell
            unset = {Kind.COUNTER: 2, Kind.GAUGE: 0, Kind.INFO: 0}.get(family.kind)
            if unset is not None:
                self._whole[self._next_cell + unset] = UNSET
            self._next_cell += family.width()
        return Put().u32(family.series[values])

    def _remove(self, take: Take) -> Put:
        family, values = self._families[take.u32()], tuple(take.texts())
        if family.series.pop(values, None) is None:
            raise NotFound(f"metric {family.head.name} has no such series")
        return Put()

    def _models(self, _: Take) -> Put:
        put = Put()
        return put.list(self.models, put.row)

    def _subscribe(self, take: Take) -> Put:
        self.subscribed = EventKinds(take.u64())
        return Put()

    def _timer_start(self, take: Take) -> Put:
        id, period = take.u64(), take.u64()
        self.timers[id] = period / 1e9
        return Put()

    def _timer_stop(self, take: Take) -> Put:
        self.timers.pop(take.u64(), None)
        return Put()

    def _info(self, take: Take) -> Put:
        text = self.facts.get(take.u32())
        return Put().u8(text is not None).text(text or "")

    def _body(self, take: Take) -> Put:
        pieces = self.bodies.get(take.u64(), [])
        bytes_max = take.u32()
        if not pieces:
            return Put().bytes(b"")
        piece = pieces.pop(0)
        if len(piece) > bytes_max:
            pieces.insert(0, piece[bytes_max:])
        return Put().bytes(piece[:bytes_max])

    def _reply(self, take: Take) -> Optional[Put]:
        answer = self.answers[take.u64()]
        answer.take(take)
        return None if answer.over.is_set() else Put()

    def _drop(self, take: Take) -> None:
        self.answers[take.u64()].fail(500, "the answer was dropped")

    def _closed(self, take: Take) -> Put:
        return Put().u8(self.answers[take.u64()].over.is_set())

    def _push(self, take: Take) -> Put:
        method, url = take.text(), take.text()
        headers = dict(take.list(lambda: (take.text(), take.text())))
        self.pushes.append(Push(method, url, headers, take.bytes()))
        return Put()

    def _show(self, take: Take) -> Put:
        self.shown.append(bytes(take.rest()))
        return Put().u32(0)

    def registered(self) -> List[Family]:
        """What the plugin registered, with its values."""
        return [Family(known.head, [self._columns(known)] if known.series else []) for known in self._families]

    def _columns(self, known: Registered) -> Columns:
        text, ends = bytearray(), []
        values, buckets, counts, sums = [], [], [], []
        for labels, cell in known.series.items():
            pairs = zip(known.labels, labels)
            text += ",".join(f'{name}="{value}"' for name, value in pairs).encode()
            ends.append(len(text))
            if known.kind in (Kind.HISTOGRAM, Kind.SUMMARY):
                width = known.width() - 1
                row = [self.cells.sum_whole(cell + at) for at in range(width)]
                buckets += row if known.kind == Kind.HISTOGRAM else []
                counts.append(sum(row))
                sums.append(self.cells.sum_fractions(cell + width))
            elif known.kind == Kind.COUNTER:
                added = self.cells.sum_whole(cell) + self.cells.sum_fractions(cell + 1)
                values.append(added + self.cells.level(cell + 2))
            else:
                values.append(self.cells.level(cell))
        return Columns(bytes(text), ends, values, buckets, counts, sums)


class DirectLink(Link):
    """The link to a `FakeHost` in the same process."""

    def __init__(self, host: FakeHost) -> None:
        super().__init__()
        self._host = host

    def ask(self, kind: int, payload: bytes) -> Take:
        content = self._host.answer(kind, Take(payload))
        take = Take(content if content is not None else Put().u32(0).text("").whole())
        status, message = take.u32(), take.text()
        if status:
            raise of_status(status, message)
        return take

    def tell(self, kind: int, payload: bytes, wait: bool = False) -> None:
        self._host.answer(kind, Take(payload))

    def gather(self, payload: bytes) -> List[bytes]:
        if Message.GATHER in self._host.denied:
            raise Denied(self._host.denied[Message.GATHER])
        return self._host.families
