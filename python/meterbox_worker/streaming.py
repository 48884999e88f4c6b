"""Parts of an answer, sent before the handler returns the last one."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from . import replies
from .context import Context


def send_intermediate_predict_response(
    ret: Sequence[Any], req_id_map: Mapping[int, str], message: str, code: int, context: Context
) -> None:
    """Sends one part for each request of the batch; more parts or the returned list follow.

    The name and the arguments are TorchServe 0.12's. Raises `replies.Unsupported` for a part that
    is neither text nor bytes nor JSON.
    """
    for index in req_id_map:
        context.set_response_header(index, replies.STREAM_NEXT, "true")
    ids = [req_id_map[index] for index in sorted(req_id_map)]
    content = replies.answered(ids, context.request_processor, ret, begin=(code, message))
    context.metrics.flush()
    context.cl_socket.sendall(content)
