"""The bytes on the socket are TorchServe 0.12's."""

import socket
import threading
import unittest

from support import EXAMPLES, Input, Reply, WorkerTest, infer, load, number, text

from meterbox_worker.errors import ConnectionEnded, FrameError
from meterbox_worker.frames import PAIRS_MAX, Reader
from meterbox_worker.inputs import decode
from meterbox_worker.requests import INFER, LOAD, Load, read_batch, read_load

#: The example of the protocol: model noop, version 1.11, batches of 2.
PATH = "/tmp/models/" + "0123456789abcdef" * 2 + "/" + "a" * 16
LOAD_BYTES = bytes.fromhex("4c 00000004") + b"noop" + bytes.fromhex("0000003d") + PATH.encode() + \
    bytes.fromhex("00000002 0000000a") + b"service.py" + bytes.fromhex("ffffffff 00000000 01")
INFER_BYTES = (
    b"I"
    b"\x00\x00\x00\x02r1" b"\x00\x00\x00\x07explain" b"\x00\x00\x00\x05False" b"\xff\xff\xff\xff"
    b"\x00\x00\x00\x04body" b"\x00\x00\x00\x0atext/plain" b"\x00\x00\x00\x02hi" b"\xff\xff\xff\xff"
    b"\x00\x00\x00\x02r2" b"\xff\xff\xff\xff" b"\xff\xff\xff\xff"
    b"\xff\xff\xff\xff"
)


def piecewise(content, size):
    """A reader of bytes that arrive in pieces, through a small buffer."""
    here, there = socket.socketpair()

    def send():
        with there:
            for at in range(0, len(content), size):
                there.sendall(content[at:at + size])

    threading.Thread(target=send, daemon=True).start()
    return here, Reader(here, 16)


class Frames(unittest.TestCase):
    def test_the_load_of_the_protocols_example_is_read_however_it_arrives(self):
        for size in (1, 3, 1000):
            here, reader = piecewise(LOAD_BYTES, size)
            with here:
                self.assertEqual(reader.command(), LOAD)
                expected = Load("noop", PATH, 2, "service.py", None, "", True)
                self.assertEqual(read_load(reader), expected)
                self.assertIsNone(reader.command())

    def test_a_batch_is_read_however_it_arrives(self):
        for size in (1, 7, 1000):
            here, reader = piecewise(INFER_BYTES * 2, size)
            with here:
                for _ in range(2):
                    self.assertEqual(reader.command(), INFER)
                    first, second = read_batch(reader, decode)
                    self.assertEqual(first.id, "r1")
                    self.assertEqual(first.row, {"body": "hi"})
                    headers = {"body": {"content-type": "text/plain"}, "explain": "False"}
                    self.assertEqual(first.headers, headers)
                    self.assertEqual((second.id, second.row, second.headers), ("r2", {}, {}))
                self.assertIsNone(reader.command())

    def test_equal_headers_are_the_same_and_others_are_not(self):
        batches = [infer(Input(headers={"a": value})) for value in ("1", "1", "22", "1")]
        here, reader = piecewise(b"".join(batches), 10_000)
        with here:
            seen = []
            reader = Reader(here)
            for _ in batches:
                reader.command()
                seen.append(read_batch(reader, decode)[0].headers["a"])
        self.assertEqual(seen, ["1", "1", "22", "1"])

    def test_a_body_larger_than_any_buffer_arrives_whole(self):
        content = bytes(range(256)) * (40 << 10)
        here, reader = piecewise(infer(Input(inputs={"body": ("x/y", content)})), 1 << 16)
        with here:
            reader.command()
            self.assertEqual(read_batch(reader, decode)[0].row["body"], content)

    def test_what_is_no_request_is_refused_with_a_reason(self):
        many = b"".join(text(str(at)) + text("") for at in range(PAIRS_MAX + 2))
        cases = {
            "length -2": b"I" + number(-2),
            "length 2147483647": b"I" + number(2**31 - 1),
            "not UTF-8": b"I" + number(2) + b"\xff\xfe",
            "a text has the length -1": b"I" + text("r") + text("name") + number(-1),
            "body has the length -5":
                b"I" + text("r") + number(-1) + text("n") + text("") + number(-5),
            "more than 100000 names": b"I" + text("r") + many + number(-1),
        }
        for reason, content in cases.items():
            with self.subTest(reason):
                here, reader = piecewise(content, 1 << 16)
                with here, self.assertRaisesRegex(FrameError, reason):
                    reader.command()
                    read_batch(reader, decode)
        here, reader = piecewise(load("/x", batch_size=0), 100)
        with here, self.assertRaisesRegex(FrameError, "batch size 0"):
            reader.command()
            read_load(reader)

    def test_a_request_cut_off_anywhere_is_noticed(self):
        for end in range(2, len(INFER_BYTES)):
            here, reader = piecewise(INFER_BYTES[:end], 1000)
            with here, self.assertRaises(ConnectionEnded):
                reader.command()
                read_batch(reader, decode)


class Replies(WorkerTest):
    def test_the_replies_of_noop_are_these_bytes(self):
        worker = self.worker()
        wire = worker.connect()
        wire.connection.sendall(load(EXAMPLES / "noop", name="noop"))
        loaded = bytes.fromhex("000000c8 00000006") + b"loaded" + bytes.fromhex("ffffffff")
        self.assertEqual(wire.exactly(len(loaded)), loaded)
        wire.connection.sendall(infer(Input("r1"), Input("r2")))
        begin = number(200) + text("Prediction success")
        ends = b"".join(
            text(one) + text("text/plain") + number(200) + text("") + number(1)
            + text("content-type") + text("text/plain") + text("OK")
            for one in ("r1", "r2")
        )
        self.assertEqual(wire.exactly(len(begin + ends) + 4), begin + ends + number(-1))

    def test_a_failed_batch_has_its_code_and_an_error_per_request(self):
        worker = self.loaded("""
            def handle(data, context):
                return None if data is None else 1 / 0
        """)
        worker.wire.connection.sendall(infer(Input("r1"), Input("r2")))
        expected = number(503) + text("Prediction failed") + b"".join(
            text(one) + number(0) + number(503) + number(0) + number(0) + text("error")
            for one in ("r1", "r2")
        ) + number(-1)
        self.assertEqual(worker.wire.exactly(len(expected)), expected)

    def test_an_empty_batch_is_answered_with_nothing(self):
        worker = self.loaded(EXAMPLES / "noop")
        self.assertEqual(worker.wire.ask(infer()), Reply(200, "Prediction success", []))
