"""What the host asks of a plugin: from a message to the plugin's method, and back to a result."""

from __future__ import annotations

import threading
from typing import Callable, Dict, List, Optional, Type

from . import log
from .cells import Cells
from .codes import Level, Message, Roles
from .config import Config
from .errors import Closed, Error, FrameError, Invalid
from .families import Families
from .host import NANOSECONDS, Host
from .link import Link
from .plugin import Plugin
from .pushes import Pushes
from .reply import Responder
from .request import Request
from .routes import Routes
from .rows import Event
from .wire import Bytes, Put, Take

#: Longest message of a failure, in characters.
MESSAGE_MAX = 4000
_OK = Put().u32(0).text("").whole()


class Entries:
    """The entries of one plugin, callable from any thread."""

    def __init__(self, kind: Type[Plugin], host: Host, link: Link) -> None:
        self._kind = kind
        self.host = host
        self._link = link
        self._plugin: Optional[Plugin] = None
        #: The routes, once it was created.
        self.routes: Optional[Routes] = None
        self._table: Dict[int, Callable[[Take], Optional[Put]]] = {
            Message.CREATE: self._create, Message.ROUTES: self._list_routes, Message.START: self._start,
            Message.STOP: self._stop, Message.CALL: self._call, Message.COLLECT: self._collect,
            Message.EVENTS: self._events, Message.EXPORT: self._export,
            Message.CLASSIFY: self._classify, Message.TIMER: self._timer,
        }

    def run(self, kind: int, payload: Bytes) -> bytes:
        """Runs one entry; the payload of its DONE."""
        entry = self._table.get(kind)
        if entry is None:
            raise FrameError(f"a message of kind {kind:#x} where an entry was due")
        try:
            result = entry(Take(payload))
        except FrameError:
            raise
        except BaseException as error:
            return self.failure(error)
        return result.whole() if result is not None else _OK

    def failure(self, error: BaseException, place: str = "") -> bytes:
        """The payload of DONE for an exception, whose traceback goes to the log unless it was meant."""
        if not isinstance(error, Error):
            self.host.log(Level.ERROR, log.text_of(error))
        status = error.status if isinstance(error, Error) else Error.status
        return Put().u32(status).text(f"{place}{log.last_line(error)}"[:MESSAGE_MAX]).whole()

    @property
    def plugin(self) -> Plugin:
        """The plugin, once it was created."""
        if self._plugin is None:
            raise Invalid("the plugin was not created yet")
        return self._plugin

    @staticmethod
    def _done(message: str = "") -> Put:
        return Put().u32(0).text(message)

    def _create(self, take: Take) -> None:
        config = Config.from_json(self.host.plugin_name, take.text())
        plugin = self._kind(self.host, config)
        plugin.create()
        self.routes = Routes(plugin)
        self._plugin = plugin

    def _list_routes(self, _: Take) -> Put:
        entries = self.routes.entries if self.routes else []
        roles = self._kind.roles() | (Roles.ENDPOINT if entries else Roles(0))
        put = self._done().u32(roles).u32(len(entries))
        for number, entry in enumerate(entries):
            put.u32(number).u32(entry.listener).text(entry.pattern).u32(entry.methods)
        return put

    def _start(self, _: Take) -> None:
        self.plugin.start()

    def _stop(self, take: Take) -> None:
        self.plugin.stop(take.u64() / NANOSECONDS)

    def _call(self, take: Take) -> None:
        request = Request(self._link, take)
        assert self.routes is not None, "a call follows ROUTES"
        handler = self.routes.find(request.route_number).handler(request.method)
        answer = handler(request)
        if not request.is_deferred:
            try:
                Responder(self._link, request.call_number).send(answer, wait=True)
            except Closed:
                # Nobody wants it any more, which says nothing about the plugin.
                close = getattr(answer, "close", None)
                if close is not None:
                    close()

    def _collect(self, take: Take) -> None:
        families = Families(take.texts(), self._show)
        try:
            self.plugin.collect(families)
        except BaseException:
            # What was shown before stays on the page.
            families.finish()
            raise
        families.finish()
        families.check()

    def _show(self, batch: bytes) -> bool:
        return bool(self._link.ask(Message.SHOW, batch).u32())

    def _events(self, take: Take) -> None:
        self.plugin.on_events([Event.read(row) for row in take.table()])

    def _export(self, _: Take) -> None:
        self.plugin.export(self.host.gather(), Pushes(self._link))

    def _classify(self, take: Take) -> Put:
        judged = self.plugin.classify(take.u16(), take.bytes())
        verdict, reason = judged if isinstance(judged, tuple) else (judged, "")
        return self._done(reason).u32(verdict)

    def _timer(self, take: Take) -> None:
        self.plugin.on_timer(take.u64())


def host_of(link: Link, cells: Cells, name: str, level: int) -> Host:
    """The host for the plugin of this name, with `logging` sent to it."""
    host = Host(link, cells, name, level)
    log.attach(host, level)
    threading.excepthook = lambda told: host.log(Level.ERROR, _uncaught(told))
    return host


def _uncaught(told: threading.ExceptHookArgs) -> str:
    lines: List[str] = [f"thread {told.thread.name if told.thread else '?'} ended:"]
    if told.exc_value is not None:
        lines.append(log.text_of(told.exc_value))
    return "\n".join(lines)
