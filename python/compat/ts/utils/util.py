"""The exception by which a handler chooses the code of the answer."""

from meterbox_worker.errors import PredictionException

__all__ = ["PredictionException"]
