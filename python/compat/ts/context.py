"""The context of handlers."""

from meterbox_worker.context import Context, RequestProcessor

__all__ = ["Context", "RequestProcessor"]
