"""What the tests share: a worker process to talk to, the server's side of the protocol, models on the fly."""

from __future__ import annotations

import os
import queue
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

PYTHON = Path(__file__).resolve().parent.parent
REPOSITORY = PYTHON.parent
EXAMPLES = PYTHON / "examples"
MODELS = REPOSITORY / "tests" / "fixtures" / "models"
WORKER = PYTHON / "model_service_worker.py"
for place in (PYTHON, PYTHON / "compat"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
#: How long anything may take, in seconds.
DEADLINE = 20.0


def number(value: int) -> bytes:
    return struct.pack(">i", value)


def text(value: str) -> bytes:
    encoded = value.encode()
    return number(len(encoded)) + encoded


def load(model_dir: object, handler: str = "service.py", name: str = "m", gpu: int = -1,
         batch_size: int = 1, envelope: str = "") -> bytes:
    return b"".join([b"L", text(name), text(str(model_dir)), number(batch_size), text(handler),
                     number(gpu), text(envelope), b"\x01"])


class Input(NamedTuple):
    """One request to be sent."""

    id: str = "id-0"
    #: Name to `(content type, bytes)`.
    inputs: Dict[str, Any] = {"body": ("", b"")}
    headers: Dict[str, str] = {}


def infer(*requests: Input) -> bytes:
    parts = [b"I"]
    for request in requests:
        parts.append(text(request.id))
        for name, value in request.headers.items():
            parts += (text(name), text(value))
        parts.append(number(-1))
        for name, (content_type, content) in request.inputs.items():
            parts += (text(name), text(content_type), number(len(content)), content)
        parts.append(number(-1))
    parts.append(number(-1))
    return b"".join(parts)


def form(**fields: str) -> Input:
    return Input(inputs={name: ("", value.encode()) for name, value in fields.items()})


class Prediction(NamedTuple):
    id: str
    content_type: str
    status: int
    phrase: str
    headers: Dict[str, str]
    body: bytes


class Reply(NamedTuple):
    code: int
    message: str
    predictions: List[Prediction]


class Wire:
    """The server's side of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE)
        self.connection = connection
        self.file = connection.makefile("rb")

    def number(self) -> int:
        return struct.unpack(">i", self.exactly(4))[0]

    def exactly(self, count: int) -> bytes:
        content = self.file.read(count)
        if len(content) != count:
            raise EOFError("the worker closed the connection")
        return content

    def blob(self) -> bytes:
        return self.exactly(self.number())

    def reply(self) -> Reply:
        code, message, predictions = self.number(), self.blob().decode(), []
        while True:
            length = self.number()
            if length == -1:
                return Reply(code, message, predictions)
            request_id = self.exactly(length).decode()
            content_type, status, phrase = self.blob().decode(), self.number(), self.blob().decode()
            headers = {self.blob().decode(): self.blob().decode() for _ in range(self.number())}
            predictions.append(
                Prediction(request_id, content_type, status, phrase, headers, self.blob())
            )

    def ask(self, content: bytes) -> Reply:
        self.connection.sendall(content)
        return self.reply()


class Worker:
    """A worker process; its lines are kept apart by stream."""

    def __init__(self, *options: str, environment: Optional[Dict[str, str]] = None) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "w.sock")
        options = options or ("--sock-type", "unix", "--sock-name", self.path)
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        )
        self.out: "queue.Queue[Optional[str]]" = queue.Queue()
        self.errors: List[str] = []
        self.threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        self.started: List[str] = []
        self.wire: Optional[Wire] = None

    def _read_out(self) -> None:
        for line in self.process.stdout:
            self.out.put(line.decode().rstrip("\n"))
        self.out.put(None)

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self.errors.append(line.decode().rstrip("\n"))

    def line(self) -> Optional[str]:
        """The next line of stdout; `None` at its end."""
        return self.out.get(timeout=DEADLINE)

    def connect(self) -> Wire:
        line = self.line()
        while line is not None and not line.startswith("Python runtime: "):
            self.started.append(line)
            line = self.line()
        if line is None:
            raise AssertionError(f"the worker ended: {self.errors}")
        name = self.started[0].rpartition(" ")[2]
        if name.isdigit():
            connection = socket.create_connection(("127.0.0.1", int(name)), DEADLINE)
        else:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.connect(name)
        self.wire = Wire(connection)
        accepted = self.line()
        assert accepted is not None and accepted.startswith("Connection accepted: "), accepted
        return self.wire

    def metrics(self, count: int) -> List[str]:
        """The next lines of stdout that are metrics."""
        found: List[str] = []
        while len(found) < count:
            line = self.line()
            if line is None:
                raise AssertionError(f"only {found}")
            if line.startswith("[METRICS]"):
                found.append(line)
        return found

    def end(self) -> int:
        """Closes the connection; the exit code."""
        if self.wire is not None:
            self.wire.file.close()
            self.wire.connection.close()
        code = self.process.wait(DEADLINE)
        for thread in self.threads:
            thread.join(DEADLINE)
        return code

    def close(self) -> None:
        self.process.kill()
        self.end()
        self.process.stdout.close()
        self.process.stderr.close()
        self.folder.cleanup()


class WorkerTest(unittest.TestCase):
    """A test with workers and models, both gone afterwards."""

    def worker(self, *options: str, **more: Any) -> Worker:
        worker = Worker(*options, **more)
        self.addCleanup(worker.close)
        return worker

    def folder(self, **files: str) -> Path:
        """A folder with these files; `__` in a name stands for the dot."""
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        for name, content in files.items():
            path = Path(place.name, name.replace("__", "."))
            path.write_text(textwrap.dedent(content), encoding="utf-8")
        return Path(place.name)

    def loaded(self, model: object, **more: Any) -> Worker:
        """A worker with a model: a folder, or the text of its `service.py`."""
        environment = more.pop("environment", None)
        worker = self.worker(environment=environment)
        folder = model if isinstance(model, Path) else self.folder(service__py=str(model))
        reply = worker.connect().ask(load(folder, **more))
        self.assertEqual(reply, Reply(200, "loaded", []), worker.errors)
        return worker
