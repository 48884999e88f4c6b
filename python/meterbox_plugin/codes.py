"""The numbers of the runner protocol that people see as words; docs/RUNNER-PROTOCOL.md says where each goes."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from types import MappingProxyType

#: The version of the runner protocol that this package speaks.
PROTOCOL = 1
#: Most series in a segment.
SEGMENT_SERIES_MAX = 256
#: What a gauge or an observed total holds until it is set.
UNSET = 0x7FF8_6D65_7472_6963


class Kind(IntEnum):
    """Kind of a metric."""

    UNKNOWN = 0
    COUNTER = 1
    GAUGE = 2
    HISTOGRAM = 3
    SUMMARY = 4
    INFO = 5

    @property
    def word(self) -> str:
        """As text formats print it."""
        return self.name.lower()

    @classmethod
    def of(cls, number: int) -> Kind:
        """A kind from a later version counts as unknown."""
        return cls(number) if number in _KINDS else cls.UNKNOWN


_KINDS = frozenset(Kind)

#: Help and type are shown although the family has no series.
SHOW_EMPTY = 1
#: The name is inherited; no format may alter it.
INHERITED_NAME = 2
#: The counter takes fractions.
FRACTIONS = 4


class Level(IntEnum):
    """How much a log line matters; smaller is louder."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


class Verdict(IntEnum):
    """What becomes of one push, as an exporter judges the answer to it."""

    #: The host decides by status code.
    BY_STATUS = 0
    #: Delivered.
    DONE = 1
    #: Send it again later.
    RETRY = 2
    #: Give it up and count it.
    DROP = 3
    #: Too large: send it again in smaller pieces.
    SPLIT = 4


class EventKinds(IntFlag):
    """Kinds of event, one bit each, for `Host.subscribe`."""

    REQUEST_DONE = 1
    MODEL_REGISTERED = 2
    MODEL_LOADED = 4
    MODEL_UNLOADED = 8
    WORKER_STARTED = 16
    WORKER_DIED = 32
    SAMPLE = 64


class Roles(IntFlag):
    """What a plugin does; the runner tells it from the methods that a plugin has."""

    ENDPOINT = 1
    COLLECTOR = 2
    EXPORTER = 4
    LISTENER = 8


class Fact(IntEnum):
    """One fact about the host."""

    PID = 1
    HOSTNAME = 2
    UUID = 3
    VERSION = 4
    PLUGIN = 5
    METRIC_SETS = 6


#: The host's listeners.
LISTENERS = MappingProxyType({"inference": 1, "management": 2, "metrics": 3})
#: HTTP methods, one bit each.
METHODS = MappingProxyType(
    {"GET": 1, "HEAD": 2, "POST": 4, "PUT": 8, "DELETE": 16, "PATCH": 32, "OPTIONS": 64}
)
#: Any method, also one that has no bit.
ANY_METHOD = 0xFFFF_FFFF


class Message(IntEnum):
    """What a frame is."""

    HELLO = 0x10
    CREATE = 0x11
    START = 0x12
    STOP = 0x13
    ROUTES = 0x14
    CALL = 0x15
    COLLECT = 0x16
    EVENTS = 0x17
    EXPORT = 0x18
    CLASSIFY = 0x19
    TIMER = 0x1A
    DONE = 0x1F
    LOG = 0x20
    REGISTER = 0x21
    SERIES = 0x22
    REMOVE = 0x23
    GATHER = 0x24
    MODELS = 0x25
    SUBSCRIBE = 0x26
    TIMER_START = 0x27
    TIMER_STOP = 0x28
    INFO = 0x29
    BODY = 0x2A
    REPLY = 0x2B
    DROP = 0x2C
    CLOSED = 0x2D
    PUSH = 0x2E
    SHOW = 0x2F
    ANSWER = 0x40
    VISIT = 0x41
    FLOW = 0x42
