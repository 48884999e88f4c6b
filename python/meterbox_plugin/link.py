"""Requests to the host, from any thread: inside an entry on the entry's own lane, elsewhere on a service lane."""

from __future__ import annotations

import os
import queue
import sys
import threading
from contextlib import contextmanager
from typing import Iterator, List, NoReturn, Optional, Tuple

from .codes import Message
from .errors import Ended, FrameError, of_status
from .lane import Lane
from .wire import Bytes, Put, Take

#: What may take long, so that a short request does not wait for it.
_LONG = frozenset({Message.GATHER, Message.REPLY, Message.BODY, Message.MODELS})
_GO_ON = Put().u32(0).whole()


class Link:
    """Where requests to the host go; the testkit has one without a process."""

    def __init__(self) -> None:
        self._drops: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._drops_expected = False

    def expect_drops(self) -> None:
        """From now on answers may be forgotten."""
        if not self._drops_expected:
            self._drops_expected = True
            threading.Thread(target=self._tell_drops, name="drops", daemon=True).start()

    def dropped(self, call: int) -> None:
        """Nobody gives the answer to `call` any more. Only takes note, as objects are forgotten at any
        moment, also in the middle of a request: a thread tells the host."""
        self._drops.put(call)

    def _tell_drops(self) -> None:
        while True:
            self.tell(Message.DROP, Put().u64(self._drops.get()).whole())

    def ask(self, kind: int, payload: bytes) -> Take:
        """Makes a request and gives its result. Raises `errors.Error` when the host refuses."""
        raise NotImplementedError

    def tell(self, kind: int, payload: bytes, wait: bool = False) -> None:
        """Says something that has no answer; with `wait` it may go out together with the end of the entry."""
        raise NotImplementedError

    def gather(self, payload: bytes) -> List[bytes]:
        """Makes a `GATHER` and gives its batches."""
        raise NotImplementedError


class Lanes(Link):
    """The link to a real host."""

    def __init__(self, short: Lane, long: Lane) -> None:
        super().__init__()
        self._short: Tuple[Lane, threading.Lock] = (short, threading.Lock())
        self._long: Tuple[Lane, threading.Lock] = (long, threading.Lock())
        self._thread = threading.local()

    @contextmanager
    def entered(self, lane: Lane) -> Iterator[None]:
        """Inside, this thread's requests go over `lane`."""
        self._thread.lane = lane
        try:
            yield
        finally:
            self._thread.lane = None

    @contextmanager
    def _lane(self, kind: int) -> Iterator[Tuple[Lane, bool]]:
        """The lane for a request of this thread, and whether it is an entry's."""
        own: Optional[Lane] = getattr(self._thread, "lane", None)
        try:
            if own is not None:
                yield own, True
                return
            lane, lock = self._long if kind in _LONG else self._short
            with lock:
                yield lane, False
        except (Ended, FrameError) as error:
            end(error)

    def ask(self, kind: int, payload: bytes) -> Take:
        with self._lane(kind) as (lane, _):
            lane.send(kind, payload)
            return self._answer(*lane.receive())

    def tell(self, kind: int, payload: bytes, wait: bool = False) -> None:
        with self._lane(kind) as (lane, is_entry):
            if wait and is_entry:
                lane.queue(kind, payload)
            else:
                lane.send(kind, payload)

    def gather(self, payload: bytes) -> List[bytes]:
        # Every batch is taken before the first one is looked at: what a plugin does with them may need
        # the lane, and columns take far less room than what becomes of them.
        batches: List[bytes] = []
        with self._lane(Message.GATHER) as (lane, _):
            lane.send(Message.GATHER, payload)
            kind, content = lane.receive()
            while kind == Message.VISIT:
                batches.append(bytes(content))
                lane.send(Message.FLOW, _GO_ON)
                kind, content = lane.receive()
            self._answer(kind, content)
        return batches

    @staticmethod
    def _answer(kind: int, content: Bytes) -> Take:
        if kind != Message.ANSWER:
            raise FrameError(f"a message of kind {kind:#x} where an answer was due")
        take = Take(content)
        status, message = take.u32(), take.text()
        if status:
            raise of_status(status, message)
        return take


def end(why: Exception) -> NoReturn:
    """Ends this process at once: without a host there is nothing to do."""
    broken = isinstance(why, FrameError)
    if broken:
        print(f"the host sent {why}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if broken else 0)
