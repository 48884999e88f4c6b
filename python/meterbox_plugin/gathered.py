"""All metrics of the host as they are at this moment, for plugins that show or push them."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

from . import batches
from .batches import Columns, Head
from .codes import Kind

_LABEL = re.compile(r'([^=,]+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Sample(NamedTuple):
    """One series. What its kind does not have is `None`."""

    #: `a="b",c="d"`, escaped as in text 0.0.4, without braces.
    label_text: str
    #: Value of a counter, gauge, unknown or info.
    value: Optional[float] = None
    #: Number of observations of a histogram or summary.
    count: Optional[int] = None  # type: ignore[assignment]
    #: Sum of observations.
    sum: Optional[float] = None
    #: Observations per bucket of a histogram, not cumulative; one more than the family has bounds.
    buckets: Optional[Sequence[int]] = None

    @property
    def labels(self) -> Dict[str, str]:
        """The labels with their values as they were before they were escaped."""
        return {name: _unescape(value) for name, value in _LABEL.findall(self.label_text)}


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)


class Family:
    """One family of metrics and its samples."""

    def __init__(self, head: Head, segments: List[Columns]) -> None:
        self._segments = segments
        self.kind: Kind = head.kind
        self.name = head.name
        self.help = head.help
        self.unit = head.unit
        #: Upper bounds of a histogram, without `+Inf`.
        self.bounds = tuple(head.bounds)

    def __repr__(self) -> str:
        return f"<{self.kind.word} {self.name}, {len(self)} series>"

    def __len__(self) -> int:
        return sum(len(segment.label_ends) for segment in self._segments)

    def __iter__(self) -> Iterator[Sample]:
        for segment in self._segments:
            yield from _samples(segment, len(self.bounds) + 1)


def _samples(columns: Columns, width: int) -> Iterator[Sample]:
    begin = 0
    for row, end in enumerate(columns.label_ends):
        text = columns.label_text[begin:end].decode()
        begin = end
        if len(columns.values):
            yield Sample(text, columns.values[row])
            continue
        buckets = None
        if len(columns.buckets):
            buckets = tuple(columns.buckets[row * width:row * width + width])
        yield Sample(text, None, columns.counts[row], columns.sums[row], buckets)


def read(content: Sequence[bytes]) -> List[Family]:
    """The families in batches of one gather."""
    return [Family(head, segments) for head, segments in batches.read(content)]
