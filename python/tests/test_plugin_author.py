"""What an author writes does what it says, through the testkit that authors use."""

import logging
import textwrap
import threading
import unittest

from support import EXAMPLES

from meterbox_plugin import (
    Closed,
    Config,
    Denied,
    EventKinds,
    Invalid,
    Kind,
    NotFound,
    Plugin,
    Reply,
    Unavailable,
    Verdict,
    any_method,
    delete,
    get,
    post,
    source,
)
from meterbox_plugin.codes import Message
from meterbox_plugin.rows import Event
from meterbox_plugin.testkit import Bench


class Everything(Plugin):
    """A plugin with one of each."""

    def create(self):
        metrics = self.host.metrics
        self.seconds = metrics.counter_f64("spent_seconds_total", "Time spent.")
        self.level = metrics.gauge("level", "A level.", ["of"])
        self.sizes = metrics.summary("sizes", "Sizes.")
        self.build = metrics.info("build_info", "Build.", ["version"])
        self.seen = []

    @get("all", on="inference")
    @any_method("all", on="management")
    def show(self, request):
        return {"method": request.method, "rest": request.rest, "names": request.query_values("n")}

    @post("all", on="management")
    def take(self, request):
        return Reply(f"{request.json()['a']}", status=201)

    @delete("all")
    def refuse(self, request):
        raise Unavailable("later")

    @get("all")
    def nothing(self, request):
        return {"/html": Reply.html("<p>"), "/bytes": b"\xff", "/list": [1], "": None}[request.rest]

    def on_events(self, events):
        self.seen += events

    def export(self, gathered, pushes):
        text = "".join(f"{family.name} {sample.value}\n" for family in gathered for sample in family)
        pushes.post("http://127.0.0.1:1/push", text, "text/plain")

    def classify(self, status, body):
        return (Verdict.DROP, "bad") if status == 400 else Verdict.BY_STATUS


class Authors(unittest.TestCase):
    def bench(self, plugin=Everything, config=None):
        bench = Bench(plugin, config)
        self.addCleanup(bench.stop)
        return bench

    def test_routes_answer_on_their_listener_with_their_methods(self):
        bench = self.bench()
        answer = bench.get("/all/x?n=1&n=a%20b", on="inference").json()
        self.assertEqual(answer, {"method": "GET", "rest": "/x", "names": ["1", "a b"]})
        self.assertEqual(bench.request("PUT", "/all", on="management").json()["method"], "PUT")
        self.assertEqual(bench.request("PUT", "/all", on="inference").status, 405)
        made = bench.post("/all", b'{"a": 7}', on="management")
        self.assertEqual((made.status, made.text, made.headers["content-type"]), (201, "7", "text/plain; charset=utf-8"))
        broken = bench.post("/all", b"{", on="management")
        self.assertEqual(broken.status, 400, broken.error)

    def test_what_is_returned_says_the_content_type(self):
        bench = self.bench()
        for path, kind in (("/html", "text/html; charset=utf-8"), ("/bytes", "application/octet-stream"),
                           ("/list", "application/json")):
            self.assertEqual(bench.get("/all" + path).headers["content-type"], kind)
        silent = bench.get("/all")
        self.assertEqual(silent.status, 500)
        self.assertIn("the method answered nothing; return text", silent.error)
        self.assertEqual(bench.request("DELETE", "/all").status, 503)

    def test_an_exception_is_a_500_with_its_last_line_and_a_traceback_in_the_log(self):
        bench = self.bench()
        failed = bench.get("/all/absent")
        self.assertEqual((failed.status, failed.error), (500, "KeyError: '/absent'"))
        self.assertTrue(bench.log[-1].message.startswith("Traceback"), bench.log)
        self.assertNotIn("entries.py", bench.log[-1].message)
        self.assertIn("in nothing", bench.log[-1].message)

    def test_instruments_change_the_series_of_their_labels(self):
        bench = self.bench()
        plugin = bench.plugin
        plugin.seconds.inc(0.5)
        plugin.seconds.inc(-1)
        plugin.seconds.set_total(2)
        plugin.level.with_labels("a").set(3)
        plugin.level.with_labels(of="a").dec()
        plugin.level.with_labels("b").inc(0.5)
        with plugin.sizes.time():
            pass
        plugin.build.with_labels(version=1)
        self.assertEqual(bench.value("spent_seconds_total"), 2.5)
        self.assertEqual((bench.value("level", of="a"), bench.value("level", of="b")), (2, 0.5))
        self.assertEqual((bench.value("sizes"), bench.value("build_info", version="1")), (1, 1))
        kept = plugin.level.with_labels("a")
        plugin.level.remove("a")
        kept.set(9)
        self.assertIsNone(bench.value("level", of="a"))
        with self.assertRaises(NotFound):
            plugin.level.remove("a")

    def test_wrong_labels_name_the_right_ones(self):
        plugin = self.bench().plugin
        for wrong in (lambda: plugin.level.with_labels(), lambda: plugin.level.with_labels(off="a"),
                      lambda: plugin.level.set(1), lambda: plugin.sizes.with_labels("a")):
            with self.assertRaisesRegex(Invalid, r"metric \w+ has the labels \[(of)?\]"):
                wrong()
        again = plugin.host.metrics.gauge("level", "A level.", ["of"])
        self.assertIs(again, plugin.level)
        with self.assertRaisesRegex(Exception, "another kind"):
            plugin.host.metrics.counter("level", "A level.", ["of"])

    def test_buckets_hold_what_is_at_or_below_their_bound(self):
        histogram = self.bench().plugin.host.metrics.histogram("h", "H.", bounds=[1, 2, float("inf")])
        for value in (0.5, 1, 1.5, 3, float("nan")):
            histogram.observe(value)
        counts = [histogram._cells.sum_whole(histogram._cell + at) for at in range(3)]
        self.assertEqual(counts, [2, 1, 2])

    def test_events_models_facts_and_timers_cross(self):
        bench = self.bench()
        host = bench.plugin.host
        bench.host.models = [{1: "noop", 2: "1.0", 3: 1.0, 4: 2.0}]
        self.assertEqual(host.models(), [("noop", "1.0", True, 2, 0, 0, 0)])
        self.assertEqual((host.hostname, host.metric_sets, host.pid), ("test", ["meterbox"], 1))
        host.subscribe(EventKinds.WORKER_DIED | EventKinds.REQUEST_DONE)
        self.assertEqual(bench.host.subscribed, 33)
        event = Event(EventKinds.WORKER_DIED, reason="gone", worker="9000")
        bench.tell([event])
        self.assertEqual(bench.plugin.seen, [event])
        host.start_timer(7, 0.25)
        self.assertEqual(bench.host.timers, {7: 0.25})
        bench.host.denied[Message.MODELS] = "permission models.read is missing"
        with self.assertRaisesRegex(Denied, "models.read"):
            host.models()

    def test_an_exporter_reads_the_hosts_metrics_and_judges_answers(self):
        bench = self.bench()
        bench.host_shows(lambda families: families.gauge("up", "Up.").sample(1.5))
        [push] = bench.export()
        self.assertEqual((push.method, push.body), ("POST", b"up 1.5\n"))
        self.assertEqual(bench.classify(400), (Verdict.DROP, "bad"))
        self.assertEqual(bench.classify(500), (Verdict.BY_STATUS, ""))

    def test_roles_follow_from_the_methods(self):
        self.assertEqual(int(Everything.roles()), 4 | 8)

    def test_a_kept_answer_is_given_later_and_a_forgotten_one_is_told(self):
        class Late(Plugin):
            @get("late")
            def late(self, request):
                answer = request.defer()
                if request.rest == "/kept":
                    threading.Thread(target=self.finish, args=(answer,)).start()

            def finish(self, answer):
                answer.head(203, {"x-late": "1"})
                answer.write("a")
                answer.finish("b")
                try:
                    answer.finish()
                except Closed:
                    self.log.info("once is enough")

        bench = self.bench(Late)
        kept = bench.get("/late/kept")
        self.assertEqual((kept.status, kept.text, kept.headers), (203, "ab", {"x-late": "1"}))
        self.assertEqual(bench.get("/late/dropped").error, "the answer was dropped")

    def test_logging_ends_in_the_hosts_log_with_its_level(self):
        bench = self.bench()
        logging.getLogger("library").warning("odd %s", 1)
        bench.plugin.log.debug("fine")
        self.assertEqual(bench.log[-2:], [(2, "library", "odd 1"), (4, "plugin", "fine")])


class Patterns(unittest.TestCase):
    def test_the_longest_pattern_answers(self):
        class Jobs(Plugin):
            @get("job")
            def all(self, request):
                return "all" + request.rest

            @get("job/old/{rest}")
            def old(self, request):
                return "old" + request.rest

        bench = Bench(Jobs)
        for path, text in (("/job", "all"), ("/job/a/b", "all/a/b"), ("/job/old", "all/old"), ("/job/old/a", "old/a")):
            self.assertEqual(bench.get(path).text, text, path)
        self.assertEqual(bench.get("/jobs").status, 404)


class Configs(unittest.TestCase):
    def test_a_wrong_value_names_file_key_value_and_what_was_expected(self):
        config = Config.from_json("p", '{"a":"x","b":[1],"t":{"c":2},"f":1.5,"yes":true}')
        self.assertEqual((config.text("a"), config.float("f"), config.bool("yes")), ("x", 1.5, True))
        self.assertEqual((config.int("n", 3), config.texts("z", ["q"])), (3, ["q"]))
        table = [
            (lambda: config.int("a"), 'p.toml: a is "x" (expected a whole number)'),
            (lambda: config.int("yes"), "p.toml: yes is true (expected a whole number)"),
            (lambda: config.texts("b"), "p.toml: b is [1] (expected a list of texts)"),
            (lambda: config.bool("z"), "p.toml: z is missing (expected true or false)"),
            (lambda: config.table("t").text("c"), "p.toml: [t]: c is 2 (expected a text)"),
            (lambda: config.table("t").int("c", 1, 3, 9), "p.toml: [t]: c is 2 (expected 3 to 9)"),
            (lambda: config.table("t").allow_only("d"), "p.toml: [t]: c is not a key of this plugin (known: d)"),
        ]
        for read, text in table:
            with self.assertRaises(Invalid) as caught:
                read()
            self.assertEqual(caught.exception.message, text)
        self.assertEqual(Config.from_json("p", ""), {})


class Sources(unittest.TestCase):
    def load(self, text):
        return source.load(textwrap.dedent(text).encode(), "/plugins/p.py", "p")

    def test_the_one_plugin_class_is_found_and_bases_are_not(self):
        found = self.load("""
            from meterbox_plugin import Plugin
            class Base(Plugin): pass
            class Mine(Base): pass
        """)
        self.assertEqual(found.__name__, "Mine")

    def test_none_and_two_are_refused_by_name(self):
        for text, names in (("", "none"), ("from meterbox_plugin import Plugin\nclass A(Plugin): pass\n"
                                           "class B(Plugin): pass\n", "A, B")):
            with self.assertRaisesRegex(Invalid, f"p.py needs one class derived .* and has {names}$"):
                self.load(text)


class Hello(unittest.TestCase):
    """The example, as its own tests would be."""

    def setUp(self):
        self.bench = Bench.of_file(EXAMPLES / "plugins" / "hello.py", {"greeting": "Good day"})
        self.addCleanup(self.bench.stop)

    def test_it_greets_echoes_and_streams(self):
        greeted = self.bench.get("/hello?name=Ada%20L")
        self.assertEqual(greeted.json(), {"greeting": "Good day, Ada L!"})
        self.assertEqual(greeted.headers["x-hello"], "1")
        echoed = self.bench.post("/hello", b"\0" * 20_000, {"Content-Type": "image/png"})
        self.assertEqual((echoed.body, echoed.headers), (b"\0" * 20_000, {"content-type": "image/png"}))
        self.assertEqual(self.bench.get("/hello/stream").pieces, [b"part 0\n", b"part 1\n", b"part 2\n"])
        self.assertEqual((self.bench.get("/hello/later").status, self.bench.get("/hello/later").text), (202, "later\n"))
        self.assertEqual(self.bench.value("hello_calls_total", page="later"), 2)
        self.assertEqual(self.bench.sample("hello_body_bytes").buckets, (0, 0, 1, 0))

    def test_it_fails_as_asked_and_ticks(self):
        self.assertEqual(self.bench.get("/hello/x").error, "no page /x")
        self.assertEqual(self.bench.get("/hello/fail").error, "ValueError: hello fails when asked")
        self.bench.tick(1)
        self.assertEqual(self.bench.value("hello_ticks_total"), 1)

    def test_it_collects_two_rooms(self):
        [rooms] = self.bench.collect()
        self.assertEqual((rooms.kind, rooms.unit), (Kind.GAUGE, "celsius"))
        self.assertEqual([(sample.labels["room"], sample.value) for sample in rooms], [("kitchen", 21.5), ("cellar", 12)])


if __name__ == "__main__":
    unittest.main()
