"""The loop of the worker: a request, its reply, the next request, until the server closes.

One request is answered before the next is read, as TorchServe's front end expects.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import traceback
from typing import Callable, Optional

from . import replies
from .errors import FrameError, LoadError
from .frames import Reader
from .inputs import decoder
from .metrics.cache import MetricsCache
from .requests import INFER, LOAD, Load, read_batch, read_load
from .service import Service, load

#: Makes the metrics of a model.
NewMetrics = Callable[[str], MetricsCache]


class Session:
    """One connection of the server."""

    def __init__(self, connection: socket.socket, new_metrics: NewMetrics) -> None:
        self._connection = connection
        self._reader = Reader(connection)
        self._new_metrics = new_metrics
        self._decode = decoder(os.environ)
        self._service: Optional[Service] = None

    def run(self) -> None:
        """Answers until the server closes the connection.

        Raises `FrameError` for bytes that are no request, `ConnectionEnded` for half of one.
        """
        reader, decode, send = self._reader, self._decode, self._connection.sendall
        command = reader.command()
        while command is not None:
            if command == INFER:
                batch = read_batch(reader, decode)
                if self._service is None:
                    raise FrameError("a batch came before a model was loaded")
                send(self._service.predict(batch))
                # Not to be kept while waiting for the next one.
                del batch
            elif command == LOAD:
                send(self._load(read_load(reader)))
            else:
                raise FrameError(f"no request begins with the byte 0x{command:02x}")
            command = reader.command()

    def _load(self, what: Load) -> bytes:
        """Loads a model; the reply says how that went."""
        metrics = self._new_metrics(what.model_name)
        try:
            service = load(what, metrics)
        except MemoryError:
            return replies.loaded(507, "System out of memory")
        except LoadError as error:
            print(f"model {what.model_name}: {error}", file=sys.stderr)
            return replies.loaded(500, f"model {what.model_name}: {error}")
        except Exception as error:  # the model's code may raise anything
            traceback.print_exc()
            return replies.loaded(500, f"model {what.model_name}: {type(error).__name__}: {error}")
        finally:
            metrics.flush()
        service.context.cl_socket = self._connection
        self._service = service
        # What was loaded stays: the collector of garbage need not look at it again.
        gc.collect()
        gc.freeze()
        return replies.loaded(200, "loaded")
