"""What handlers are given and what becomes of their answers."""

import json
import unittest
from pathlib import Path

from support import EXAMPLES, MODELS, Input, WorkerTest, form, infer, load


class Forms(WorkerTest):
    def answer(self, folder, handler):
        worker = self.worker()
        reply = worker.connect().ask(load(folder, handler))
        self.assertEqual(reply.message, "loaded", worker.errors)
        return worker.wire.ask(infer(Input())).predictions[0].body

    def test_every_way_to_name_a_handler_works(self):
        folder = self.folder(
            function__py="""
                def handle(data, context):
                    return data and [b"handle"]
                def other(data, context):
                    return data and ["other"]
            """,
            model__py="""
                import function  # beside it in the archive
                class Service:
                    def handle(self, data, context):
                        return ["class"]
                class Unrelated:
                    pass
            """,
        )
        (folder / "code").mkdir()
        (folder / "code" / "deep.py").write_text("def handle(data, context): return data and ['deep']\n")
        cases = {
            "function.py": b"handle", "function": b"handle", "function:other": b"other",
            "function.py:other": b"other", "model.py": b"class", "model:Service": b"class",
            "code/deep.py": b"deep",
        }
        for handler, expected in cases.items():
            with self.subTest(handler):
                self.assertEqual(self.answer(folder, handler), expected)

    def test_a_file_named_as_a_module_of_python_is_the_models_own(self):
        folder = self.folder(queue__py="def handle(data, context): return data and ['mine']\n")
        self.assertEqual(self.answer(folder, "queue.py"), b"mine")

    def test_a_function_is_called_once_without_data_and_a_class_is_initialized(self):
        worker = self.loaded("""
            calls = []
            def handle(data, context):
                calls.append(data is None)
                return data and [calls]
        """)
        self.assertEqual(json.loads(worker.wire.ask(infer(Input())).predictions[0].body), [True, False])

    def test_the_context_tells_about_the_model(self):
        folder = self.folder(
            settings__yaml="minWorkers: 2\nown: {deep: [1, two]}\n",
            service__py="""
                class Model:
                    def initialize(self, context):
                        self.facts = dict(context.system_properties)
                        self.facts.update(manifest=context.manifest, config=context.model_yaml_config,
                                          name=context.model_name)
                    def handle(self, data, context):
                        return [dict(self.facts, ids=context.request_ids)]
            """,
        )
        (folder / "MAR-INF").mkdir()
        manifest = {"model": {"configFile": "settings.yaml"}}
        (folder / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))
        (folder / "MAR-INF" / "config.json").write_text('{"minWorkers": 2, "own": {"deep": [1, "two"]}}')
        worker = self.loaded(folder, name="facts", gpu=1, batch_size=4)
        facts = json.loads(worker.wire.ask(infer(Input("i"))).predictions[0].body)
        self.assertEqual(facts.pop("server_version"), "0.12.0")
        self.assertEqual(facts, {
            "model_dir": str(folder), "gpu_id": 1, "batch_size": 4, "server_name": "Meterbox",
            "limit_max_image_pixels": True, "manifest": manifest, "name": "facts", "ids": {"0": "i"},
            "config": {"minWorkers": 2, "own": {"deep": [1, "two"]}},
        })


class Inputs(WorkerTest):
    HEADERS = {"explain": "False", "Accept": "*/*", "url_path": ""}

    def echoed(self, *requests, environment=None):
        worker = self.loaded(EXAMPLES / "echo", environment=environment)
        reply = worker.wire.ask(infer(*requests))
        self.assertEqual(reply.code, 200, worker.errors)
        return [json.loads(one.body) for one in reply.predictions]

    def test_the_echo_of_a_text_is_what_torchserve_echoes(self):
        request = Input(inputs={"body": ("text/plain", b"hello")}, headers=self.HEADERS)
        worker = self.loaded(EXAMPLES / "echo")
        self.assertEqual(worker.wire.ask(infer(request)).predictions[0].body.decode(), """{
  "batch_len": 1,
  "row": {
    "body": "hello"
  },
  "row_types": {
    "body": "str"
  },
  "request_id_seen": true,
  "headers": {
    "body": {
      "content-type": "text/plain"
    },
    "explain": "False",
    "Accept": "*/*",
    "url_path": ""
  }
}""")

    def test_inputs_become_values_by_their_content_type(self):
        requests = [
            Input(inputs={"body": ("application/json", b'{"a":[1,2]}')}),
            Input(inputs={"body": ("application/json; charset=utf-8", b"7")}),
            Input(inputs={"body": ("text/csv", "é".encode())}),
            Input(inputs={"body": ("text/plain", b"\xff")}),
            Input(inputs={"body": ("image/png", b"x")}),
            Input(inputs={"a": ("", b"1"), "b": ("", b"two")}),
            Input(inputs={}),
        ]
        rows = self.echoed(*requests)
        types = [row["row_types"] for row in rows]
        self.assertEqual(types, [
            {"body": "dict"}, {"body": "int"}, {"body": "str"}, {"body": "bytearray"},
            {"body": "bytearray"}, {"a": "bytearray", "b": "bytearray"}, {},
        ])
        self.assertEqual(rows[0]["row"], {"body": {"a": [1, 2]}})
        self.assertEqual(rows[2]["row"], {"body": "é"})
        self.assertEqual(rows[0]["batch_len"], len(requests))

    def test_decoding_can_be_turned_off(self):
        request = Input(inputs={"body": ("application/json", b"{"), "t": ("text/plain", b"t")})
        rows = self.echoed(request, environment={"TS_DECODE_INPUT_REQUEST": "false"})
        self.assertEqual(rows[0]["row_types"], {"body": "bytearray", "t": "bytearray"})

    def test_a_body_that_is_no_json_fails_its_request_only(self):
        bad = Input("bad", {"body": ("application/json", b'{"a":')})
        worker = self.loaded(EXAMPLES / "echo")
        reply = worker.wire.ask(infer(Input("good"), bad))
        self.assertEqual(reply.code, 200)
        good, refused = reply.predictions
        self.assertEqual((good.id, good.status, json.loads(good.body)["batch_len"]), ("good", 200, 1))
        self.assertEqual((refused.id, refused.status, refused.phrase), ("bad", 400, "Bad Request"))
        self.assertEqual(refused.content_type, "application/json")
        document = json.loads(refused.body)
        self.assertEqual((document["code"], document["type"]), (400, "BadRequestException"))
        self.assertIn("input 'body': is not JSON: Expecting value", document["message"])
        alone = worker.wire.ask(infer(bad))
        self.assertEqual([one.status for one in alone.predictions], [400])


class Answers(WorkerTest):

    def modes(self):
        return self.loaded(MODELS / "modes")

    def test_values_go_out_as_torchserve_sends_them(self):
        worker = self.modes()
        nested = b'{\n  "b": 1,\n  "a": [\n    1,\n    2.5,\n    null,\n    true\n  ],\n  "u": "\\u00e9"\n}'
        cases = {"str": b"OK", "bytes": b"\x00\x01raw", "dict": nested, "int": b"7", "none": b"null"}
        for mode, body in cases.items():
            reply = worker.wire.ask(infer(form(mode=mode)))
            self.assertEqual((reply.code, reply.message), (200, "Prediction success"))
            answer = reply.predictions[0]
            self.assertEqual((answer.body, answer.status, answer.phrase, answer.headers, answer.content_type),
                             (body, 200, "", {}, ""))

    def test_every_way_to_fail_has_its_code_and_message(self):
        worker = self.modes()
        cases = {
            "raise": (503, "Prediction failed"),
            "notlist": (503, "Invalid model predict output"),
            "short": (503, "number of batch response mismatched"),
            "set": (503, "Unsupported model output data type."),
            "memerr": (507, "Out of resources"),
            "predexc": (551, "custom prediction error"),
            "predexc400": (400, "bad input here"),
        }
        for mode, expected in cases.items():
            reply = worker.wire.ask(infer(form(mode=mode)))
            self.assertEqual((reply.code, reply.message), expected, mode)
            self.assertEqual(len(reply.predictions), 1)
        self.assertEqual(worker.wire.ask(infer(form(mode="str"))).predictions[0].body, b"OK")
        worker.end()
        self.assertIn("ValueError: the handler raised", worker.errors)

    def test_odd_answers_and_errors_never_cost_the_reply(self):
        worker = self.loaded("""
            class Odd(Exception):
                def __str__(self):
                    return "odd"
            class PredictionException(Exception):  # TorchServe's own class has this name
                error_code = 499
                message = "by name"
            class BadCode(PredictionException):
                error_code = "many"
            ring = []
            ring.append(ring)
            deep = []
            for _ in range(100_000):
                deep = [deep]
            def handle(data, context):
                if data is None:
                    return
                mode = data[0]["mode"].decode()
                if mode == "status":
                    context.set_response_status(2 ** 40)
                if mode == "header":
                    context.set_response_header(0, "n", 7)
                if mode == "cuda":
                    raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
                if mode in ("Odd", "PredictionException", "BadCode"):
                    raise globals()[mode]()
                return [{"ring": ring, "deep": deep, "surrogate": "\\ud800"}.get(mode, mode)]
        """)
        unsupported = "Unsupported model output data type."
        cases = {
            "ring": (503, unsupported), "deep": (503, unsupported), "surrogate": (503, unsupported),
            "status": (503, unsupported), "header": (200, "Prediction success"),
            "cuda": (507, "Out of resources"), "Odd": (503, "Prediction failed"),
            "PredictionException": (499, "by name"), "BadCode": (503, "Prediction failed"),
        }
        for mode, expected in cases.items():
            reply = worker.wire.ask(infer(form(mode=mode)))
            self.assertEqual((reply.code, reply.message), expected, mode)

    def test_status_content_type_and_headers_go_with_the_answer(self):
        worker = self.modes()
        teapot = worker.wire.ask(infer(form(mode="status"))).predictions[0]
        self.assertEqual((teapot.status, teapot.phrase, teapot.body), (418, "teapot", b"status body"))
        typed = worker.wire.ask(infer(form(mode="ctype"))).predictions[0]
        self.assertEqual((typed.content_type, typed.body), ("application/json", b'{"x":1}'))
        own = worker.wire.ask(infer(form(mode="hdr"))).predictions[0]
        self.assertEqual(own.headers, {"X-From-Handler": "yes", "Cache-Control": "max-age=5"})
        plain = worker.wire.ask(infer(form(mode="str"))).predictions[0]
        self.assertEqual((plain.status, plain.headers), (200, {}), "the next request starts afresh")

    def test_a_streamed_answer_is_parts_that_say_whether_more_follow(self):
        worker = self.modes()
        replies = [worker.wire.ask(infer(form(mode="stream")))]
        replies += [worker.wire.reply() for _ in range(3)]
        parts = [reply.predictions[0] for reply in replies]
        self.assertEqual([part.body for part in parts], [b"part0 ", b"part1 ", b"part2 ", b"last"])
        self.assertEqual([part.headers["ts_stream_next"] for part in parts], ["true"] * 3 + ["false"])
        self.assertEqual(replies[0].message, "Intermediate Prediction success")
        after = worker.wire.ask(infer(form(mode="str"))).predictions[0]
        self.assertEqual(after.headers, {})

    def test_a_batch_answers_each_request_by_its_id(self):
        worker = self.modes()
        reply = worker.wire.ask(infer(*[Input(f"r{at}", {"mode": ("", b"int")}) for at in range(40)]))
        self.assertEqual([one.id for one in reply.predictions], [f"r{at}" for at in range(40)])

    def test_a_handler_hears_that_it_is_asked_to_describe_or_explain(self):
        worker = self.loaded(MODELS / "described")
        for header, body in (("describe", {"custom": "description"}), ("explain", {"explained": True})):
            reply = worker.wire.ask(infer(Input(headers={header: "True"})))
            self.assertEqual(json.loads(reply.predictions[0].body), body)
        self.assertEqual(worker.wire.ask(infer(Input(headers={"explain": "False"}))).predictions[0].body, b"OK")


class Base(WorkerTest):
    MODEL = """
        from ts.context import Context
        from ts.protocol.otf_message_handler import send_intermediate_predict_response
        from ts.torch_handler.base_handler import BaseHandler
        class Upper(BaseHandler):
            def initialize(self, context):
                super().initialize(context)
                assert isinstance(context, Context) and self.initialized
                self.model = lambda rows: [row["text"].decode().upper() for row in rows]
            def get_insights(self, inputs, raw, target):
                return {"target": target}
            def describe_handle(self):
                return {"upper": True}
    """

    def test_a_handler_on_the_base_class_answers_explains_describes_and_is_timed(self):
        worker = self.loaded(self.MODEL)
        self.assertEqual(worker.wire.ask(infer(form(text="abc"))).predictions[0].body, b"ABC")
        line = worker.metrics(1)[0]
        self.assertRegex(line, r"^\[METRICS\]HandlerTime\.ms:[0-9.]+\|#ModelName:m,Level:Model\|#type:GAUGE\|")
        explained = worker.wire.ask(infer(form(text="abc")._replace(headers={"explain": "True"})))
        self.assertEqual(json.loads(explained.predictions[0].body), {"target": 0})
        described = worker.wire.ask(infer(Input(headers={"describe": "True"})))
        self.assertEqual(json.loads(described.predictions[0].body), {"upper": True})


class Packages(unittest.TestCase):
    def test_everything_is_python_3_8(self):
        import ast

        root = Path(EXAMPLES).parent
        files = sorted(root.rglob("*.py")) + sorted(MODELS.rglob("*.py"))
        self.assertGreater(len(files), 40)
        for file in files:
            ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 8))
