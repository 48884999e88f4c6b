"""`metrics.yaml`: declares the metrics of models, so that handlers find them by name.

The server reads the same file and decides what is shown; here only `model_metrics` matters.
"""

from __future__ import annotations

from typing import Any, List, Tuple

from ..document import DocumentError, read
from .cache import MetricsCache
from .units import MetricTypes

#: Name, printed unit, dimensions, type.
Declaration = Tuple[str, str, List[str], MetricTypes]


def read_declarations(path: str) -> List[Declaration]:
    """The metrics that the file declares; raises `DocumentError` for what is wrong with it."""
    document = read(path)
    section = document.get("model_metrics") if isinstance(document, dict) else None
    if section is None:
        return []
    if not isinstance(section, dict):
        raise DocumentError(f"{path}: model_metrics: counter, gauge and histogram are expected")
    found = []
    for kind in MetricTypes:
        for entry in section.get(kind.value) or []:
            found.append(declaration(entry, kind, path))
    return found


def declaration(entry: Any, kind: MetricTypes, path: str) -> Declaration:
    """One entry of a list of metrics."""
    name, unit = (entry.get("name"), entry.get("unit")) if isinstance(entry, dict) else (None, None)
    if not name or not unit:
        raise DocumentError(f"{path}: model_metrics: {kind.value}: a metric needs a name and a unit")
    return str(name), str(unit), [str(one) for one in entry.get("dimensions") or []], kind


def declare(declarations: List[Declaration], cache: MetricsCache) -> None:
    """Puts them into a model's metrics."""
    for name, unit, dimensions, kind in declarations:
        cache.declare(name, unit, dimensions, kind)
