# /// meterbox
# name = "hello"
# version = "0.1.0"
# description = "Greets, echoes and streams: every way to answer, measure and be measured"
# api = 1
# [schema.properties.greeting]
# type = "string"
# [schema.properties.tick_ms]
# type = "integer"
# minimum = 10
# [schema.properties.broken_collector]
# type = "boolean"
# ///
"""Everything that a plugin can do, in its shortest form. `hello.toml` beside it is its configuration."""

import os
import threading

from meterbox_plugin import Error, NotFound, Plugin, Reply, get, post


class Hello(Plugin):
    def create(self):
        self.config.allow_only("greeting", "tick_ms", "broken_collector")
        self.greeting = self.config.text("greeting", "Hello")
        self.tick_seconds = self.config.int("tick_ms", 1000) / 1000
        self.broken_collector = self.config.bool("broken_collector", False)
        metrics = self.host.metrics
        self.calls = metrics.counter("hello_calls_total", "Requests answered.", ["page"])
        self.sizes = metrics.histogram(
            "hello_body_bytes", "Size of echoed bodies.", bounds=[100, 10_000, 1_000_000], unit="bytes"
        )
        self.ticks = metrics.counter("hello_ticks_total", "Timer ticks.")

    def start(self):
        self.host.start_timer(1, self.tick_seconds)
        self.log.info("hello is ready")

    def stop(self, seconds):
        self.log.info("hello leaves")

    @get("hello")
    def show(self, request):
        if request.rest == "/crash":
            os.abort()
        page = self.pages.get(request.rest, Hello.other)
        self.calls.with_labels(page.__name__).inc()
        return page(self, request)

    @post("hello")
    def echo(self, request):
        self.calls.with_labels("echo").inc()
        body = request.body()
        self.sizes.observe(len(body))
        return Reply(body, content_type=request.header("content-type") or "")

    def greet(self, request):
        name = request.query_value("name", "world")
        return Reply.json({"greeting": f"{self.greeting}, {name}!"}, headers={"x-hello": "1"})

    def stream(self, request):
        for number in range(3):
            yield f"part {number}\n"

    def later(self, request):
        answer = request.defer()
        threading.Thread(target=lambda: answer.send(Reply("later\n", status=202))).start()

    def fail(self, request):
        raise ValueError("hello fails when asked")

    def other(self, request):
        raise NotFound(f"no page {request.rest}")

    pages = {"": greet, "/stream": stream, "/later": later, "/fail": fail}

    def on_timer(self, id):
        self.ticks.inc()

    def collect(self, families):
        rooms = families.gauge("hello_room_celsius", "Temperature of a room.", unit="celsius")
        rooms.sample(21.5, room="kitchen")
        if self.broken_collector:
            raise Error("the cellar is locked")
        rooms.sample(12, room="cellar")
