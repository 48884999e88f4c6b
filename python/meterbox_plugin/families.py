"""Families that a collector shows at the moment somebody asks, without registering them."""

from __future__ import annotations

import re
from typing import Any, Callable, List, Mapping, Optional, Sequence

from . import batches
from .batches import Columns, Head
from .codes import INHERITED_NAME, SEGMENT_SERIES_MAX, SHOW_EMPTY, Kind
from .errors import Invalid

#: A batch is shown once it has this many bytes.
BATCH_BYTES = 1 << 18
#: The rules of the host; a test reads its table of names.
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,127}")
LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,127}")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
#: What a sample's name may have after the name of its family.
_SUFFIXES = ("", "_total", "_bucket", "_count", "_sum", "_created")
#: Shows a batch; true means that no more is wanted.
Show = Callable[[bytes], bool]


class Families:
    """Where a collector shows its families, in `Plugin.collect`.

    ```
    rooms = families.gauge("room_celsius", "Temperature of a room.", unit="celsius")
    rooms.sample(21.5, room="kitchen")
    ```
    """

    def __init__(self, names: Sequence[str], show: Show) -> None:
        self._names = names
        self._show = show
        self._batch: List[bytes] = []
        self._bytes = 0
        self._open: Optional[FamilyRows] = None
        self._refused: Optional[Invalid] = None
        self._stopped = False

    def wants(self, name: str) -> bool:
        """Whether anything of this family is wanted; ask before reading something expensive."""
        if self._stopped or not self._names:
            return not self._stopped
        base = name[:-len("_total")] if name.endswith("_total") else name
        wanted = {name + suffix for suffix in _SUFFIXES} | {base + "_created"}
        return not wanted.isdisjoint(self._names)

    def counter(self, name: str, help: str, **options: Any) -> FamilyRows:
        """A counter; its name should end in `_total`. Options as of `Metrics`: unit, set, inherited."""
        return self._family(Kind.COUNTER, name, help, (), **options)

    def gauge(self, name: str, help: str, **options: Any) -> FamilyRows:
        """A gauge."""
        return self._family(Kind.GAUGE, name, help, (), **options)

    def histogram(self, name: str, help: str, bounds: Sequence[float], **options: Any) -> FamilyRows:
        """A histogram with these upper bounds, ascending, without `+Inf`."""
        return self._family(Kind.HISTOGRAM, name, help, tuple(map(float, bounds)), **options)

    def summary(self, name: str, help: str, **options: Any) -> FamilyRows:
        """A summary: count and sum."""
        return self._family(Kind.SUMMARY, name, help, (), **options)

    def info(self, name: str, help: str, **options: Any) -> FamilyRows:
        """Facts in labels; give each sample the value 1."""
        return self._family(Kind.INFO, name, help, (), **options)

    def _family(self, kind: Kind, name: str, help: str, bounds: Sequence[float], unit: str = "",
                set: str = "", inherited: bool = False) -> FamilyRows:
        self.flush()
        fine = METRIC_NAME.fullmatch(name) is not None
        if not fine:
            self.refuse(f"{name!r} is not a metric name; its samples are left out")
        flags = INHERITED_NAME | SHOW_EMPTY if inherited else 0
        head = Head(kind, name, help, unit, set, bounds, flags)
        self._open = FamilyRows(self, head, fine and self.wants(name))
        return self._open

    def refuse(self, why: str) -> None:
        """Reports that something could not be shown; the collection ends with the first of these."""
        self._refused = self._refused or Invalid(why)

    def add(self, record: bytes) -> None:
        """Adds a record to the batch."""
        if self._stopped:
            return
        self._batch.append(record)
        self._bytes += len(record)
        if self._bytes >= BATCH_BYTES:
            self._send()

    def flush(self) -> None:
        """Ends the family that is open."""
        if self._open is not None:
            self._open.end()
            self._open = None

    def finish(self) -> None:
        """Shows what is left."""
        self.flush()
        if self._batch:
            self._send()

    def check(self) -> None:
        """Raises the first thing that could not be shown."""
        if self._refused is not None:
            raise self._refused

    def _send(self) -> None:
        batch, self._batch, self._bytes = b"".join(self._batch), [], 0
        self._stopped = self._show(batch) or self._stopped


class FamilyRows:
    """The samples of one family, until the next family begins."""

    def __init__(self, families: Families, head: Head, wanted: bool) -> None:
        self._families = families
        self._head = head
        self._wanted = wanted
        self._begun = False
        self._clear()

    def _clear(self) -> None:
        self._text = bytearray()
        self._ends: List[int] = []
        self._values: List[float] = []
        self._buckets: List[int] = []
        self._counts: List[int] = []
        self._sums: List[float] = []

    def sample(self, value: float, labels: Mapping[str, object] = {}, **more: object) -> FamilyRows:
        """A sample of a counter, gauge or info; labels as keywords or, for any name, as a mapping."""
        if self._row({**labels, **more}):
            self._values.append(value)
        return self

    def total(self, count: int, sum: float, labels: Mapping[str, object] = {}, **more: object) -> FamilyRows:
        """A sample of a summary."""
        if self._row({**labels, **more}):
            self._counts.append(count)
            self._sums.append(sum)
        return self

    def buckets(self, buckets: Sequence[int], total: float, labels: Mapping[str, object] = {},
                **more: object) -> FamilyRows:
        """A sample of a histogram: observations per bucket, not cumulative, the last above the highest
        bound; and the sum of all."""
        wanted = len(self._head.bounds) + 1
        if len(buckets) != wanted:
            self._families.refuse(f"histogram {self._head.name} has {wanted} buckets, not {len(buckets)}")
        elif self._row({**labels, **more}):
            self._buckets += buckets
            self._counts.append(sum(buckets))
            self._sums.append(total)
        return self

    def _row(self, labels: Mapping[str, object]) -> bool:
        """Begins a row, if there is a reason to."""
        if not self._wanted:
            return False
        blocks = []
        for name, value in labels.items():
            if not LABEL_NAME.fullmatch(name):
                self._families.refuse(f"{self._head.name}: {name!r} is not a label name")
                return False
            blocks.append(f'{name}="{str(value).translate(_ESCAPES)}"')
        if len(self._ends) == SEGMENT_SERIES_MAX:
            self.end()
        self._text += ",".join(blocks).encode("utf-8", "replace")
        self._ends.append(len(self._text))
        return True

    def end(self) -> None:
        """Hands over what is there so far."""
        if not self._wanted:
            return
        if not self._begun:
            self._families.add(batches.family(self._head))
            self._begun = True
        if self._ends:
            columns = Columns(bytes(self._text), self._ends, self._values, self._buckets, self._counts, self._sums)
            self._families.add(batches.segment(columns))
            self._clear()
