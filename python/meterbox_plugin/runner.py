"""The process of one Python plugin: takes what the host hands over and serves its lanes until they end."""

from __future__ import annotations

import array
import faulthandler
import os
import socket
import threading
from typing import List, NamedTuple, Sequence, Tuple

from . import log, source
from .cells import Cells
from .codes import PROTOCOL, Message
from .entries import Entries, host_of
from .errors import Ended, FrameError
from .lane import READ_BYTES, Lane
from .link import Lanes, end
from .wire import Put, Take

#: Most descriptors that come with HELLO: the file, the cells, a socket and an arena for each lane.
DESCRIPTORS_MAX = 250


class Hello(NamedTuple):
    """What the host says first."""

    name: str
    cell_bytes: int
    stripes: int
    call_lanes: int
    log_level: int

    @classmethod
    def read(cls, take: Take) -> Hello:
        """Raises `FrameError` for another version of the protocol."""
        protocol = take.u16()
        if protocol != PROTOCOL:
            raise FrameError(f"version {protocol} of the runner protocol, which this runner does not speak")
        take.text()  # the API of libraries
        name = take.text()
        take.text()  # the host's version
        take.u64()  # arenas, which are declined
        return cls(name, take.u64(), take.u32(), take.u32(), take.u32())


class Descriptors(NamedTuple):
    """What came with HELLO."""

    file: int
    cells: int
    long: int
    calls: List[int]

    @classmethod
    def of(cls, found: Sequence[int], call_lanes: int) -> Descriptors:
        """Sorts them by the order of the protocol and closes the arenas."""
        if len(found) != 4 + 2 * call_lanes:
            raise FrameError(f"{len(found)} descriptors for {call_lanes} call lanes")
        file, cells, *lanes = found
        for arena in lanes[1::2]:
            os.close(arena)
        long, *calls = lanes[0::2]
        return cls(file, cells, long, calls)


def receive_hello(connection: socket.socket) -> Tuple[Lane, Hello, Descriptors]:
    """Reads the first frame and its descriptors."""
    begun, ancillary, _, _ = connection.recvmsg(
        READ_BYTES, socket.CMSG_SPACE(DESCRIPTORS_MAX * array.array("i").itemsize),
        socket.MSG_CMSG_CLOEXEC,
    )
    if not begun:
        raise Ended
    found = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(content[:len(content) - len(content) % found.itemsize])
    lane = Lane(connection, begun)
    kind, payload = lane.receive()
    if kind != Message.HELLO:
        raise FrameError(f"a message of kind {kind:#x} where HELLO was due")
    hello = Hello.read(Take(payload))
    return lane, hello, Descriptors.of(found, hello.call_lanes)


def serve(lanes: Lanes, lane: Lane, entries: Entries) -> None:
    """Answers what comes over one call lane, until the host closes it."""
    try:
        while True:
            kind, payload = lane.receive()
            with lanes.entered(lane):
                done = entries.run(kind, payload)
            lane.send(Message.DONE, done)
    except (Ended, FrameError) as error:
        end(error)


def connected(descriptor: int) -> Lane:
    """The lane over a descriptor."""
    return Lane(socket.socket(fileno=descriptor))


def main(arguments: Sequence[str]) -> None:
    """Serves the host at standard input; the one argument is the plugin's path, for tracebacks. Never returns."""
    # Only the thread that crashed: the others wait for requests.
    faulthandler.enable(all_threads=False)
    try:
        first = socket.socket(fileno=os.dup(0))
        # What a plugin reads from its standard input is nothing.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        short, hello, descriptors = receive_hello(first)
        path = arguments[0] if arguments else f"{hello.name}.py"
        lanes = Lanes(short, connected(descriptors.long))
        cells = Cells.open(descriptors.cells, hello.cell_bytes, hello.stripes)
        host = host_of(lanes, cells, hello.name, hello.log_level)
        try:
            kind = source.load(source.read(descriptors.file), path, hello.name)
        except BaseException as error:
            failed = Entries(source.Plugin, host, lanes).failure(error, log.line_in(error, path))
            short.send(Message.DONE, failed)
            short.receive()
            raise Ended from None
        os.close(descriptors.file)
        os.close(descriptors.cells)
        entries = Entries(kind, host, lanes)
        short.send(Message.DONE, Put().u32(0).text("").u8(0).text("").whole())
        own, *others = [connected(descriptor) for descriptor in descriptors.calls]
        for number, lane in enumerate(others, 1):
            threading.Thread(target=serve, args=(lanes, lane, entries), name=f"call-{number}", daemon=True).start()
        # Whoever needs the main thread finds it here: the plugin is created on this lane.
        serve(lanes, own, entries)
    except (Ended, FrameError) as error:
        end(error)
