"""From the text of a plugin file to the class in it.

The text is the one that the host has verified; the path is only a name, for tracebacks.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import ModuleType
from typing import List, Type

from .errors import Invalid
from .plugin import Plugin

_PIECE = 1 << 20


def read(descriptor: int) -> bytes:
    """Everything in a file, wherever its descriptor stands."""
    pieces: List[bytes] = []
    at = 0
    while True:
        piece = os.pread(descriptor, _PIECE, at)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        at += len(piece)


def load(content: bytes, path: str, name: str) -> Type[Plugin]:
    """Runs the text as a module and gives its plugin class. Raises what the text raises."""
    code = compile(content, path, "exec", dont_inherit=True)
    module = ModuleType(f"plugin_{name}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    # Without a time linecache never looks at the file, which may be another one by now.
    linecache.cache[path] = (len(content), None, lines, path)
    exec(code, vars(module))
    return find(module, path)


def find(module: ModuleType, path: str) -> Type[Plugin]:
    """The one class of a module that derives from `Plugin`."""
    own = [
        one for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Plugin) and one.__module__ == module.__name__
    ]
    # A class that another one of them refines is a base, no plugin.
    leaves = [one for one in own if not any(one in other.__mro__[1:] for other in own)]
    if len(leaves) != 1:
        names = ", ".join(one.__name__ for one in leaves) or "none"
        raise Invalid(f"{path} needs one class derived from meterbox_plugin.Plugin, and has {names}")
    return leaves[0]
