"""Sends a part of a streamed answer."""

from meterbox_worker.streaming import send_intermediate_predict_response

__all__ = ["send_intermediate_predict_response"]
