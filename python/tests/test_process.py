"""The worker as a process: how it starts, what it says, how it ends."""

import os
import stat

from support import EXAMPLES, WORKER, Input, WorkerTest, infer, load

from meterbox_worker import server


class Process(WorkerTest):
    def test_it_says_what_the_server_waits_for_and_exits_when_the_connection_closes(self):
        worker = self.worker()
        worker.connect()
        listening = f"Listening on port: {worker.path}"
        self.assertEqual(
            worker.started, [listening, f"[PID]{worker.process.pid}", "Torch worker started."]
        )
        self.assertEqual(worker.end(), 0)
        self.assertEqual(worker.errors, [])

    def test_it_serves_over_tcp_on_loopback(self):
        worker = self.worker("--sock-type", "tcp", "--port", "0", "--host", "127.0.0.1", "--async",
                             "--preload-model", "false")
        wire = worker.connect()
        self.assertEqual(wire.ask(load(EXAMPLES / "noop")).message, "loaded")
        self.assertEqual(wire.ask(infer(Input())).predictions[0].body, b"OK")
        self.assertEqual(worker.end(), 0)

    def test_its_socket_is_its_owners_and_gone_after_the_connection(self):
        worker = self.worker()
        while worker.line() != "Torch worker started.":
            pass
        self.assertEqual(stat.S_IMODE(os.lstat(worker.path).st_mode), 0o600)
        worker.started = [f"Listening on port: {worker.path}"]
        worker.connect()
        self.assertFalse(os.path.exists(worker.path))

    def test_a_socket_left_behind_is_replaced_and_a_file_is_not(self):
        folder = self.folder(file="content")
        first, path = server.listen_unix(str(folder / "s"))
        first.close()
        server.listen_unix(path)[0].close()
        with self.assertRaises(OSError):
            server.listen_unix(str(folder / "file"))
        self.assertEqual((folder / "file").read_text(), "content")

    def test_it_gives_up_when_nobody_connects(self):
        folder = self.folder()
        listener, _ = server.listen_unix(str(folder / "s"))
        with listener, self.assertRaises(server.socket.timeout):
            server.accept(listener, 0.01)

    def test_bad_usage_is_exit_code_2(self):
        for options in (["--sock-type", "unix"], ["--sock-type", "tcp"], ["--sock-type", "x"],
                        ["--sock-type", "tcp", "--port", "70000"],
                        ["--sock-type", "tcp", "--port", "0", "--host", "0.0.0.0"]):
            worker = self.worker(*options)
            self.assertEqual(worker.end(), 2, options)

    def test_what_is_no_request_ends_it_with_a_reason(self):
        cases = {
            b"X": "no request begins with the byte 0x58",
            infer(Input()): "a batch came before a model was loaded",
            b"L\x7f\xff\xff\xff": "length 2147483647",
        }
        for content, reason in cases.items():
            worker = self.worker()
            worker.connect().connection.sendall(content)
            self.assertEqual(worker.process.wait(20), 1)
            worker.end()
            self.assertIn(reason, worker.errors[-1])

    def test_half_a_request_ends_it_with_a_reason(self):
        worker = self.loaded(EXAMPLES / "noop")
        worker.wire.connection.sendall(infer(Input())[:-2])
        self.assertEqual(worker.end(), 1)
        self.assertIn("in the middle of a request", worker.errors[-1])

    def test_a_handler_may_end_the_process_with_its_own_code(self):
        worker = self.loaded("""
            import sys
            def handle(data, context):
                if data is not None:
                    sys.exit(3)
        """)
        worker.wire.connection.sendall(infer(Input()))
        self.assertEqual(worker.process.wait(20), 3)

    def test_what_a_handler_prints_comes_line_by_line_and_apart_from_metrics(self):
        worker = self.loaded("""
            def handle(data, context):
                if data is not None:
                    print("begun,", end=" ")
                    context.metrics.add_counter("Seen", 1)
                    print("done")
                    return ["x"]
        """, environment={"PYTHONUNBUFFERED": "1"})
        worker.wire.ask(infer(Input()))
        lines = [worker.line() for _ in range(3)]
        self.assertIn("begun, done", lines)
        self.assertEqual(sum(line.startswith("[METRICS]") for line in lines), 2)

    def test_the_options_name_the_program(self):
        self.assertTrue(WORKER.is_file())
        with open(WORKER, encoding="utf-8") as file:
            self.assertTrue(file.readline().startswith("#!"))


class Load(WorkerTest):
    def refused(self, folder, reason, **more):
        worker = self.worker()
        reply = worker.connect().ask(load(folder, **more))
        self.assertNotEqual(reply.code, 200)
        self.assertIn(reason, reply.message)
        return worker, reply

    def test_a_model_that_fails_to_load_says_why_and_the_worker_stays(self):
        folder = self.folder(service__py="""
            class Model:
                def initialize(self, context):
                    raise RuntimeError("no weights")
                def handle(self, data, context):
                    return data
        """)
        worker, reply = self.refused(folder, "RuntimeError: no weights")
        self.assertEqual(reply.code, 500)
        reply = worker.wire.ask(load(EXAMPLES / "noop"))
        self.assertEqual(reply.code, 200, "the next model is loaded from its own service.py")
        self.assertEqual(worker.end(), 0)
        self.assertTrue(any("Traceback" in line for line in worker.errors))

    def test_too_little_memory_is_507(self):
        folder = self.folder(service__py="raise MemoryError()\n")
        _, reply = self.refused(folder, "System out of memory")
        self.assertEqual(reply.code, 507)

    def test_a_handler_that_is_not_there_is_named(self):
        folder = self.folder(service__py="import nosuchmodule\n", empty__py="", two__py="""
            class A:
                def handle(self, data, context): pass
            class B:
                def handle(self, data, context): pass
        """)
        self.refused(folder, "the archive has no other.py", handler="other.py")
        self.refused(folder, "need torch", handler="image_classifier")
        self.refused(folder, "No module named 'nosuchmodule'")
        self.refused(folder, "and has none", handler="empty")
        self.refused(folder, "and has A, B", handler="two")
        self.refused(folder, "no function 'go'", handler="empty:go")
        self.refused(folder, "names no file", handler="")
        self.refused(folder, "service_envelope 'kserve'", handler="two:A", envelope="kserve")

    def test_a_manifest_or_config_that_cannot_be_read_is_named(self):
        folder = self.folder(service__py="def handle(data, context): pass\n")
        (folder / "MAR-INF").mkdir()
        manifest = folder / "MAR-INF" / "MANIFEST.json"
        manifest.write_text("{")
        self.refused(folder, "MANIFEST.json: cannot be read")
        manifest.write_text('{"model": {"configFile": "c.yaml"}}')
        self.refused(folder, "c.yaml: cannot be read")
        (folder / "c.yaml").write_text("a: [1\n")
        self.refused(folder, "c.yaml:")
