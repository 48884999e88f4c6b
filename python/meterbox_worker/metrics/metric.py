"""One metric of a handler: writes a line for each value.

    [METRICS]name.unit:value|#dimension:value,...|#type:COUNTER|#hostname:host,seconds[,request ids]

Source: TorchServe 0.12.
"""

from __future__ import annotations

import socket
from time import time
from typing import Any, Iterable, List, Sequence

from .lines import Lines
from .units import Dimension, MetricTypes

_HOST = socket.gethostname().replace(",", "_") or "localhost"


def number(value: Any) -> str:
    """A value as lines have it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            value = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"the value of a metric is a number, not {value!r}") from None
    text = repr(value)
    # The grammar of the lines has no plus sign.
    return text.replace("e+", "e") if "e+" in text else text


class Metric:
    """A metric with a fixed name, unit, type and names of dimensions."""

    __slots__ = ("metric_name", "unit", "dimension_names", "metric_type", "_lines", "_begin", "_type")

    def __init__(
        self,
        lines: Lines,
        metric_name: str,
        unit: str,
        dimension_names: Iterable[str],
        metric_type: MetricTypes,
    ) -> None:
        self.metric_name = metric_name
        self.unit = unit
        self.dimension_names: List[str] = list(dimension_names)
        self.metric_type = metric_type
        self._lines = lines
        self._begin = f"[METRICS]{metric_name}.{unit}:"
        self._type = f"|#type:{metric_type.name}|#hostname:{_HOST},"

    def add_or_update(
        self, value: Any, dimension_values: Sequence[Any] = (), request_id: str = ""
    ) -> None:
        """Writes a value; `dimension_values` go with the names of the dimensions, in order."""
        if len(dimension_values) != len(self.dimension_names):
            raise ValueError(
                f"metric {self.metric_name}: {len(dimension_values)} values for its "
                f"{len(self.dimension_names)} dimensions {self.dimension_names}"
            )
        pairs = zip(self.dimension_names, dimension_values)
        self.emit(value, ",".join([f"{name}:{one}" for name, one in pairs]), request_id)

    def update(
        self, value: Any, request_id: str = "", dimensions: Sequence[Dimension] = ()
    ) -> None:
        """Writes a value with the dimensions given, whatever the metric's own are."""
        self.emit(value, ",".join(map(str, dimensions)), request_id)

    def emit(self, value: Any, dimensions: str, request_id: str) -> None:
        """Writes a value; dimensions are `name:value,name:value`."""
        if request_id:
            request_id = f",{request_id}"
        # The two types of nearly all values need no check and, below 1e16, no change.
        plain = type(value) is int or (type(value) is float and -1e16 < value < 1e16)
        text = repr(value) if plain else number(value)
        self._lines.add(f"{self._begin}{text}|#{dimensions}{self._type}{int(time())}{request_id}")
