"""A loaded model: calls its handler with a batch and makes one reply of whatever comes of it.

Whatever the handler does, short of ending the process, the batch gets exactly one reply; the texts
and codes are those of TorchServe 0.12.
"""

from __future__ import annotations

import sys
import traceback
from time import perf_counter
from typing import List, Optional, Tuple

from . import replies
from .context import Context
from .errors import LoadError
from .loader import Handle, find
from .manifest import read_config, read_manifest
from .metrics.cache import MetricsCache
from .requests import Load, Request

#: The version of TorchServe whose interface handlers find.
SERVER_VERSION = "0.12.0"
#: Envelopes that change nothing.
ENVELOPES = frozenset({"", "null"})

#: Codes and messages of failed batches.
OUT_OF_RESOURCES = (507, "Out of resources")
FAILED = (503, "Prediction failed")
NO_LIST = (503, "Invalid model predict output")
WRONG_LENGTH = (503, "number of batch response mismatched")
UNSUPPORTED = (503, replies.UNSUPPORTED)


class Service:
    """One model in this process."""

    def __init__(self, handle: Handle, context: Context, metrics: MetricsCache) -> None:
        self._handle = handle
        self.context = context
        self._metrics = metrics

    def predict(self, batch: List[Request]) -> bytes:
        """The reply to a batch."""
        refused: List[bytes] = []
        ids = [request.id for request in batch]
        if any([request.problem for request in batch]):
            refused = [replies.refusal(one.id, one.problem) for one in batch if one.problem]
            batch = [one for one in batch if not one.problem]
            ids = [request.id for request in batch]
            if not batch:
                return replies.answered((), (), (), refused=refused)
        self._metrics.begin(ids)
        self.context.begin(ids, [request.headers for request in batch])
        try:
            return self._answer([request.row for request in batch], ids, refused)
        finally:
            self._metrics.flush()

    def _answer(self, data: List[dict], ids: List[str], refused: List[bytes]) -> bytes:
        begin = perf_counter()
        try:
            values = self._handle(data, self.context)
        except Exception as error:  # the model's code may raise anything
            code, message = judged(error)
            if (code, message) == FAILED:
                traceback.print_exc()
            else:
                print(f"{type(error).__name__}: {message} ({code})", file=sys.stderr)
            return replies.failed(code, message, ids)
        wrong = self._wrong(values, len(data))
        if wrong is not None:
            return replies.failed(*wrong, ids)
        elapsed = round((perf_counter() - begin) * 1000, 2)
        self._metrics.add_time("PredictionTime", elapsed)
        answers = self.context.request_processor
        for answer in answers:
            if answer.headers.get(replies.STREAM_NEXT) == "true":
                answer.headers[replies.STREAM_NEXT] = "false"
        try:
            return replies.answered(ids, answers, values, refused=refused)
        except replies.Unsupported as error:
            print(f"the answer of the handler cannot be sent: {error}", file=sys.stderr)
            return replies.failed(*UNSUPPORTED, ids)
        except MemoryError:
            return replies.failed(*OUT_OF_RESOURCES, ids)

    @staticmethod
    def _wrong(values: object, wanted: int) -> Optional[Tuple[int, str]]:
        if not isinstance(values, list):
            print(f"the handler answered no list but {type(values).__name__}", file=sys.stderr)
            return NO_LIST
        if len(values) != wanted:
            print(f"the handler answered {len(values)} values to {wanted} requests", file=sys.stderr)
            return WRONG_LENGTH
        return None


def judged(error: Exception) -> Tuple[int, str]:
    """Code and message for what a handler raised."""
    if isinstance(error, MemoryError):
        return OUT_OF_RESOURCES
    # By name, so that TorchServe's own class counts too where it is installed.
    if any(one.__name__ == "PredictionException" for one in type(error).__mro__):
        try:
            return int(getattr(error, "error_code", 500)), str(getattr(error, "message", error))
        except (TypeError, ValueError):
            return FAILED
    if isinstance(error, RuntimeError) and "out of memory" in str(error).lower():
        return OUT_OF_RESOURCES
    return FAILED


def load(what: Load, metrics: MetricsCache) -> Service:
    """Loads a model: reads its manifest, imports its handler, initializes it.

    Raises `LoadError`, or whatever the model's code raises.
    """
    if what.envelope not in ENVELOPES:
        raise LoadError(
            f"service_envelope {what.envelope!r} is not there: shape requests in the handler instead"
        )
    manifest = read_manifest(what.model_dir)
    context = Context(
        what.model_name,
        what.model_dir,
        manifest,
        what.batch_size,
        what.gpu_id,
        SERVER_VERSION,
        what.limit_max_image_pixels,
        metrics,
        read_config(what.model_dir, manifest),
    )
    handle, initialize = find(what.handler, what.model_dir)
    if initialize is not None:
        initialize(context)
    return Service(handle, context, metrics)
