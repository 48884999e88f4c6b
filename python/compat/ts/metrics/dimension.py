"""A label of a metric."""

from meterbox_worker.metrics.units import Dimension

__all__ = ["Dimension"]
