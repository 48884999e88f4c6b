"""Metric lines are those of TorchServe 0.12, whatever handlers do."""

import os
import re
import threading
import unittest

from support import MODELS, Input, WorkerTest, form, infer, load

from meterbox_worker.document import DocumentError
from meterbox_worker.metrics.cache import METRICS_MAX, MetricsCache
from meterbox_worker.metrics.declared import declare, read_declarations
from meterbox_worker.metrics.lines import HELD_MAX, Lines, to_descriptor
from meterbox_worker.metrics.units import Dimension, MetricTypes

#: The grammar that the server demands.
GRAMMAR = re.compile(
    r"\[METRICS\]\s*[A-Za-z0-9_\s]+\.[A-Za-z0-9_\s]+:[0-9\-,.e]+\|#[^|]*(\|#type:[^|,]+)?"
    r"\|#hostname:[^,]+,[0-9]+(,.*)?"
)


class Collected(unittest.TestCase):
    def setUp(self):
        self.written = []
        self.lines = Lines(lambda content: self.written.append(content.decode()))
        self.metrics = MetricsCache(self.lines, "noop")

    def emitted(self):
        """The lines so far, without host and time."""
        lines = "".join(self.written).splitlines()
        self.written.clear()
        return [re.sub(r"\|#hostname:[^,]+,[0-9]+", "|@", line) for line in lines]

    def test_every_call_writes_its_unit_type_and_dimensions(self):
        metrics, own = self.metrics, "ModelName:noop,Level:Model"
        red = [Dimension("colour", "red")]
        metrics.begin(["r1", "r2"])
        metrics.add_counter("C", 1)
        metrics.add_counter("C", 2, 1, red)
        metrics.add_time("T", 12.5)
        metrics.add_time("S", 1.5, 0, "s")
        for unit in ("MB", "kB", "GB", "B"):
            metrics.add_size(f"Size{unit}", 3, None, unit)
        metrics.add_percent("P", 42.5, dimensions=red)
        metrics.add_error("E", 2)
        metrics.add_error("E", 2, red)
        metrics.add_metric("G", 5, "widgets", None, None, MetricTypes.GAUGE)
        metrics.add_metric("H", 0.03, "ms", metric_type=MetricTypes.HISTOGRAM)
        metrics.add_metric("N", 1, "")
        metrics.add_metric("N2", 1)
        metrics.flush()
        ids = "r1,r2"
        self.assertEqual(self.emitted(), [
            f"[METRICS]C.Count:1|#{own}|#type:COUNTER|@,{ids}",
            f"[METRICS]C.Count:2|#colour:red,{own}|#type:COUNTER|@,r2",
            f"[METRICS]T.Milliseconds:12.5|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]S.Seconds:1.5|#{own}|#type:GAUGE|@,r1",
            f"[METRICS]SizeMB.Megabytes:3|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]SizekB.Kilobytes:3|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]SizeGB.Gigabytes:3|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]SizeB.Bytes:3|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]P.Percent:42.5|#colour:red,{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]E.unit:2|#Level:Error|#type:COUNTER|@,{ids}",
            f"[METRICS]E.unit:2|#colour:red,Level:Error|#type:COUNTER|@,{ids}",
            f"[METRICS]G.widgets:5|#{own}|#type:GAUGE|@,{ids}",
            f"[METRICS]H.Milliseconds:0.03|#{own}|#type:HISTOGRAM|@,{ids}",
            f"[METRICS]N.unit:1|#{own}|#type:COUNTER|@,{ids}",
            f"[METRICS]N2.unit:1|#{own}|#type:COUNTER|@,{ids}",
        ])

    def test_metrics_with_names_of_dimensions_take_values(self):
        made = self.metrics.add_metric_to_cache("D", "count", ["variant", "colour"], MetricTypes.COUNTER)
        made.add_or_update(3, ["a", "red"], "r9")
        self.metrics.get_metric("D").update(1, "r9", [Dimension("x", "y")])
        self.assertEqual(self.emitted(), [
            "[METRICS]D.Count:3|#variant:a,colour:red|#type:COUNTER|@,r9",
            "[METRICS]D.Count:1|#x:y|#type:COUNTER|@,r9",
        ])
        with self.assertRaisesRegex(ValueError, "1 values for its 2 dimensions"):
            made.add_or_update(3, ["a"])
        with self.assertRaisesRegex(KeyError, "no gauge 'D'"):
            self.metrics.get_metric("D", MetricTypes.GAUGE)

    def test_dimensions_of_one_call_do_not_leak_into_the_next(self):
        red = [Dimension("colour", "red")]
        self.metrics.add_counter("A", 1, None, red)
        self.metrics.add_counter("A", 1, None, red)
        self.metrics.add_counter("A", 1)
        first, second, third = self.emitted()
        self.assertEqual(first, second)
        self.assertNotIn("colour", third)
        self.assertEqual(len(red), 1)

    def test_values_are_written_so_that_the_server_can_read_them(self):
        class Scalar:
            def __float__(self):
                return 0.5

        for value in (1, -1.5, 1e22, 1e-7, True, "2.5", Scalar()):
            self.metrics.add_counter("V", value)
        texts = [line.split(":")[1].split("|")[0] for line in self.emitted()]
        self.assertEqual(texts, ["1", "-1.5", "1e22", "1e-07", "1.0", "2.5", "0.5"])
        with self.assertRaisesRegex(TypeError, "is a number, not 'many'"):
            self.metrics.add_counter("V", "many")

    def test_a_line_stays_one_line(self):
        self.metrics.add_counter("A", 1, None, [Dimension("text", "a\n[METRICS]Forged.Count:1\r\nb")])
        lines = self.emitted()
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("[METRICS]A."))

    def test_units_that_are_none_are_refused(self):
        with self.assertRaisesRegex(ValueError, "ms or s"):
            self.metrics.add_time("T", 1, None, "min")
        with self.assertRaisesRegex(ValueError, "MB, kB, GB or B"):
            self.metrics.add_size("S", 1, None, "TB")

    def test_names_are_bounded(self):
        with self.assertRaisesRegex(ValueError, "is a name made of data"):
            for at in range(METRICS_MAX + 1):
                self.metrics.add_metric_to_cache(f"m{at}", "ms")

    def test_lines_of_a_batch_wait_and_others_do_not(self):
        self.metrics.add_counter("Before", 1)
        self.assertEqual(len(self.written), 1)
        self.metrics.begin(["r"])
        for _ in range(HELD_MAX - 1):
            self.metrics.add_counter("In", 1)
        self.assertEqual(len(self.written), 1)
        self.metrics.add_counter("In", 1)
        self.assertEqual(len(self.written), 2, "a full buffer is written")
        self.metrics.flush()
        self.metrics.flush()
        self.assertEqual(len(self.written), 2)

    def test_threads_lose_no_line(self):
        def emit():
            for _ in range(2_000):
                self.metrics.add_counter("T", 1)

        threads = [threading.Thread(target=emit) for _ in range(4)]
        self.metrics.begin(["r"])
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.metrics.flush()
        self.assertEqual(len(self.emitted()), 8_000)


class Declared(WorkerTest):
    #: As the server writes it.
    TEXT = """{"ts_metrics": {"counter": [{"name": "Requests2XX", "unit": "Count", "dimensions": ["Level"]}]},
      "model_metrics": {
        "counter": [{"name": "Declared", "unit": "things", "dimensions": ["ModelName", "tag"]}],
        "gauge": [{"name": "HandlerTime", "unit": "ms", "dimensions": ["ModelName", "Level"]}]}}"""

    def test_declared_metrics_are_found_by_name(self):
        folder = self.folder(metrics__json=self.TEXT)
        written = []
        metrics = MetricsCache(Lines(written.append), "m")
        declare(read_declarations(str(folder / "metrics.json")), metrics)
        metrics.get_metric("Declared").add_or_update(1, ["m", "t"])
        self.assertIn(b"[METRICS]Declared.things:1|#ModelName:m,tag:t|#type:COUNTER|", written[0])
        with self.assertRaises(KeyError):
            metrics.get_metric("Requests2XX")

    def test_a_file_that_declares_nonsense_is_named(self):
        for text, reason in (
            ('{"model_metrics": {"gauge": [{"name": "A"}]}}', "needs a name and a unit"),
            ('{"model_metrics": 7}', "are expected"),
            ("a: [\n", "metrics.yaml"),
        ):
            folder = self.folder(metrics__yaml=text)
            with self.assertRaisesRegex(DocumentError, reason):
                read_declarations(str(folder / "metrics.yaml"))

    def test_a_worker_without_its_file_says_so_and_works(self):
        path = str(self.folder() / "s")
        worker = self.worker("--sock-type", "unix", "--sock-name", path, "--metrics-config", "/nonexistent")
        self.assertEqual(worker.connect().ask(load(MODELS / "noop_v2")).code, 200)
        worker.end()
        self.assertIn("metrics are not declared: /nonexistent: cannot be read", worker.errors[0])


class FromWorkers(WorkerTest):
    def test_the_metrics_of_every_kind_fit_the_grammar(self):
        worker = self.loaded(MODELS / "mx", name="mx")
        self.assertEqual(worker.wire.ask(infer(form(mode="all"))).predictions[0].body, b"emitted all")
        lines = worker.metrics(17)
        for line in lines:
            self.assertRegex(line, GRAMMAR)
        names = [line[len("[METRICS]"):].split(".")[0] for line in lines]
        self.assertEqual(names, [
            "AutoCounter", "AutoCounterDims", "AutoTimeMs", "AutoTimeS", "AutoSizeMB", "AutoSizekB",
            "AutoSizeB", "AutoPercent", "AutoGeneric", "AutoHistogram", "DeclCounter", "DeclGauge",
            *["DeclHistogram"] * 4, "PredictionTime",
        ])
        self.assertRegex(lines[-1], r"PredictionTime\.ms:[0-9.]+\|#ModelName:mx,Level:Model\|"
                                    r"#type:GAUGE\|#hostname:[^,]+,[0-9]+,id-0$")

    def test_an_error_with_a_text_counts_one_and_the_text_is_logged(self):
        worker = self.loaded(MODELS / "mx")
        self.assertEqual(worker.wire.ask(infer(form(mode="errstr"))).code, 200)
        self.assertIn("[METRICS]AutoError.unit:1|#Level:Error|#type:COUNTER", worker.metrics(1)[0])
        worker.end()
        self.assertIn("error AutoError: something went wrong", worker.errors)

    def test_metrics_of_a_failed_batch_and_of_loading_are_written_too(self):
        worker = self.loaded("""
            def handle(data, context):
                context.metrics.add_counter("Called", 1)
                if data is not None:
                    raise ValueError
        """)
        self.assertEqual(worker.wire.ask(infer(Input())).code, 503)
        at_load, at_batch = worker.metrics(2)
        self.assertRegex(at_load, r",[0-9]+$")
        self.assertTrue(at_batch.endswith(",id-0"))


class Descriptor(unittest.TestCase):
    def test_everything_is_written_even_if_the_pipe_takes_it_in_pieces(self):
        read, write = os.pipe()
        got = []

        def collect():
            with os.fdopen(read, "rb") as file:
                got.append(file.read())

        thread = threading.Thread(target=collect)
        thread.start()
        content = b"line\n" * 200_000
        to_descriptor(write)(content)
        os.close(write)
        thread.join()
        self.assertEqual(got[0], content)
