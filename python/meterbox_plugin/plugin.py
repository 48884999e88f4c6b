"""The class that an author derives from."""

from __future__ import annotations

import logging
from typing import List, Tuple, Union

from .codes import Roles, Verdict
from .config import Config
from .errors import Unsupported
from .families import Families
from .gathered import Family
from .host import Host
from .pushes import Pushes
from .rows import Event

#: Methods whose presence gives a role.
_ROLE_METHODS = (("collect", Roles.COLLECTOR), ("export", Roles.EXPORTER), ("on_events", Roles.LISTENER))


class Plugin:
    """A plugin. Override what yours does and leave the rest; requests are answered by methods that carry
    `@get(...)` and its kin.

    Every method runs on a thread of this plugin's process, up to four at once, under a deadline. An
    exception in any of them is caught: the caller gets an error with its last line, the log its traceback.
    """

    def __init__(self, host: Host, config: Config) -> None:
        #: The host, as this plugin may use it.
        self.host = host
        #: The table of `<name>.toml`.
        self.config = config
        #: Writes to the host's log.
        self.log = logging.getLogger(host.plugin_name)

    def create(self) -> None:
        """Registers metrics, reads the configuration. May take 10 s. An exception means that the plugin is
        not loaded; its text is shown to the person who dropped it into the folder."""

    def start(self) -> None:
        """Called once before it goes into service."""

    def stop(self, seconds: float) -> None:
        """Called once when it goes out of service and no call is in progress; `seconds` is the time left."""

    def collect(self, families: Families) -> None:
        """Shows families that are read at this moment, as part of every gather. May take as long as the
        scrape has, 5 s at most. After an exception, families shown so far stay on the page."""
        raise Unsupported("this collector does not implement collect")

    def on_events(self, events: List[Event]) -> None:
        """Takes up to 256 of the events that it asked for by `host.subscribe`."""
        raise Unsupported("this listener does not implement on_events")

    def on_timer(self, id: int) -> None:
        """A timer that it started by `host.start_timer` has come round. Calls of one timer never overlap."""
        raise Unsupported(f"timer {id} came round, but on_timer is not implemented")

    def export(self, gathered: List[Family], pushes: Pushes) -> None:
        """Encodes what was gathered into pushes. The host delivers them, with retries and bounded memory."""
        raise Unsupported("this exporter does not implement export")

    def classify(self, status: int, body: bytes) -> Union[Verdict, Tuple[Verdict, str]]:
        """Judges the answer to a push, with a reason for a drop. By default the status code decides."""
        return Verdict.BY_STATUS

    @classmethod
    def roles(cls) -> Roles:
        """What it does beside answering requests, told from the methods that it overrides."""
        roles = Roles(0)
        for name, role in _ROLE_METHODS:
            if getattr(cls, name) is not getattr(Plugin, name):
                roles |= role
        return roles
