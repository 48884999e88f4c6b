"""What the host offers to a plugin."""

from __future__ import annotations

from typing import Dict, List, Sequence

from . import gathered
from .cells import Cells
from .codes import EventKinds, Fact, Level, Message
from .link import Link
from .metrics import Metrics
from .rows import Model
from .wire import Put

NANOSECONDS = 1_000_000_000


class Host:
    """The host, as this plugin may use it: `self.host`. May be used from any thread.

    What a permission forbids or a budget refuses is an error that names it.
    """

    def __init__(self, link: Link, cells: Cells, plugin_name: str, level: int = Level.INFO) -> None:
        self._link = link
        self._level = level
        self._facts: Dict[Fact, str] = {}
        #: The plugin's name, as the host knows it.
        self.plugin_name = plugin_name
        #: Registers metrics.
        self.metrics = Metrics(link, cells)

    def log(self, level: int, message: str, target: str = "") -> None:
        """Writes a line to the host's log, under this plugin's name. `logging` ends here, too."""
        if self.log_enabled(level):
            put = Put().u32(level).text(target or self.plugin_name).text(message)
            self._link.tell(Message.LOG, put.whole())

    def log_enabled(self, level: int) -> bool:
        """Whether the host keeps lines of this level; ask before you format an expensive one."""
        return level <= self._level

    def start_timer(self, id: int, seconds: float) -> None:
        """Calls `Plugin.on_timer(id)` every so many seconds, from one period from now on. Starting a
        running timer changes its period. Raises `Invalid` for a period under the host's shortest."""
        self._link.ask(Message.TIMER_START, Put().u64(id).u64(int(seconds * NANOSECONDS)).whole())

    def stop_timer(self, id: int) -> None:
        """Ends a timer; one that does not run is fine."""
        self._link.ask(Message.TIMER_STOP, Put().u64(id).whole())

    def subscribe(self, kinds: EventKinds) -> None:
        """From now on `Plugin.on_events` gets events of these kinds only. Raises `Denied`."""
        self._link.ask(Message.SUBSCRIBE, Put().u64(int(kinds)).whole())

    def gather(self, names: Sequence[str] = ()) -> List[gathered.Family]:
        """All metrics of the host, or those with samples of these names. Raises `Denied` without the
        permission `metrics.read`."""
        return gathered.read(self._link.gather(Put().texts(names).whole()))

    def models(self) -> List[Model]:
        """The registered models, a row per version. Raises `Denied` without `models.read`."""
        return [Model.read(row) for row in self._link.ask(Message.MODELS, b"").table()]

    @property
    def pid(self) -> int:
        """The host's process id; 0 when it is not known."""
        text = self._fact(Fact.PID)
        return int(text) if text.isdigit() else 0

    @property
    def hostname(self) -> str:
        """The machine's name."""
        return self._fact(Fact.HOSTNAME)

    @property
    def uuid(self) -> str:
        """The random id of this run of the host: the label `uuid` of inherited metrics."""
        return self._fact(Fact.UUID)

    @property
    def version(self) -> str:
        """The host's version."""
        return self._fact(Fact.VERSION)

    @property
    def metric_sets(self) -> List[str]:
        """The name sets that the operator chose, in their order."""
        return [name for name in self._fact(Fact.METRIC_SETS).split(",") if name]

    def _fact(self, fact: Fact) -> str:
        if fact not in self._facts:
            answer = self._link.ask(Message.INFO, Put().u32(fact).whole())
            known, text = answer.u8(), answer.text()
            self._facts[fact] = text if known else ""
        return self._facts[fact]
