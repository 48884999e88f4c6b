"""Types of metrics."""

from meterbox_worker.metrics.units import MetricTypes

__all__ = ["MetricTypes"]
