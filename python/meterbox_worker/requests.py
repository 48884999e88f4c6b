"""The two requests of the protocol: LOAD, and INFER with its batch.

Layout, big-endian, every text and body with its length before it:

    LOAD   'L' model_name, model_path, batch_size, handler, gpu_id or -1, envelope, limit_max_image_pixels
    INFER  'I' { request_id, {name, value}* -1, {name, content_type, body}* -1 }* -1

Source: TorchServe 0.12.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from .errors import FrameError
from .frames import Reader
from .inputs import BadInput, Decode

#: The byte before LOAD.
LOAD = ord("L")
#: The byte before INFER.
INFER = ord("I")
#: Most requests in a batch.
BATCH_MAX = 100_000
#: Most inputs of one request.
INPUTS_MAX = 100_000


class Load(NamedTuple):
    """What to load."""

    model_name: str
    #: The folder of the unpacked archive.
    model_dir: str
    #: Requests in a batch, at most.
    batch_size: int
    #: `file.py`, `file` or `module:function`.
    handler: str
    #: The GPU to use, if any.
    gpu_id: Optional[int]
    #: What shapes requests and answers around the handler; empty for nothing.
    envelope: str
    #: Whether Pillow's limit on image sizes stays on.
    limit_max_image_pixels: bool


class Request(NamedTuple):
    """One request of a batch."""

    id: str
    #: What the handler gets: values by parameter name.
    row: Dict[str, Any]
    #: The content types of the parameters, then all headers.
    headers: Dict[str, Any]
    #: Why it cannot be given to the handler.
    problem: Optional[str]


def read_load(reader: Reader) -> Load:
    """Reads what follows the byte of LOAD."""
    model_name, model_dir = reader.text(), reader.text()
    batch_size = reader.number()
    if batch_size < 1:
        raise FrameError(f"LOAD has the batch size {batch_size}")
    handler = reader.text()
    gpu_id = reader.number()
    envelope = reader.text()
    limited = reader.byte() != 0
    return Load(
        model_name, model_dir, batch_size, handler, gpu_id if gpu_id >= 0 else None, envelope, limited
    )


def read_batch(reader: Reader, decode: Decode) -> List[Request]:
    """Reads what follows the byte of INFER; `decode` makes the values of bodies."""
    batch: List[Request] = []
    text_or_end, text, blob, pairs = reader.text_or_end, reader.text, reader.blob, reader.pairs
    while True:
        request_id = text_or_end()
        if request_id is None:
            return batch
        sent = pairs()
        row: Dict[str, Any] = {}
        headers: Dict[str, Any] = {}
        problem = None
        name = text_or_end()
        while name is not None:
            content_type = text()
            value: Any = blob()
            headers[name] = {"content-type": content_type}
            if content_type:
                try:
                    value = decode(content_type, value)
                except BadInput as error:
                    problem = f"input {name!r}: {error}"
            row[name] = value
            if len(row) > INPUTS_MAX:
                raise FrameError(f"a request has more than {INPUTS_MAX} inputs")
            name = text_or_end()
        headers.update(sent)
        batch.append(Request(request_id, row, headers, problem))
        if len(batch) > BATCH_MAX:
            raise FrameError(f"a batch has more than {BATCH_MAX} requests")
