"""Write a plugin for Meterbox in one Python file, with the standard library alone.

This is a whole plugin. It answers `GET /drift` on the metrics listener and counts how often it was asked;
the counter shows up on the metrics page without further ado:

    # /// meterbox
    # name = "drift"
    # version = "0.1.0"
    # api = 1
    # ///
    from meterbox_plugin import Plugin, get

    class Drift(Plugin):
        def create(self):
            self.asked = self.host.metrics.counter("drift_checks_total", "Drift checks run.")

        @get("drift")
        def show(self, request):
            self.asked.inc()
            return {"drift": 0.02}

Copy the file into a folder of `plugins_path`; Meterbox finds it while it runs. A `drift.toml` beside it is
its `config`. The block of comments says who it is; Meterbox reads it before it runs anything.

to ...                                            use
answer HTTP requests, also later or in pieces     `get` and its kin, `Request`, `Reply`, `Request.defer`
count and measure                                 `host.metrics`
show values that are read at scrape time          `Plugin.collect`
read all metrics of the host                      `host.gather`
push them somewhere                               `Plugin.export`
hear of requests, models and workers              `host.subscribe`, `Plugin.on_events`
do something now and then                         `host.start_timer`, `Plugin.on_timer`
write to the log                                  `self.log`, the module `logging`
test all that without a server                    `meterbox_plugin.testkit`
"""

from .codes import EventKinds, Kind, Level, Roles, Verdict
from .config import Config
from .errors import (
    Closed,
    Conflict,
    Denied,
    Error,
    Invalid,
    Limit,
    NotFound,
    Timeout,
    TooLarge,
    Unavailable,
    Unsupported,
)
from .families import Families, FamilyRows
from .gathered import Family, Sample
from .host import Host
from .metrics import Counter, CounterF64, Gauge, Histogram, Info, Metrics, Summary
from .plugin import Plugin
from .pushes import Pushes
from .reply import Reply, Responder
from .request import Request
from .routes import any_method, delete, get, patch, post, put, route
from .rows import Event, Model

__all__ = [
    "Closed", "Config", "Conflict", "Counter", "CounterF64", "Denied", "Error", "Event", "EventKinds",
    "Families", "Family", "FamilyRows", "Gauge", "Histogram", "Host", "Info", "Invalid", "Kind", "Level",
    "Limit", "Metrics", "Model", "NotFound", "Plugin", "Pushes", "Reply", "Request", "Responder",
    "Roles", "Sample", "Summary", "Timeout", "TooLarge", "Unavailable", "Unsupported", "Verdict",
    "any_method", "delete", "get", "patch", "post", "put", "route",
]
