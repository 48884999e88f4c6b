"""The values of a plugin's series, in memory that it shares with the host.

A change is a store into the file, seen by the host when it next looks and kept when this process ends.
Each thread writes a stripe of its own, so that no lock is taken; stripe 0 is shared, under a lock.
"""

from __future__ import annotations

import mmap
import threading
from typing import List, Union

from .codes import UNSET

#: Cells of stripe 0 before those of series.
MISFITS = 0
STRIPES_USED = 1
#: The stripe that all threads share.
SHARED = 0
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class _Lease:
    """A stripe for as long as a thread lives; it goes back with its values when the thread ends."""

    __slots__ = ("base", "_stripe", "_free")

    def __init__(self, stripe: int, base: int, free: List[int]) -> None:
        self.base = base
        self._stripe = stripe
        self._free = free

    def __del__(self) -> None:
        if self._stripe != SHARED:
            self._free.append(self._stripe)


class Cells:
    """The file of cells, to be written from any thread."""

    def __init__(self, memory: Union[mmap.mmap, bytearray], stripes: int) -> None:
        view = memoryview(memory)
        #: The same cells as whole numbers and as fractions.
        self._whole = view.cast("Q")
        self._fractions = view.cast("d")
        self._stripes = stripes
        self._per_stripe = len(self._whole) // stripes
        self._free: List[int] = []
        self._next = 1
        self._mine = threading.local()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, descriptor: int, size: int, stripes: int) -> Cells:
        """The cells in a file of `size` bytes."""
        return cls(mmap.mmap(descriptor, size), stripes)

    def _base(self) -> int:
        """Index of the first cell of this thread's stripe; 0 for the shared one."""
        try:
            return self._mine.lease.base
        except AttributeError:
            self._mine.lease = self._lease()
            return self._mine.lease.base

    def _lease(self) -> _Lease:
        with self._lock:
            if self._free:
                stripe = self._free.pop()
            elif self._next < self._stripes:
                stripe = self._next
                self._next += 1
                self._whole[STRIPES_USED] = max(self._whole[STRIPES_USED], self._next)
            else:
                stripe = SHARED
        return _Lease(stripe, stripe * self._per_stripe, self._free)

    def count(self, cell: int, amount: int) -> None:
        """Adds a whole number, which is not negative."""
        base = self._base()
        if base:
            at = base + cell
            self._whole[at] = (self._whole[at] + amount) & _MASK
        else:
            with self._lock:
                self._whole[cell] = (self._whole[cell] + amount) & _MASK

    def add(self, cell: int, amount: float) -> None:
        """Adds a fraction."""
        base = self._base()
        if base:
            self._fractions[base + cell] += amount
        else:
            with self._lock:
                self._fractions[cell] += amount

    def set(self, cell: int, value: float) -> None:
        """Sets a level; any NaN is the usual one, so that none says "not set"."""
        self._fractions[cell] = value if value == value else float("nan")

    def shift(self, cell: int, amount: float) -> None:
        """Moves a level."""
        with self._lock:
            self._fractions[cell] = self._known(cell) + amount

    def raise_to(self, cell: int, total: float) -> None:
        """Raises a total, which never goes down."""
        with self._lock:
            self._fractions[cell] = max(self._known(cell), total)

    def _known(self, cell: int) -> float:
        return 0.0 if self._whole[cell] == UNSET else self._fractions[cell]

    def misfit(self) -> None:
        """Counts a change that does not fit the kind of its series."""
        with self._lock:
            self._whole[MISFITS] += 1

    def sum_whole(self, cell: int) -> int:
        """The whole number in all stripes together, as the host reads it."""
        return sum(self._whole[cell::self._per_stripe]) & _MASK

    def sum_fractions(self, cell: int) -> float:
        """The fraction in all stripes together."""
        return sum(self._fractions[cell::self._per_stripe])

    def level(self, cell: int) -> float:
        """The level in stripe 0; 0 when it was never set."""
        return self._known(cell)
