"""The runner's process serves a host over the lanes of docs/RUNNER-PROTOCOL.md."""

import mmap
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

from support import DEADLINE, EXAMPLES, PYTHON

from meterbox_plugin import gathered
from meterbox_plugin.codes import Message
from meterbox_plugin.errors import Ended
from meterbox_plugin.fake_host import CELL_BYTES, STRIPES, Answer, FakeHost
from meterbox_plugin.lane import Lane
from meterbox_plugin.wire import HEADER, Put, Take

RUNNER = PYTHON / "meterbox_plugin_runner.py"
HELLO = (EXAMPLES / "plugins" / "hello.py").read_text(encoding="utf-8")
NO_DEADLINE = (1 << 64) - 1


def memory_file(content):
    descriptor = os.memfd_create("test")
    os.write(descriptor, content)
    return descriptor


class Runner:
    """A runner's process and the host's side of its lanes."""

    def __init__(self, text, call_lanes=2, protocol=1, level=5):
        cells = memory_file(bytes(CELL_BYTES))
        self.memory = mmap.mmap(cells, CELL_BYTES)
        self.host = FakeHost(self.memory)
        ours, theirs = zip(*(socket.socketpair() for _ in range(2 + call_lanes)))
        self.sockets = ours
        for connection in ours:
            connection.settimeout(DEADLINE)
        self.service = [Lane(connection) for connection in ours[:2]]
        self.calls = [Lane(connection) for connection in ours[2:]]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-u", str(RUNNER), "/plugins/hello.py"], stdin=theirs[0],
            stdout=self.log, stderr=self.log, env={"PYTHONDONTWRITEBYTECODE": "1"},
        )
        file = memory_file(textwrap.dedent(text).encode())
        arena = memory_file(b"")
        descriptors = [file, cells]
        for connection in theirs[1:]:
            descriptors += [connection.fileno(), arena]
        hello = Put().u16(protocol).text("0.3.0").text("hello").text("1.0").u64(1 << 20).u64(CELL_BYTES)
        hello = hello.u32(STRIPES).u32(call_lanes).u32(level).whole()
        socket.send_fds(ours[0], [HEADER.pack(len(hello), Message.HELLO, 0) + hello], descriptors)
        for descriptor in (file, cells, arena):
            os.close(descriptor)
        for connection in theirs:
            connection.close()

    def load(self):
        """Waits for the end of HELLO."""
        self.loaded = self.run(self.service[0])

    def serve(self):
        """Answers both service lanes until the process ends."""
        for lane in self.service:
            threading.Thread(target=self._serve, args=(lane,), daemon=True).start()

    def _serve(self, lane):
        try:
            while True:
                self.answer(lane, *lane.receive())
        except Ended:
            pass

    def answer(self, lane, kind, payload):
        if kind == Message.GATHER:
            for batch in self.host.families:
                lane.send(Message.VISIT, batch)
                assert lane.receive()[0] == Message.FLOW
            lane.send(Message.ANSWER, Put().u32(0).text("").whole())
            return
        answer = self.host.answer(kind, Take(payload))
        if answer is not None:
            lane.send(Message.ANSWER, answer)

    def run(self, lane, kind=None, payload=b""):
        """Runs one entry; status, message and the rest of its DONE."""
        if kind is not None:
            lane.send(kind, payload)
        found, content = lane.receive()
        while found != Message.DONE:
            self.answer(lane, found, content)
            found, content = lane.receive()
        take = Take(content)
        return take.u32(), take.text(), take

    def ask(self, kind, payload=b"", lane=0):
        """Runs one entry that works."""
        status, message, take = self.run(self.calls[lane], kind, payload)
        assert status == 0, message
        return take

    def start(self, config="{}"):
        self.ask(Message.CREATE, Put().text(config).whole())
        self.routes = self.ask(Message.ROUTES)
        self.ask(Message.START)
        self.serve()
        return self

    def call(self, rest="", method="GET", query="", body=b"", form=1, number=1, lane=0):
        """A request to the first route: the answer and how the entry ended."""
        answer = self.host.answers[number] = Answer()
        put = Put().u32(0).u64(number).text(method).text("/hello" + rest).text(rest).text(query).text("test")
        put.list([("x-a", b"1")], lambda pair: put.text(pair[0]).bytes(pair[1])).u64(NO_DEADLINE).u8(form)
        if form == 1:
            put.bytes(body)
        status, message, _ = self.run(self.calls[lane], Message.CALL, put.whole())
        return answer, (status, message)

    def said(self):
        self.log.seek(0)
        return self.log.read().decode()

    def end(self):
        """Closes all lanes; the exit code."""
        for connection in self.sockets:
            # Also wakes what still reads here.
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        return self.process.wait(DEADLINE)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        for connection in self.sockets:
            connection.close()
        self.log.close()


class RunnerTest(unittest.TestCase):
    def runner(self, text=HELLO, **options):
        runner = Runner(text, **options)
        self.addCleanup(runner.close)
        runner.load()
        return runner

    def started(self, text=HELLO, config="{}", **options):
        runner = self.runner(text, **options)
        self.assertEqual(runner.loaded[:2], (0, ""), runner.said())
        return runner.start(config)


class Life(RunnerTest):
    def test_it_declines_arenas_states_its_routes_and_ends_with_its_lanes(self):
        runner = self.started()
        loaded = runner.loaded[2]
        self.assertEqual((loaded.u8(), loaded.text()), (0, ""))
        routes = runner.routes
        self.assertEqual((routes.u32(), routes.u32()), (1 | 2, 1))
        self.assertEqual((routes.u32(), routes.u32(), routes.text(), routes.u32()), (0, 3, "hello", 1 | 2 | 4))
        self.assertEqual(runner.host.timers, {1: 1.0})
        runner.ask(Message.STOP, Put().u64(10**9).whole())
        self.assertIn("hello leaves", [line.message for line in runner.host.log])
        self.assertEqual(runner.end(), 0, runner.said())

    def test_a_text_that_does_not_load_is_refused_with_its_line(self):
        table = [
            ("x = 1\nif x\n", "line 2: SyntaxError: "),
            ("x = 1\nraise RuntimeError('told to')\n", "line 2: RuntimeError: told to"),
            ("import nothing_of_this_name\n", "line 1: ModuleNotFoundError: "),
            ("raise SystemExit(3)\n", "line 1: SystemExit: 3"),
            ("", "/plugins/hello.py needs one class derived from meterbox_plugin.Plugin, and has none"),
        ]
        for text, expected in table:
            runner = self.runner(text)
            self.assertEqual(runner.loaded[0], 1 if text else 2)
            self.assertTrue(runner.loaded[1].startswith(expected), runner.loaded[1])
            self.assertEqual(runner.end(), 0, runner.said())

    def test_another_version_of_the_protocol_ends_the_process_with_a_sentence(self):
        runner = Runner(HELLO, protocol=2)
        self.addCleanup(runner.close)
        self.assertEqual(runner.process.wait(DEADLINE), 1)
        self.assertIn("version 2 of the runner protocol", runner.said())

    def test_a_create_that_fails_says_why(self):
        runner = self.runner()
        status, message, _ = runner.run(runner.calls[0], Message.CREATE, Put().text('{"greeting":5}').whole())
        self.assertEqual((status, message), (2, "hello.toml: greeting is 5 (expected a text)"))

    def test_an_unknown_message_and_a_broken_payload_end_the_process(self):
        for kind, payload in ((0x77, b""), (Message.CALL, b"\x01")):
            runner = self.started()
            runner.calls[0].send(kind, payload)
            self.assertEqual(runner.process.wait(DEADLINE), 1)
            self.assertIn("the host sent", runner.said())


class Requests(RunnerTest):
    def test_answers_whole_in_pieces_and_later(self):
        runner = self.started(config='{"greeting":"Hi"}')
        answer, ended = runner.call(query="name=Ada", number=1)
        self.assertEqual((answer.body, answer.status, ended), (b'{"greeting":"Hi, Ada!"}', 200, (0, "")))
        answer, _ = runner.call("/stream", number=2, lane=1)
        self.assertEqual([piece for piece in answer.pieces if piece], [b"part 0\n", b"part 1\n", b"part 2\n"])
        answer, _ = runner.call("/later", number=3)
        self.assertTrue(answer.over.wait(DEADLINE))
        self.assertEqual((answer.status, answer.body), (202, b"later\n"))

    def test_a_body_comes_whole_or_in_pieces(self):
        runner = self.started()
        body = os.urandom(1 << 20)
        answer, _ = runner.call(method="POST", body=body, number=1)
        self.assertEqual(answer.body, body)
        runner.host.bodies[2] = [body, b"end"]
        answer, _ = runner.call(method="POST", form=2, number=2)
        self.assertEqual(answer.body, body + b"end")

    def test_failures_have_their_status_and_exceptions_their_traceback(self):
        runner = self.started()
        self.assertEqual(runner.call("/x")[1], (3, "no page /x"))
        self.assertEqual(runner.call("/fail")[1], (1, "ValueError: hello fails when asked"))
        trace = runner.host.log[-1].message
        self.assertIn('File "/plugins/hello.py", line ', trace)
        self.assertIn('raise ValueError("hello fails when asked")', trace, "the line of the sealed text")

    def test_an_abort_is_a_signal_and_its_place_is_on_standard_error(self):
        runner = self.started()
        with self.assertRaises(Ended):
            runner.call("/crash")
        self.assertEqual(runner.process.wait(DEADLINE), -6)
        self.assertIn("in show", runner.said())

    def test_lanes_serve_at_the_same_time(self):
        runner = self.started("""
            import threading
            from meterbox_plugin import Plugin, get
            class Pair(Plugin):
                def create(self):
                    self.both = threading.Barrier(2)
                @get("hello")
                def meet(self, request):
                    self.both.wait(20)
                    return threading.current_thread().name
        """)
        found = {}

        def call(lane):
            found[lane] = runner.call(number=lane + 1, lane=lane)[0].text

        threads = [threading.Thread(target=call, args=(lane,)) for lane in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(found, {0: "MainThread", 1: "call-1"})


class Measures(RunnerTest):
    def test_changes_are_stores_into_the_shared_cells(self):
        runner = self.started()
        for number, lane in ((1, 0), (2, 1), (3, 1)):
            runner.call(number=number, lane=lane)
        runner.call(method="POST", body=b"x" * 500, number=4)
        values = {family.name: list(family) for family in runner.host.registered()}
        self.assertEqual([(s.label_text, s.value) for s in values["hello_calls_total"]],
                         [('page="greet"', 3), ('page="echo"', 1)])
        self.assertEqual(values["hello_body_bytes"][0].buckets, (0, 1, 0, 0))
        self.assertEqual(values["hello_body_bytes"][0].sum, 500.0)
        runner.ask(Message.TIMER, Put().u64(1).whole())
        runner.process.kill()
        runner.process.wait(DEADLINE)
        values = {family.name: list(family) for family in runner.host.registered()}
        self.assertEqual(values["hello_ticks_total"][0].value, 1, "it outlives the process")

    def test_a_collector_shows_and_what_came_before_a_failure_stays(self):
        runner = self.started()
        runner.ask(Message.COLLECT, Put().texts([]).whole())
        [rooms] = gathered.read(runner.host.shown)
        self.assertEqual([sample.value for sample in rooms], [21.5, 12.0])
        runner = self.started(config='{"broken_collector":true}')
        status, message, _ = runner.run(runner.calls[0], Message.COLLECT, Put().texts([]).whole())
        self.assertEqual((status, message), (1, "the cellar is locked"))
        [rooms] = gathered.read(runner.host.shown)
        self.assertEqual([sample.value for sample in rooms], [21.5])

    def test_gather_export_and_threads_of_its_own_reach_the_host(self):
        runner = self.started("""
            import logging, threading
            from meterbox_plugin import Plugin, get
            class Reader(Plugin):
                @get("hello")
                def count(self, request):
                    found = []
                    other = threading.Thread(target=lambda: found.append(self.host.gather()))
                    other.start()
                    other.join()
                    for family in self.host.gather(["up"]):
                        logging.info("%s", family.name)
                    return {"here": len(self.host.gather()[0]), "there": len(found[0][0]), "pid": self.host.pid}
                def export(self, gathered, pushes):
                    for family in gathered:
                        pushes.push("PUT", "http://x", family.name, {"a": "b"})
        """, level=3)
        from meterbox_plugin.families import Families
        families = Families((), lambda batch: bool(runner.host.families.append(batch)))
        rows = families.gauge("up", "Up.")
        for number in range(20_000):
            rows.sample(1, number=number)
        families.finish()
        self.assertGreater(len(runner.host.families), 1)
        answer, ended = runner.call()
        self.assertEqual(ended, (0, ""))
        self.assertEqual(answer.text, '{"here":20000,"there":20000,"pid":1}')
        self.assertIn((3, "root", "up"), runner.host.log)
        runner.ask(Message.EXPORT)
        self.assertEqual(runner.host.pushes, [("PUT", "http://x", {"a": "b"}, b"up")])


if __name__ == "__main__":
    unittest.main()
