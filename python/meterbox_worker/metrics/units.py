"""Words of TorchServe 0.12's metric lines: types of metrics and units."""

from __future__ import annotations

import enum
from typing import Optional


class MetricTypes(enum.Enum):
    """What a metric's values do. The name goes into the line."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Dimension:
    """A label of a metric."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


#: Units by the short names that handlers use; others are taken as they are.
UNITS = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "percent": "Percent",
    "count": "Count",
    "MB": "Megabytes",
    "GB": "Gigabytes",
    "kB": "Kilobytes",
    "B": "Bytes",
    "": "unit",
}


def unit_word(unit: Optional[str]) -> str:
    """The unit as lines have it."""
    return UNITS.get(unit or "", unit or "unit")
