#!/usr/bin/env python3
"""Measures the worker alone: predictions of a model that does nothing, over the worker's own socket.

No server stands before it, so this is the ceiling of what one worker can serve. Prints one line per
figure, exits 0 when every answer was right.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, List, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
#: Headers of a request as the server passes them on.
HEADERS = {"explain": "False", "Host": "localhost:8080", "User-Agent": "curl/7.88.1",
           "Accept": "*/*", "content-length": "0", "url_path": ""}
#: Sets the size of a pipe on Linux; `fcntl` has the name from Python 3.10 on.
F_SETPIPE_SZ = 1031
#: As much as an ordinary user may have: metric lines of a tenth of a second.
PIPE_BYTES = 1 << 20
REQUEST_ID = "5f0c7d6e-0d83-4b3e-9a52-2f1d7a1f0c11"


def number(value: int) -> bytes:
    """A number of the protocol."""
    return struct.pack(">i", value)


def text(value: str) -> bytes:
    """A text of the protocol."""
    encoded = value.encode()
    return number(len(encoded)) + encoded


def load(model_dir: str) -> bytes:
    """LOAD of the model."""
    return b"".join([b"L", text("noop"), text(model_dir), number(1), text("service.py"), number(-1),
                     text(""), b"\x01"])


def batch(size: int) -> bytes:
    """INFER of so many equal requests."""
    headers = b"".join(text(name) + text(value) for name, value in HEADERS.items())
    one = text(REQUEST_ID) + headers + number(-1) + text("body") + text("") + number(0) + number(-1)
    return b"I" + one * size + number(-1)


def start(folder: str) -> Tuple[subprocess.Popen, socket.socket]:
    """A worker, connected."""
    path = os.path.join(folder, "bench.sock")
    command = [sys.executable, os.path.join(HERE, "model_service_worker.py"),
               "--sock-type", "unix", "--sock-name", path]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE)
    for line in worker.stdout:
        if line.rstrip().endswith(b"Torch worker started."):
            break
    else:
        raise SystemExit(f"the worker ended with {worker.wait()} before it was ready")
    threading.Thread(target=drain, args=(worker.stdout,), daemon=True).start()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    return worker, connection


def drain(stream: IO[bytes]) -> None:
    """Reads the worker's metric lines away, many at a time: this thread shares a lock with the clock."""
    fcntl.fcntl(stream, F_SETPIPE_SZ, PIPE_BYTES)
    while stream.read1(PIPE_BYTES):
        time.sleep(0.02)


def exchange(connection: socket.socket, request: bytes, buffer: bytearray, length: int) -> None:
    """Sends a request and takes its reply of `length` bytes."""
    connection.sendall(request)
    got = connection.recv_into(buffer)
    while got < length:
        more = connection.recv_into(memoryview(buffer)[got:])
        if more == 0:
            raise SystemExit("the worker closed the connection")
        got += more


def measure(connection: socket.socket, size: int, seconds: float) -> List[float]:
    """Seconds that each batch of `size` requests took, in sorted order."""
    request = batch(size)
    buffer = bytearray(1 << 20)
    connection.sendall(request)
    length, tail = 0, b""
    while not tail.endswith(number(-1)):
        got = connection.recv_into(memoryview(buffer)[length:])
        length += got
        tail = bytes(buffer[:length])
    if tail.count(b"OK") != size:
        raise SystemExit(f"the worker answered {tail!r}")
    for _ in range(500):
        exchange(connection, request, buffer, length)
    clock = time.perf_counter
    times = []
    end = clock() + seconds
    last = clock()
    while last < end:
        exchange(connection, request, buffer, length)
        now = clock()
        times.append(now - last)
        last = now
    times.sort()
    return times


def main() -> int:
    """Runs the measurements."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=5.0, help="per figure (5)")
    options.add_argument("--batch", type=int, default=16, help="size of the second figure's batches (16)")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        worker, connection = start(folder)
        with connection:
            buffer = bytearray(1 << 10)
            request = load(os.path.join(HERE, "examples", "noop"))
            exchange(connection, request, buffer, len(number(200) + text("loaded") + number(-1)))
            for size, what in ((1, "concurrency 1"), (chosen.batch, f"batches of {chosen.batch}")):
                times = measure(connection, size, chosen.seconds)
                rate = size * len(times) / sum(times)
                p50 = times[len(times) // 2] * 1e6
                p99 = times[len(times) * 99 // 100] * 1e6
                print(f"bare worker loop, {what}: {rate:.0f}/s, p50 {p50:.0f} us, p99 {p99:.0f} us")
        return worker.wait(10)


if __name__ == "__main__":
    sys.exit(main())
