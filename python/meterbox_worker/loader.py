"""Finds what answers batches in a model's code: a function, or the method of a class.

A handler is named `file.py`, `file` or `module:function`. Without a function's name it is the
function `handle` of the module, else the one class of the module that has `handle`. A class is
initialized with `initialize(context)`; a function is called once with no data, as in TorchServe 0.12.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Callable, Optional, Tuple

from .errors import LoadError

#: Answers a batch: `(data, context) -> list`.
Handle = Callable[[Any, Any], Any]
#: Prepares a model: `(context)`.
Initialize = Optional[Callable[[Any], Any]]

#: Handlers that TorchServe brings along; they need torch.
BUILT_IN = frozenset({
    "image_classifier", "image_segmenter", "object_detector", "text_classifier", "base_handler",
    "densenet_handler", "vision_handler", "text_handler", "request_envelope",
})


def find(handler: str, model_dir: str) -> Tuple[Handle, Initialize]:
    """What answers batches, and what prepares it. Imports the model's code."""
    place, _, name = handler.partition(":")
    # A path inside the archive: its folder becomes a place to import from.
    folder, _, file = place.rpartition("/")
    for path in (model_dir, f"{model_dir}/{folder}" if folder else None):
        if path is not None:
            if path in sys.path:
                sys.path.remove(path)
            sys.path.insert(0, path)
    module_name = file[:-3] if file.endswith(".py") else file
    if not module_name:
        raise LoadError(f"handler {handler!r} names no file: use file.py, file or module:function")
    path = os.path.join(model_dir, folder, module_name + ".py")
    if os.path.isfile(path):
        return entry(run(path, module_name), name, handler)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        why = f"the archive has no {module_name}.py"
        if module_name in BUILT_IN:
            why = "it is one of those that TorchServe brings along, which need torch: bring your own"
        raise LoadError(f"handler {handler!r} is not found: {why}") from None
    return entry(module, name, handler)


def run(path: str, module_name: str) -> ModuleType:
    """The module in this very file, whatever else goes by its name."""
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Known by its name, as an import would make it: pickles and circular imports look there.
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def entry(module: ModuleType, name: str, handler: str) -> Tuple[Handle, Initialize]:
    """What answers batches in a module."""
    found = getattr(module, name or "handle", None)
    if isinstance(found, type):
        return method(found)
    if callable(found):
        return found, lambda context: found(None, context)
    if name:
        raise LoadError(f"handler {handler!r} is not found: the module has no function {name!r}")
    classes = [
        one for _, one in sorted(vars(module).items())
        if isinstance(one, type) and one.__module__ == module.__name__
        and callable(getattr(one, "handle", None))
    ]
    if len(classes) != 1:
        names = ", ".join(one.__name__ for one in classes) or "none"
        raise LoadError(
            f"handler {handler!r} is not clear: the module needs a function handle(data, context) or "
            f"one class with a method handle, and has {names}: name one as module:name"
        )
    return method(classes[0])


def method(of: type) -> Tuple[Handle, Initialize]:
    """The method of a new object of the class."""
    model = of()
    handle = getattr(model, "handle", None)
    if not callable(handle):
        raise LoadError(f"class {of.__name__} has no method handle(data, context)")
    return handle, getattr(model, "initialize", None)
