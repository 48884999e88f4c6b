"""The metrics of one model: TorchServe 0.12's `context.metrics`.

A metric is made when it is first used, or declared with its dimensions. The `add_*` calls add the
dimensions `ModelName` and `Level` by themselves, as TorchServe does.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, Optional, Sequence

from .lines import Lines
from .metric import Metric, number
from .units import Dimension, MetricTypes, unit_word

#: Metrics of each type that one model may have.
METRICS_MAX = 10_000
_TIMES = ("ms", "s")
_SIZES = ("MB", "kB", "GB", "B")
#: What TorchServe declares for every model, with its unit as it is printed.
DEFAULTS = (("HandlerTime", "ms"), ("PredictionTime", "ms"))

_COUNTER = MetricTypes.COUNTER
_GAUGE = MetricTypes.GAUGE


class MetricsCache:
    """Metrics by type and name."""

    def __init__(self, lines: Lines, model_name: str = "") -> None:
        self._lines = lines
        self._metrics: Dict[MetricTypes, Dict[str, Metric]] = {kind: {} for kind in MetricTypes}
        self._counters, self._gauges = self._metrics[_COUNTER], self._metrics[_GAUGE]
        self._own = f"ModelName:{model_name},Level:Model"
        #: Ids of the requests of the current batch.
        self._ids: Sequence[str] = ()
        self._all_ids = ""
        for name, unit in DEFAULTS:
            self._declare(name, unit, ("ModelName", "Level"), _GAUGE)

    def begin(self, ids: Sequence[str]) -> None:
        """Turns to the next batch; its lines wait for `flush`."""
        self._ids = ids
        self._all_ids = ids[0] if len(ids) == 1 else ",".join(ids)
        self._lines.hold()

    def flush(self) -> None:
        """Writes the lines of the batch."""
        self._lines.flush()

    def add_counter(
        self, name: str, value: Any, idx: Optional[int] = None,
        dimensions: Optional[Iterable[Dimension]] = None,
    ) -> None:
        """Adds to a counter."""
        self._add(self._counters.get(name) or self._metric(name, "count", _COUNTER), value, idx, dimensions)

    def add_time(
        self, name: str, value: Any, idx: Optional[int] = None, unit: str = "ms",
        dimensions: Optional[Iterable[Dimension]] = None,
    ) -> None:
        """Sets a time in `ms` or `s`."""
        if unit not in _TIMES:
            raise ValueError(f"metric {name}: a time is in ms or s, not in {unit!r}")
        self._add(self._gauges.get(name) or self._metric(name, unit, _GAUGE), value, idx, dimensions)

    def add_size(
        self, name: str, value: Any, idx: Optional[int] = None, unit: str = "MB",
        dimensions: Optional[Iterable[Dimension]] = None,
    ) -> None:
        """Sets a size in `MB`, `kB`, `GB` or `B`."""
        if unit not in _SIZES:
            raise ValueError(f"metric {name}: a size is in MB, kB, GB or B, not in {unit!r}")
        self._add(self._gauges.get(name) or self._metric(name, unit, _GAUGE), value, idx, dimensions)

    def add_percent(
        self, name: str, value: Any, idx: Optional[int] = None,
        dimensions: Optional[Iterable[Dimension]] = None,
    ) -> None:
        """Sets a percentage."""
        self._add(self._gauges.get(name) or self._metric(name, "percent", _GAUGE), value, idx, dimensions)

    def add_error(
        self, name: str, value: Any, dimensions: Optional[Iterable[Dimension]] = None
    ) -> None:
        """Counts an error. A text as value counts one and goes to the model's log."""
        try:
            number(value)
        except TypeError:
            print(f"error {name}: {value}", file=sys.stderr, flush=True)
            value = 1
        metric = self._metric(name, "", _COUNTER)
        metric.emit(value, joined(dimensions, "Level:Error"), self._all_ids)

    def add_metric(
        self, name: str, value: Any, unit: Optional[str] = None, idx: Optional[int] = None,
        dimensions: Optional[Iterable[Dimension]] = None, metric_type: MetricTypes = _COUNTER,
    ) -> None:
        """Adds to a counter, sets a gauge, or observes with a histogram."""
        self._add(self._metric(name, unit, metric_type), value, idx, dimensions)

    def add_metric_to_cache(
        self, metric_name: str, unit: Optional[str], dimension_names: Iterable[str] = (),
        metric_type: MetricTypes = _COUNTER,
    ) -> Metric:
        """Declares a metric with its dimensions, none of which are added by themselves."""
        return self._declare(metric_name, unit_word(unit), dimension_names, metric_type)

    def get_metric(self, metric_name: str, metric_type: MetricTypes = _COUNTER) -> Metric:
        """A metric that was declared or used before; `KeyError` if there is none."""
        metric = self._metrics[metric_type].get(metric_name)
        if metric is None:
            raise KeyError(
                f"there is no {metric_type.value} {metric_name!r}: declare it with "
                "add_metric_to_cache, or in the file that metrics_config names"
            )
        return metric

    def declare(self, name: str, unit: str, dimensions: Iterable[str], kind: MetricTypes) -> None:
        """Declares a metric with its unit as it is to be printed."""
        self._declare(name, unit, dimensions, kind)

    def _declare(
        self, name: str, unit: str, dimensions: Iterable[str], kind: MetricTypes
    ) -> Metric:
        if not name or not unit:
            raise ValueError(f"metric {name!r} has no name or no unit")
        known = self._metrics[kind]
        if len(known) >= METRICS_MAX and name not in known:
            raise ValueError(f"metric {name}: a model may have {METRICS_MAX} of a type: is a name made of data?")
        metric = Metric(self._lines, name, unit, dimensions, kind)
        known[name] = metric
        return metric

    def _metric(self, name: str, unit: Optional[str], kind: MetricTypes) -> Metric:
        return self._metrics[kind].get(name) or self._declare(name, unit_word(unit), (), kind)

    def _add(
        self, metric: Metric, value: Any, idx: Optional[int],
        dimensions: Optional[Iterable[Dimension]],
    ) -> None:
        ids = self._all_ids if idx is None or not self._ids else self._ids[idx]
        metric.emit(value, joined(dimensions, self._own) if dimensions else self._own, ids)


def joined(dimensions: Optional[Iterable[Dimension]], own: str) -> str:
    """The text of dimensions, `own` last."""
    return ",".join([*map(str, dimensions or ()), own])
