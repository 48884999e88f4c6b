"""Metrics that a plugin changes: counters, gauges, histograms, summaries and facts.

The series belong to the host: they survive the plugin and its next version. A change is a store into
shared memory, well under a microsecond. For values that are better read when somebody asks, see `families`.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Sequence, Tuple, Type, TypeVar

from .cells import Cells
from .codes import FRACTIONS, INHERITED_NAME, SHOW_EMPTY, Kind, Message
from .errors import Invalid
from .link import Link
from .wire import Put

#: Upper bounds in seconds that suit the time of a request.
DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
I = TypeVar("I", bound="Instrument")


class _Family:
    """A registered name, and the instruments that were made of it."""

    def __init__(self, link: Link, cells: Cells, name: str, labels: Tuple[str, ...], number: int) -> None:
        self.link = link
        self.cells = cells
        self.name = name
        self.labels = labels
        self.number = number
        self.made: Dict[Tuple[str, ...], Instrument] = {}
        self.lock = threading.Lock()

    def values(self, values: Tuple[object, ...], labels: Dict[str, object]) -> Tuple[str, ...]:
        """Label values in the order of the names."""
        if values and not labels and len(values) == len(self.labels):
            return tuple(map(str, values))
        if not values and labels.keys() == set(self.labels):
            return tuple(str(labels[name]) for name in self.labels)
        given = ", ".join(labels) or f"{len(values)} values"
        raise Invalid(f"metric {self.name} has the labels [{', '.join(self.labels)}], not [{given}]")

    def request(self, values: Tuple[str, ...]) -> bytes:
        return Put().u32(self.number).texts(values).whole()


class Instrument:
    """One series; or, of a name with labels, what `with_labels` makes series of."""

    _kind = Kind.UNKNOWN
    _flags = 0

    def __init__(self, family: _Family, cells: Any, cell: int, bounds: Sequence[float]) -> None:
        self._family = family
        self._cells = cells
        self._cell = cell
        self._bounds = bounds

    def with_labels(self: I, *values: object, **labels: object) -> I:
        """The series with these label values, given in order or by name; made if it is new.

        Raises `Invalid` for other labels than the name has, `Limit` when the budget of series is used up.
        """
        family = self._family
        wanted = family.values(values, labels) if family.labels or values or labels else ()
        found = family.made.get(wanted)
        if found is None:
            with family.lock:
                found = family.made.get(wanted)
                if found is None:
                    cell = family.link.ask(Message.SERIES, family.request(wanted)).u32()
                    found = type(self)(family, family.cells, cell, self._bounds)
                    found._begin()
                    family.made[wanted] = found
        return found  # type: ignore[return-value]

    def remove(self, *values: object, **labels: object) -> None:
        """Removes the series with these labels; what still refers to it changes nothing. Raises `NotFound`."""
        family = self._family
        wanted = family.values(values, labels) if family.labels or values or labels else ()
        with family.lock:
            made = family.made.pop(wanted, None)
            if made is not None:
                # Its cells will belong to another series.
                made._cells = _Nothing()
            family.link.ask(Message.REMOVE, family.request(wanted))

    def _begin(self) -> None:
        """Called once on a new series."""


class Counter(Instrument):
    """Counts whole things; its name should end in `_total`."""

    _kind = Kind.COUNTER

    def inc(self, amount: int = 1) -> None:
        """Counts `amount`; a negative one is dropped, and counted by the host."""
        if amount >= 0:
            self._cells.count(self._cell, amount)
        else:
            self._cells.misfit()


class CounterF64(Instrument):
    """Counts fractions, such as seconds spent."""

    _kind = Kind.COUNTER
    _flags = FRACTIONS

    def inc(self, amount: float) -> None:
        """Adds `amount`; one that is negative or no number is dropped, and counted by the host."""
        if amount >= 0.0:
            self._cells.add(self._cell + 1, amount)
        else:
            self._cells.misfit()

    def set_total(self, total: float) -> None:
        """Takes over the total of a counter that something else counts; it never goes down by it."""
        if total >= 0.0:
            self._cells.raise_to(self._cell + 2, total)
        else:
            self._cells.misfit()


class Gauge(Instrument):
    """A value that moves both ways."""

    _kind = Kind.GAUGE

    def set(self, value: float) -> None:
        """Sets it."""
        self._cells.set(self._cell, value)

    def inc(self, amount: float = 1.0) -> None:
        """Adds `amount`."""
        self._cells.shift(self._cell, amount)

    def dec(self, amount: float = 1.0) -> None:
        """Takes `amount` off."""
        self._cells.shift(self._cell, -amount)


class _Observing(Instrument):
    """What histograms and summaries have in common."""

    def observe(self, value: float) -> None:
        """Observes a value."""
        raise NotImplementedError

    @contextmanager
    def time(self) -> Iterator[None]:
        """`with histogram.time():` observes how many seconds the block took."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - start)


class Histogram(_Observing):
    """A distribution, counted in buckets with upper bounds."""

    _kind = Kind.HISTOGRAM

    def observe(self, value: float) -> None:
        bounds = self._bounds
        # What is no number is at or below no bound.
        bucket = bisect_left(bounds, value) if value == value else len(bounds)
        self._cells.count(self._cell + bucket, 1)
        self._cells.add(self._cell + len(bounds) + 1, value)


class Summary(_Observing):
    """Count and sum of observations."""

    _kind = Kind.SUMMARY

    def observe(self, value: float) -> None:
        self._cells.count(self._cell, 1)
        self._cells.add(self._cell + 1, value)


class Info(Instrument):
    """Facts in labels, such as a version; shown with the value 1 until it is removed."""

    _kind = Kind.INFO

    def _begin(self) -> None:
        self._cells.set(self._cell, 1.0)


class _Unlabelled:
    """The cells of a name that has labels: each use says what is missing."""

    def __init__(self, name: str, labels: Tuple[str, ...]) -> None:
        self._text = f"metric {name} has the labels [{', '.join(labels)}]; use with_labels first"

    def count(self, *_: object) -> None:
        raise Invalid(self._text)

    add = set = shift = raise_to = misfit = count


class _Nothing:
    """The cells of a removed series."""

    def count(self, *_: object) -> None:
        pass

    add = set = shift = raise_to = misfit = count


class Metrics:
    """Registers metrics with the host; `plugin.host.metrics`.

    Without labels the result is the series itself, with labels `with_labels` gives the series. Asking
    again for the same name gives the same; another kind, other labels or bounds raise `Conflict`. Options:
    `unit` as in OpenMetrics (`seconds`), `set` the name set that it belongs to, `inherited` for a
    name that every format keeps and that is shown without series, too.
    """

    def __init__(self, link: Link, cells: Cells) -> None:
        self._link = link
        self._cells = cells
        self._lock = threading.Lock()
        self._known: Dict[str, Tuple[object, Instrument]] = {}

    def counter(self, name: str, help: str, labels: Sequence[str] = (), **options: Any) -> Counter:
        """A counter of whole things; its name should end in `_total`."""
        return self._register(Counter, name, help, labels, (), **options)

    def counter_f64(self, name: str, help: str, labels: Sequence[str] = (), **options: Any) -> CounterF64:
        """A counter of fractions."""
        return self._register(CounterF64, name, help, labels, (), **options)

    def gauge(self, name: str, help: str, labels: Sequence[str] = (), **options: Any) -> Gauge:
        """A value that moves both ways."""
        return self._register(Gauge, name, help, labels, (), **options)

    def histogram(self, name: str, help: str, labels: Sequence[str] = (),
                  bounds: Sequence[float] = DEFAULT_BOUNDS, **options: Any) -> Histogram:
        """A distribution in buckets with these upper bounds, ascending; `+Inf` is implied."""
        finite = tuple(float(bound) for bound in bounds if bound != float("inf"))
        return self._register(Histogram, name, help, labels, finite, **options)

    def summary(self, name: str, help: str, labels: Sequence[str] = (), **options: Any) -> Summary:
        """Count and sum of observations."""
        return self._register(Summary, name, help, labels, (), **options)

    def info(self, name: str, help: str, labels: Sequence[str] = (), **options: Any) -> Info:
        """Facts in labels."""
        return self._register(Info, name, help, labels, (), **options)

    def _register(self, of: Type[I], name: str, help: str, labels: Sequence[str],
                  bounds: Tuple[float, ...], unit: str = "", set: str = "", inherited: bool = False) -> I:
        if isinstance(labels, str):
            raise Invalid(f"metric {name}: labels is a list of names, such as [{labels!r}]")
        names = tuple(labels)
        flags = of._flags | (INHERITED_NAME | SHOW_EMPTY if inherited else 0)
        put = Put().u32(of._kind).text(name).text(help).text(unit).texts(names)
        put.list(bounds, put.f64).u32(flags).text(set)
        with self._lock:
            known = self._known.get(name)
            if known is not None and known[0] == (of, names, bounds):
                return known[1]  # type: ignore[return-value]
            number = self._link.ask(Message.REGISTER, put.whole()).u32()
            family = _Family(self._link, self._cells, name, names, number)
            made = of(family, _Unlabelled(name, names), 0, bounds)
            if not names:
                made = made.with_labels()
            self._known[name] = ((of, names, bounds), made)
            return made
